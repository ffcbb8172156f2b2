"""Laws of server-side apply, over random histories of two managers."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_local.apiserver import ownership
from kagents_local.apiserver.builtin_schemas import POD, with_metadata
from kagents_local.apiserver.errors import RefusalError
from kagents_local.apiserver.fieldsets import Schema

SCHEMA: Schema = with_metadata(POD)
KEYS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["1", "2", "3"])
LABELS = st.dictionaries(KEYS, TEXTS, max_size=3)


def _container(name: str, image: str | None, env: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "env": [{"name": k, "value": v} for k, v in env.items()]}
    return made if image is None else {**made, "image": image}


CONTAINERS = st.lists(KEYS, unique=True, max_size=3).flatmap(
    lambda names: st.tuples(*(st.builds(_container, st.just(n), st.none() | TEXTS, LABELS) for n in names))
)


@st.composite
def intents(draw: st.DrawFn) -> dict[str, Any]:
    obj: dict[str, Any] = {"metadata": {}}
    if draw(st.booleans()):
        obj["metadata"]["labels"] = draw(LABELS)
    if draw(st.booleans()):
        obj["spec"] = {"containers": list(draw(CONTAINERS))}
        if draw(st.booleans()):
            obj["spec"]["nodeSelector"] = draw(LABELS)
    return obj


def applied(
    live: dict[str, Any] | None, intent: dict[str, Any], name: str, *, force: bool = True
) -> dict[str, Any]:
    who = ownership.Manager(name, "Apply", "v1")
    # Through JSON, so that nothing is shared between what goes in and what comes out.
    given = json.loads(json.dumps([live, intent]))
    result = ownership.apply(
        given[0], given[1], SCHEMA, who, "2026-01-01T00:00:00Z", force=force, has_status=True
    )
    copied: dict[str, Any] = json.loads(json.dumps(result))
    return copied


def leaves(obj: Any) -> dict[tuple[str, ...], Any]:
    """Every scalar by its path; items of lists by their names."""
    if isinstance(obj, dict):
        return {
            (k, *p): v for k, inner in obj.items() if k != "managedFields" for p, v in leaves(inner).items()
        }
    if isinstance(obj, list):
        return {(f"[{item['name']}]", *p): v for item in obj for p, v in leaves(item).items()}
    return {(): obj}


HISTORIES = st.lists(st.tuples(st.sampled_from(["one", "two"]), intents()), max_size=4)


def after(history: list[tuple[str, dict[str, Any]]]) -> dict[str, Any] | None:
    live = None
    for name, intent in history:
        live = applied(live, intent, name)
    return live


@settings(max_examples=150, deadline=None)
@given(HISTORIES, intents())
def test_applying_twice_changes_nothing_more(history: list[Any], intent: dict[str, Any]) -> None:
    once = applied(after(history), intent, "one")
    assert applied(once, intent, "one") == once
    assert applied(once, intent, "one", force=False) == once


@settings(max_examples=150, deadline=None)
@given(HISTORIES, intents())
def test_what_was_applied_is_there(history: list[Any], intent: dict[str, Any]) -> None:
    found = leaves(applied(after(history), intent, "one"))
    assert leaves(intent).items() <= found.items()


@settings(max_examples=150, deadline=None)
@given(intents(), intents())
def test_who_takes_everything_back_leaves_what_the_other_applied(
    mine: dict[str, Any], other: dict[str, Any]
) -> None:
    both = applied(applied(None, mine, "one"), other, "two")
    left = applied(both, {"metadata": {}}, "one")
    assert leaves(left) == leaves(other)


@settings(max_examples=150, deadline=None)
@given(HISTORIES, intents())
def test_without_force_nothing_of_others_changes(history: list[Any], intent: dict[str, Any]) -> None:
    live = after(history)
    before = {} if live is None else live
    theirs = [o for o in ownership.read_ownerships(before) if o.manager.name == "two"]
    try:
        result = applied(live, intent, "one", force=False)
    except RefusalError as refused:
        assert 'conflict with "two"' in str(refused)
        return
    assert [o for o in ownership.read_ownerships(result) if o.manager.name == "two"] == theirs
