"""Usage is read from whatever form an answer has, however its bytes are cut, and nothing in it does harm."""

import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_answers import MODEL, START, amazon, amazon_message, events, plain, server_sent

from kagents_runner.gateway.framing import LIMIT
from kagents_runner.gateway.tokens import Counts
from kagents_runner.gateway.usage import AMAZON_STREAM, BODY_LIMIT, STREAM, Usage

KNOWN = Counts(MODEL, 100, 20, 40, 10, 20, {})


def read(kind: str, pieces: Sequence[bytes], encoding: str = "") -> Usage:
    usage = Usage(kind, encoding)
    for piece in pieces:
        usage.feed(piece)
    usage.end()
    return usage


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


FORMS: dict[str, tuple[str, bytes]] = {
    "server-sent": (STREAM, server_sent(events())),
    "server-sent, other line ends": (f"{STREAM}; charset=utf-8", server_sent(events(), "\r\n")),
    "server-sent, oldest line ends": (STREAM, server_sent(events(), "\r")),
    "amazon": (AMAZON_STREAM, amazon(events())),
    "plain": ("application/json", plain()),
}


@pytest.mark.parametrize("form", FORMS)
@given(places=st.lists(st.integers(0, 2000), max_size=30))
def test_any_cut_tells_the_same(form: str, places: list[int]) -> None:
    kind, data = FORMS[form]
    usage = read(kind, cut(data, places))
    assert usage.counts("asked") == KNOWN
    assert usage.response_id == "msg_1"
    assert usage.ended and not usage.failed


@given(
    lines=st.lists(
        st.sampled_from(
            [
                b'data: {"type":"message_start","message":{"id":"a","usage":{"input_tokens":3}}}',
                b'data: {"type":"message_delta",',
                b'data: "usage":{"output_tokens":5}}',
                b'data:{"type":"error"}',
                b"data: " + b"x" * (LIMIT + 10),
                b"event: message_start",
                b": comment",
                b"",
                b"\xff\xfe\x00",
            ]
        ),
        max_size=12,
    ),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=12, max_size=12),
    places=st.lists(st.integers(0, 10**7), max_size=12),
)
def test_any_cut_of_any_stream_tells_the_same(
    lines: list[bytes], ends: list[bytes], places: list[int]
) -> None:
    data = b"".join(line + end for line, end in zip(lines, ends, strict=False))
    whole, pieces = read(STREAM, [data]), read(STREAM, cut(data, places))
    for one in (whole, pieces):
        assert one.counts("m") == whole.counts("m")
        assert (one.failed, one.response_id) == (whole.failed, whole.response_id)


@given(data=st.binary(max_size=400), places=st.lists(st.integers(0, 400), max_size=5))
@pytest.mark.parametrize("kind", [STREAM, AMAZON_STREAM, "application/json", ""])
@pytest.mark.parametrize("encoding", ["", "gzip", "br"])
def test_rubbish_tells_nothing_and_does_no_harm(
    kind: str, encoding: str, data: bytes, places: list[int]
) -> None:
    assert read(kind, cut(data, places), encoding).counts("m") is None


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_a_packed_answer_is_read_too(pack: Callable[[bytes], bytes], step: int) -> None:
    packed = pack(server_sent(events()))
    pieces = [packed[at : at + step] for at in range(0, len(packed), step)]
    encoding = "gzip" if pack is gzip.compress else "deflate"
    assert read(STREAM, pieces, encoding).counts("m") == KNOWN


def test_a_packed_answer_may_be_in_several_parts() -> None:
    both = gzip.compress(server_sent(events()[:3])) + gzip.compress(server_sent(events()[3:]))
    assert read(STREAM, [both], "gzip").counts("m") == KNOWN


def test_what_arrived_counts_when_a_stream_breaks_off() -> None:
    begun = read(STREAM, [server_sent(events()[:4])])
    assert begun.counts("m") == Counts(MODEL, 100, 1, 40, 10, 20, {})
    assert not begun.ended


def test_words_of_an_answer_that_breaks_off_are_estimated() -> None:
    """Else an agent that hangs up just before the end would have them for nothing."""
    told = events(words=["x" * 400, "\u00e4" * 400])
    told.insert(4, {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "y" * 80}})
    told.insert(4, {"type": "content_block_delta", "delta": {"partial_json": "z" * 40, "other": "w" * 900}})
    told.insert(4, {"type": "content_block_delta", "delta": {"text": ["x"]}})
    for kind, form in ((STREAM, server_sent), (AMAZON_STREAM, amazon)):
        begun = read(kind, [form(told[:-2])]).counts("m")
        assert begun is not None and begun.output == (400 + 400 + 80 + 40) // 4
        assert read(kind, [form(told)]).counts("m") == KNOWN  # the API's own word


def test_an_error_in_the_middle_is_a_failure() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for kind, form in ((STREAM, server_sent), (AMAZON_STREAM, amazon)):
        usage = read(kind, [form([*events()[:4], error])])
        assert usage.failed and not usage.ended
        assert usage.counts("m") is not None
    refused = amazon_message(b'{"message":"slow down"}', {":message-type": "exception"})
    assert read(AMAZON_STREAM, [amazon(events()[:2]) + refused]).failed


