"""Objects without managedFields: whatever texts and keys they hold, nothing else is lost."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.kube.lean import loads, without_managed_fields

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(['}],"name', '"managedFields":[{', "}]},", '\\"managedFields\\":[{', "}]", "[{"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
FIELDS = st.recursive(
    st.just({}), lambda inner: st.dictionaries(TEXTS.map("f:{}".format), inner, max_size=3), max_leaves=6
)
MANAGED = st.lists(
    st.fixed_dictionaries(
        {"manager": TEXTS, "operation": st.just("Update"), "fieldsV1": FIELDS, "time": TEXTS}
    ),
    max_size=3,
)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """With keys in the order of built-in kinds, or by the alphabet as custom ones; some end early."""
    metadata: dict[str, Any] = {
        "name": draw(TEXTS),
        "labels": draw(st.dictionaries(TEXTS, TEXTS, max_size=2)),
    }
    metadata["managedFields"] = draw(MANAGED)
    if draw(st.booleans()):
        metadata = dict(sorted(metadata.items()))
    found: dict[str, Any] = {"metadata": metadata}
    if draw(st.booleans()):
        found["spec"] = draw(VALUES)
    return found | ({"status": draw(VALUES)} if draw(st.booleans()) else {})


def bare(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with empty managedFields."""
    return obj | {"metadata": obj["metadata"] | {"managedFields": []}}


@given(st.lists(objects(), max_size=4))
def test_only_managed_fields_are_left_out(items: list[dict[str, Any]]) -> None:
    read = loads(orjson.dumps({"kind": "List", "items": items, "metadata": {"resourceVersion": "7"}}))

    assert read["metadata"] == {"resourceVersion": "7"}
    assert [bare(each) for each in read["items"]] == [bare(each) for each in items]


@given(VALUES)
def test_json_of_any_kind_is_read_as_it_is(value: Any) -> None:
    assert loads(orjson.dumps(value)) == value


def test_a_pod_as_the_server_writes_it_is_read_without_them() -> None:
    managed = (
        '[{"manager":"kubelet","operation":"Update","fieldsV1":{"f:status":'
        '{"f:conditions":{"k:{\\"type\\":\\"Ready\\"}":{".":{},"f:type":{}}}}},"subresource":"status"}]'
    )
    pod = '{"metadata":{"name":"a","managedFields":%s},"spec":{"containers":[{"name":"x"}]}}'

    assert without_managed_fields((pod % managed).encode()) == (pod % "[]").encode()


def test_a_document_that_is_not_compact_stays() -> None:
    written = b'{"metadata": {"managedFields": [{"manager": "x"}], "name": "a"}}'

    assert without_managed_fields(written) is written
