"""Laws of deletion: what a deleted owner takes along, over random graphs of owners."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_local.apiserver.builtin_kinds import BUILTIN_KINDS
from kagents_local.apiserver.deletion import DeleteOptions, Deletion
from kagents_local.apiserver.store import Store

MAPS = next(kind for kind in BUILTIN_KINDS if kind.plural == "configmaps")

Graph = list[list[tuple[int, bool]]]
"""For each object its owners: (an earlier object, whether it blocks that one's deletion)."""


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 7))
    found: Graph = []
    for index in range(count):
        owner = st.tuples(st.integers(0, max(index - 1, 0)), st.booleans())
        owners = draw(st.lists(owner, max_size=min(index, 2), unique_by=lambda o: o[0]))
        found.append(owners)
    return found


def stored(graph: Graph) -> Store:
    store = Store()
    for index, owners in enumerate(graph):
        references = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": f"m{o}",
                "uid": f"u{o}",
                "blockOwnerDeletion": blocks,
            }
            for o, blocks in owners
        ]
        metadata: dict[str, Any] = {"name": f"m{index}", "namespace": "default", "uid": f"u{index}"}
        if references:
            metadata["ownerReferences"] = references
        store.write("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    return store


def left(store: Store) -> set[int]:
    return {int(entry.uid[1:]) for entry in store.list("configmaps")}


def expected(graph: Graph, deleted: int) -> set[int]:
    """The objects that stay: an object goes when it had owners and all of them went."""
    gone = {deleted}
    for index, owners in enumerate(graph):
        if owners and all(owner in gone for owner, _ in owners):
            gone.add(index)
    return set(range(len(graph))) - gone


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
@settings(max_examples=150, deadline=None)
@given(graph=graphs(), data=st.data())
def test_exactly_those_go_that_have_no_owner_left(
    propagation: Any, graph: Graph, data: st.DataObject
) -> None:
    store = stored(graph)
    deleted = data.draw(st.integers(0, len(graph) - 1))
    entry = store.find(f"u{deleted}")
    assert entry is not None
    Deletion(store).delete(MAPS, entry, DeleteOptions(propagation=propagation))
    assert left(store) == expected(graph, deleted)
    for entry in store.list("configmaps"):
        assert not entry.object()["metadata"].get("finalizers")
        assert all(store.find(owner.uid) for owner in entry.owners)
    store.close()


@settings(max_examples=150, deadline=None)
@given(graph=graphs(), data=st.data())
def test_orphans_stay_and_forget_their_owner(graph: Graph, data: st.DataObject) -> None:
    store = stored(graph)
    deleted = data.draw(st.integers(0, len(graph) - 1))
    entry = store.find(f"u{deleted}")
    assert entry is not None
    Deletion(store).delete(MAPS, entry, DeleteOptions(propagation="Orphan"))
    assert left(store) == set(range(len(graph))) - {deleted}
    assert store.dependents(f"u{deleted}") == []
    store.close()


@pytest.mark.parametrize("blocks", [True, False])
def test_a_foreground_deletion_waits_for_what_blocks_it(blocks: bool) -> None:
    store = stored([[], [(0, blocks)]])
    child = store.find("u1")
    assert child is not None
    held = child.object()
    held["metadata"]["finalizers"] = ["x.io/hold"]
    store.write("configmaps", held)
    owner = store.find("u0")
    assert owner is not None
    deletion = Deletion(store)
    _, gone = deletion.delete(MAPS, owner, DeleteOptions(propagation="Foreground"))
    assert not gone
    assert left(store) == ({0, 1} if blocks else {1})
    child = store.find("u1")
    assert child is not None
    released = child.object()
    assert "deletionTimestamp" in released["metadata"]
    del released["metadata"]["finalizers"]
    assert deletion.is_due(released)
    deletion.finish(child, released)
    assert left(store) == set()
    store.close()


def test_a_later_start_finishes_what_a_killed_one_began() -> None:
    store = stored([[], [(0, False)], [(1, False)]])
    owner = store.find("u0")
    assert owner is not None
    store.remove(owner, owner.object())
    assert left(store) == {1, 2}
    Deletion(store).collect_all()
    assert left(store) == set()
    store.close()
