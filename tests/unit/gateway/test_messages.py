"""Messages as bytes: the same whatever the pieces in which they come, refused where they are not clear."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.gateway.messages import (
    Body,
    ChunkedBody,
    MessageError,
    answer,
    request,
)

HOST = b"Host: 127.0.0.1\r\n"


def chunked(parts: list[bytes], trailer: bytes = b"", extension: bytes = b"") -> bytes:
    """Bytes in chunks."""
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts if part)
    return framed + b"0\r\n" + trailer + b"\r\n"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data, cut at these places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


def followed(body: Body, data: list[bytes]) -> int:
    """How many bytes belong to the body."""
    taken = 0
    for piece in data:
        step = body.take(piece)
        taken += step
        if step < len(piece):
            assert body.done
            break
    return taken


payloads = st.lists(st.binary(max_size=40), max_size=8)


@given(
    parts=payloads,
    rest=st.binary(max_size=30),
    cuts=st.lists(st.integers(0, 10_000), max_size=40),
    trailer=st.sampled_from([b"", b"Expires: never\r\n", b"a: b\r\nc:\r\n"]),
    extension=st.sampled_from([b"", b";a=b", b" ; x"]),
)
def test_a_body_in_chunks_ends_where_it_ends_whatever_the_pieces(
    parts: list[bytes], rest: bytes, cuts: list[int], trailer: bytes, extension: bytes
) -> None:
    data = chunked(parts, trailer, extension)
    body = ChunkedBody()
    assert followed(body, pieces(data + rest, cuts)) == len(data)
    assert body.done
    assert body.take(rest) == 0


@given(st.binary(max_size=80), st.lists(st.integers(0, 10_000), max_size=20))
def test_whatever_comes_as_chunks_pieces_do_not_matter(data: bytes, cuts: list[int]) -> None:
    def ending(split: list[bytes]) -> tuple[Any, ...]:
        body = ChunkedBody()
        try:
            return followed(body, split), body.done
        except MessageError:
            return (MessageError,)

    assert ending(pieces(data, cuts)) == ending([data])


@given(
    length=st.integers(0, 100), data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 300), max_size=9)
)
def test_a_body_of_a_length_ends_after_it(length: int, data: bytes, cuts: list[int]) -> None:
    body = Body(length)
    assert followed(body, pieces(data, cuts)) == min(length, len(data))
    assert body.done == (len(data) >= length)


def test_a_request_is_read_and_written_with_other_fields() -> None:
    data = b"POST /v1/messages?beta=true HTTP/1.1\r\n" + HOST
    data += b"Authorization: Bearer kagents\r\nX-Api-Key: k\r\nContent-Length: 7\r\nX-Hop: 1\r\n"
    data += b"Connection: keep-alive, X-Hop\r\nAnthropic-Beta: a\r\nAnthropic-Beta: b\r\n\r\n"
    found = request(data)
    assert (found.method, found.target, found.stays) == (b"POST", b"/v1/messages?beta=true", True)
    assert found.body.take(b"1234567890") == 7
    head = found.head.without((b"authorization", b"x-api-key", b"connection", b"host"))
    assert head.bytes((b"Authorization", b"Bearer t")) == (
        b"POST /v1/messages?beta=true HTTP/1.1\r\nContent-Length: 7\r\nAnthropic-Beta: a\r\n"
        b"Anthropic-Beta: b\r\nAuthorization: Bearer t\r\n\r\n"
    )


@pytest.mark.parametrize(
    "lines",
    [
        b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" + HOST,
        b"POST /a HTTP/1.1\r\nContent-Length: +1\r\n" + HOST,
        b"POST /a HTTP/1.1\r\nContent-Length: 1, 1\r\n" + HOST,
        b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" + HOST,
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" + HOST,
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + HOST,
        b"POST /a HTTP/1.1\r\nTransfer-Encoding : chunked\r\n" + HOST,
        b"POST /a HTTP/1.1\r\n" + HOST + HOST,
        b"POST /a HTTP/1.1\r\n",
        b"POST /a HTTP/1.0\r\n" + HOST,
        b"POST /a HTTP/2\r\n" + HOST,
        b"POST http://evil/a HTTP/1.1\r\n" + HOST,
        b"CONNECT evil:443 HTTP/1.1\r\n" + HOST,
        b"GET /a b HTTP/1.1\r\n" + HOST,
        b"GET /\x00 HTTP/1.1\r\n" + HOST,
        b"GET /a HTTP/1.1\r\n" + HOST + b" folded: yes\r\n",
        b"GET /a HTTP/1.1\r\n" + HOST + b"a: b\nc: d\r\n",
        b"GET /a HTTP/1.1\r\n" + HOST + b"no colon\r\n",
        b"GET /a HTTP/1.1\r\n" + HOST + b"bad name: x\r\n",
        b"GET /a HTTP/1.1\r\n" + HOST + b"n: \x00\r\n",
        b"nonsense\r\n",
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(lines: bytes) -> None:
    with pytest.raises(MessageError):
        request(lines + b"\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"-1\r\n",
        b"0x5\r\n",
        b"5\nhello\r\n",
        b"5\r\nhelloX\r\n",
        b"5\r\nhello\rX",
        b"f" * 16 + b"\r\n",
        b"5;" + b"x" * 5000,
        b"0\r\nno colon\r\n\r\n",
        b"\r\n",
    ],
)
def test_chunks_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        ChunkedBody().take(data)


@pytest.mark.parametrize(
    ("data", "method", "stays", "done", "ends"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"POST", True, False, False),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", b"POST", True, False, False),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"POST", False, False, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: Close\r\n\r\n", b"POST", False, False, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", b"POST", False, True, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"HEAD", True, True, False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"POST", True, True, False),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"POST", True, True, False),
    ],
)
def test_where_an_answer_ends(data: bytes, method: bytes, stays: bool, done: bool, ends: bool) -> None:
    found = answer(data, method)
    assert (found.stays, found.body.done, found.body.ends_with_connection) == (stays, done, ends)


@given(st.binary(max_size=200))
def test_bytes_are_a_message_or_none(data: bytes) -> None:
    for read in (request, lambda found: answer(found, b"GET")):
        try:
            read(data + b"\r\n\r\n")
        except MessageError as error:
            assert str(error)
