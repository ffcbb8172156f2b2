"""A request's body in the pieces in which it came: nothing of it differs from the body in one piece."""

import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.gateway.pieces import Pieces
from kagents_runner.gateway.server import likely_tokens, model_of

MODEL = b'{"model":"claude-sonnet-4-6","messages":["'
TOKENS = b'"],"max_tokens" : 4321,"stream":true}'


def cut(data: bytes, places: list[int]) -> Pieces:
    """The same bytes, cut at these places."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return Pieces(*(data[start:end] for start, end in pairwise(bounds)))


@given(
    filling=st.integers(0, 100_000),
    before=st.integers(0, 40_000),
    after=st.integers(0, 40_000),
    places=st.lists(st.integers(0, 200_000), max_size=12),
)
def test_what_is_looked_for_is_found_wherever_it_stands_and_is_cut(
    filling: int, before: int, after: int, places: list[int]
) -> None:
    data = b" " * before + MODEL + b"x" * filling + TOKENS + b" " * after
    body = cut(data, places)
    assert (body.size, body.whole(), b"".join(body)) == (len(data), data, data)
    assert body.sha256() == hashlib.sha256(data).hexdigest()
    assert model_of(body) == "claude-sonnet-4-6"
    assert likely_tokens(body).output == 4321
    assert likely_tokens(body).cache_write_1h == len(data) // 2


@given(
    st.lists(
        st.sampled_from([MODEL, TOKENS, b'"model":"another"', b'"max_tokens":x', b"y" * 20_000]), max_size=9
    )
)
def test_the_first_model_and_the_last_number_count(parts: list[bytes]) -> None:
    data = b"".join(parts)
    told = re.search(rb'"model"\s*:\s*"([^"]*)"', data)
    last = data.rfind(b'"max_tokens"')
    number = re.compile(rb"\s*:\s*(\d+)").match(data, last + 12) if last >= 0 else None
    assert model_of(Pieces(*parts)) == (told[1].decode() if told else "")
    assert likely_tokens(Pieces(*parts)).output == (int(number[1]) if number else 32_000)


@pytest.mark.parametrize("step", [1, 100, 20_000])
def test_small_pieces_are_put_together(step: int) -> None:
    data = bytes(range(256)) * 400
    body = Pieces(*(data[at : at + step] for at in range(0, len(data), step)))
    assert len(list(body)) <= 7
    assert body.whole() == data


def test_what_is_dropped_is_gone() -> None:
    body = Pieces(b"something")
    body.clear()
    assert (body.size, list(body), body.whole()) == (0, [], b"")
