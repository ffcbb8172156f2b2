"""JSON that is kept for long."""

import tracemalloc

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.kube.packed import packed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_it_is_read_as_it_was_written(value):
    assert orjson.loads(packed(value)) == value


@pytest.mark.parametrize("size", [700, 2_500, 9_000, 40_000])
def test_it_takes_no_more_room_than_it_is_long(size):
    value = {"text": "x" * size}
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = packed(value)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken < len(kept) + 200