@pytest.mark.parametrize(
    ("start", "end", "known"),
    [
        ({"input_tokens": 3, "output_tokens": 1}, {"output_tokens": 9}, (3, 9, 0, 0, 0)),
        # Some providers tell everything at the end, and zeros or nothing before.
        ({"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 7, "output_tokens": 9}, (7, 9, 0, 0, 0)),
        ({"input_tokens": 7, "output_tokens": 1}, {"input_tokens": 0, "output_tokens": 9}, (7, 9, 0, 0, 0)),
        # Without the split, what was written to the cache stays five minutes.
        ({"input_tokens": 1, "cache_creation_input_tokens": 50}, {}, (1, 0, 0, 50, 0)),
        (START, {"cache_creation_input_tokens": 45, "output_tokens": 2}, (100, 2, 40, 25, 20)),
        ({"input_tokens": None, "output_tokens": "9"}, {"output_tokens": -4}, (0, 0, 0, 0, 0)),
        ({"input_tokens": True, "output_tokens": 10**15}, {"output_tokens": 1.5}, (0, 0, 0, 0, 0)),
        ({"input_tokens": 5, "cache_creation": [1], "server_tool_use": 3}, {}, (5, 0, 0, 0, 0)),
    ],
)
def test_the_highest_of_every_number_counts(
    start: dict[str, Any], end: dict[str, Any], known: tuple[int, ...]
) -> None:
    found = read(STREAM, [server_sent(events(start=start, end=end))]).counts("m")
    assert found is not None
    assert (found.input, found.output, found.cache_read, found.cache_write_5m, found.cache_write_1h) == known


def test_tools_of_the_server_and_passes_of_its_own_are_counted() -> None:
    first = {"output_tokens": 20, "server_tool_use": {"web_search_requests": 1}}
    last = {
        "output_tokens": 30,
        "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0},
        "iterations": [
            {"type": "compaction", "input_tokens": 500, "output_tokens": 60},
            {"type": "message", "input_tokens": 100, "output_tokens": 30},
        ],
    }
    told = events(end=first)
    told.insert(-1, {"type": "message_delta", "delta": {}, "usage": last})
    found = read(STREAM, [server_sent(told)]).counts("m")
    assert found == Counts(MODEL, 600, 90, 40, 10, 20, {"web_search_requests": 3})


def test_an_answer_without_a_model_is_of_the_one_asked_for() -> None:
    found = read("application/json", [b'{"id":"m","type":"message","usage":{"input_tokens":1}}'])
    counts = found.counts("claude-opus-4-6")
    assert counts is not None and counts.model == "claude-opus-4-6"
    assert read("application/json", [b'{"type":"error","error":{}}']).counts("m") is None
    assert read("application/json", [b'{"input_tokens":12}']).counts("m") is None  # of count_tokens


def test_words_of_the_model_that_look_like_usage_are_no_usage() -> None:
    told = '"message_delta" {"type":"message_delta","usage":{"output_tokens":999999}}\n\ndata: x'
    assert read(STREAM, [server_sent(events(words=[told]))]).counts("m") == KNOWN


def test_hostile_names_are_short_and_harmless() -> None:
    told = events(response_id="\x1b]0;" + "i" * 5000, model="m\u202e" + "m" * 5000)
    usage_of_tools = {f"tool {number}": 1 for number in range(100)}
    told[-2]["usage"] = {"output_tokens": 1, "server_tool_use": usage_of_tools}
    usage = read(STREAM, [server_sent(told)])
    found = usage.counts("m")
    assert found is not None
    assert len(found.server_tools) == 8
    assert len(found.model) <= 200 and found.model.isprintable()
    assert len(usage.response_id) <= 200 and usage.response_id.isprintable()


@pytest.mark.parametrize(
    ("kind", "encoding", "piece"),
    [
        (STREAM, "", b"data: " + b"x" * 65000),
        (STREAM, "", b"data: x\n" * 8000),
        (AMAZON_STREAM, "", amazon_message(b"x" * (LIMIT * 8), {}) * 2),
        (AMAZON_STREAM, "", b"\x00" * 65536),
        ("application/json", "", b" " * (BODY_LIMIT // 20)),
        (STREAM, "gzip", gzip.compress(b"data: " + b"x" * 8_000_000)),
    ],
    ids=["one line", "many lines", "long messages", "no messages", "a body", "a bomb"],
)
def test_memory_is_bounded(kind: str, encoding: str, piece: bytes) -> None:
    usage = Usage(kind, encoding)
    tracemalloc.start()
    for _ in range(60):
        usage.feed(piece)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    bound = 2 * BODY_LIMIT + len(piece) if kind == "application/json" else 16 * LIMIT + 3 * len(piece)
    assert most < bound
    assert usage.counts("m") is None


def test_an_event_that_is_too_long_is_passed_over_and_the_next_one_read() -> None:
    long = {"type": "content_block_start", "content_block": {"text": "x" * LIMIT}}
    told = [*events()[:2], long, *events()[2:]]
    for kind, form in ((STREAM, server_sent), (AMAZON_STREAM, amazon)):
        data = form(told)
        assert read(kind, [data]).counts("m") == KNOWN
        assert read(kind, [data[at : at + 4096] for at in range(0, len(data), 4096)]).counts("m") == KNOWN
