"""Mailboxes that only grew: what is read of them is what reading them whole would add."""

import json

from hypothesis import given
from hypothesis import strategies as st

from kagents_core.teamfiles.growth import Known, read_grown
from kagents_core.teamfiles.nativejson import NotJsonError, indented

ENTRY = st.dictionaries(st.sampled_from(["from", "text", "msg_id"]), st.text(max_size=8), max_size=3)
ARRAY = st.lists(st.one_of(ENTRY, st.integers(0, 99)), max_size=5)
FORMS = (indented, lambda value: json.dumps(value).encode(), lambda value: indented(value) + b"\n ")


def known_after(data: bytes) -> Known | None:
    return read_grown(data, None).known


@given(ARRAY, ARRAY, st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_what_came_and_what_was_known_are_all(old, new, before, after) -> None:  # type: ignore[no-untyped-def]
    known = known_after(before(old))
    found = read_grown(after(old + new), known)
    assert found.value == (new if found.appended else old + new)
    if before is after and old and isinstance(old[-1], dict):
        assert found.appended
    again = read_grown(after(old + new), found.known)
    assert again.value == ([] if again.appended else old + new)


@given(ARRAY, ARRAY)
def test_anything_but_growth_is_read_from_the_start(old, other) -> None:  # type: ignore[no-untyped-def]
    found = read_grown(indented(other), known_after(indented(old)))
    assert found.value == (other[len(old) :] if found.appended else other)
    assert not found.appended or other[: len(old)] == old


@given(ARRAY, ARRAY, st.integers(0, 60), st.binary(max_size=3))
def test_what_is_torn_is_refused_as_without_memory(old, new, cut, put) -> None:  # type: ignore[no-untyped-def]
    data = indented(old + new)
    data = data[: max(1, len(data) - cut)] + put
    known = known_after(indented(old))
    try:
        whole = read_grown(data, None).value
    except NotJsonError:
        whole = None
    try:
        found = read_grown(data, known)
    except NotJsonError:
        assert whole is None
        return
    assert whole is not None
    assert found.value == (whole[len(old) :] if found.appended else whole)
