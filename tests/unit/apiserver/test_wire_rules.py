"""Selectors, strategic patches, protobuf bodies and table cells, without a server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_local.apiserver import protobuf, strategic
from kagents_local.apiserver.builtin_schemas import POD
from kagents_local.apiserver.cells import age, find
from kagents_local.apiserver.errors import RefusalError
from kagents_local.apiserver.patches import json_patch, merge_patch
from kagents_local.apiserver.selectors import parse_labels

LABELS = {"app": "x", "tier": "2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", True),
        ("!app", False),
        ("! none", True),
        ("app=x", True),
        ("app == x", True),
        ("app!=x", False),
        ("none!=x", True),
        ("app in (x, y)", True),
        ("none in (x)", False),
        ("app notin (x,y)", False),
        ("none notin (x)", True),
        ("tier>1", True),
        ("tier<2", False),
        ("app>1", False),
        ("app=x,tier=2", True),
        ("app=x,tier=3", False),
        ("", True),
    ],
)
def test_label_selectors(text: str, expected: bool) -> None:
    match = parse_labels(text)
    assert (match is None or match(LABELS)) is expected


@pytest.mark.parametrize("text", ["a in b", "=x", "a b", "a in (x", "a=(x)", "a>b"])
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(RefusalError):
        parse_labels(text)


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **more}


def patched(target: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return strategic.patch({"spec": target}, {"spec": change}, POD)["spec"]


def test_strategic_patch_merges_by_key() -> None:
    target = {"containers": [container("a", image="1", env=[{"name": "X", "value": "1"}]), container("b")]}
    change = {"containers": [container("a", env=[{"name": "Y", "value": "2"}]), container("c")]}
    result = patched(target, change)["containers"]
    assert [each["name"] for each in result] == ["a", "b", "c"]
    assert result[0]["image"] == "1"
    assert [each["name"] for each in result[0]["env"]] == ["X", "Y"]


def test_strategic_directives() -> None:
    target = {"containers": [container("a"), container("b")], "nodeSelector": {"x": "1", "y": "2"}}
    gone = patched(target, {"containers": [{"name": "a", "$patch": "delete"}]})
    assert gone["containers"] == [container("b")]
    replaced = patched(target, {"containers": [container("z"), {"$patch": "replace"}]})
    assert replaced["containers"] == [container("z")]
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [container("a")]}
    assert [each["name"] for each in patched(target, order)["containers"]] == ["b", "a"]
    kept = patched(target, {"$retainKeys": ["nodeSelector"], "nodeSelector": {"x": None}})
    assert kept == {"nodeSelector": {"y": "2"}}
    finalizers = {"metadata": {"finalizers": ["a", "b"]}}
    less = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert strategic.patch(finalizers, less, None)["metadata"]["finalizers"] == ["b"]
    with pytest.raises(RefusalError):
        patched(target, {"containers": [{"image": "nameless"}]})
    with pytest.raises(RefusalError):
        patched(target, {"$patch": "explode"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


@given(JSON, JSON)
def test_merge_patch_twice_is_once(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


@given(JSON, st.dictionaries(st.text(max_size=3), JSON))
def test_merge_patch_onto_nothing_is_the_patch_without_nulls(target: Any, patch: Any) -> None:
    assert merge_patch(None, patch) == without_nulls(patch)


@given(st.dictionaries(st.text(max_size=3), JSON), st.text(max_size=3), JSON)
def test_json_patch_adds_and_takes_back(document: dict[str, Any], key: str, value: Any) -> None:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    added = json_patch(document, [{"op": "add", "path": path, "value": value}])
    assert added == {**document, key: value}
    taken = json_patch(added, [{"op": "remove", "path": path}])
    assert taken == {each: inner for each, inner in document.items() if each != key}


def field(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def envelope(kind: str, raw: bytes, version: str = "v1") -> bytes:
    head = field(1, version.encode()) + field(2, kind.encode())
    return b"k8s\x00" + field(1, head) + field(2, raw)


def test_a_secret_in_protobuf() -> None:
    metadata = field(1, b"key") + field(11, field(1, b"a") + field(2, b"b"))
    raw = field(1, metadata) + field(2, field(1, b"TOKEN") + field(2, b"\xff\x00")) + field(3, b"Opaque")
    raw += bytes([5 << 3, 1]) + field(9, b"from a later release")
    assert protobuf.decode(envelope("Secret", raw)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key", "labels": {"a": "b"}},
        "data": {"TOKEN": "/wA="},
        "type": "Opaque",
        "immutable": True,
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"k8s\x00\xff",
        envelope("Pod", b""),
        envelope("Secret", b"\x0a\x7fshort"),
        envelope("Secret", b"\x80" * 20),
        envelope("Secret", b"\x08\x01"),
    ],
)
def test_what_is_no_protobuf_is_refused(data: bytes) -> None:
    with pytest.raises(RefusalError) as refused:
        protobuf.decode(data)
    assert refused.value.code == 400


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        assert protobuf.decode(envelope("ConfigMap", raw[:100]))["kind"] == "ConfigMap"
    except RefusalError as refused:
        assert refused.code == 400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 61, "3h1m"),
        (9 * 3600, "9h"),
        (50 * 3600, "2d2h"),
        (20 * 86400, "20d"),
        (800 * 86400, "2y70d"),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert age((now - timedelta(seconds=seconds)).isoformat(), now) == text


def test_paths_of_columns() -> None:
    obj = {"status": {"conditions": [{"type": "Ready", "status": "True"}], "a.b": [5]}}
    assert find(obj, '.status.conditions[?(@.type=="Ready")].status') == "True"
    assert find(obj, ".status['a.b'][0]") == 5
    assert find(obj, ".status.a\\.b[0]") == 5
    assert find(obj, ".status.missing.deep") is None
