"""The relay on loopback: bytes both ways as they are, the pod's token in place of what the CLI has sent."""

import asyncio
import functools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kagents_core.teamfiles.files import replace_file
from kagents_runner.gateway.relay import Hub, Relay
from kagents_runner.hub_address import write_address
from kagents_runner.hub_certificate import CERTIFICATE, ensure_certificate, serving_context

TOKEN = "header.claims.signature"
LIMIT = 30.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each request with what it was: its head, and the bytes of a body of a told length."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(
                line.lower().split(b": ", 1) for line in head.decode().encode().split(b"\r\n")[1:] if line
            )
            body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
            if fields.get(b"transfer-encoding") == b"chunked":
                while not body.endswith(b"0\r\n\r\n"):
                    more = await reader.read(65536)
                    if not more:
                        return
                    body += more
            said = head + body
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
            await writer.drain()


@functools.cache
def certified() -> "tempfile.TemporaryDirectory[str]":
    """A folder with a certificate, for all tests of this process; gone with it."""
    folder = tempfile.TemporaryDirectory(prefix="kagents-relay-")
    ensure_certificate(Path(folder.name))
    return folder


class Place:
    """A relay, and a hub that does what the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.behave: Behaviour = echo
        self.connections = 0
        self.broken_off = 0
        (folder / "team").mkdir()
        shutil.copytree(certified().name, folder / "tls")
        (folder / "token").write_text(TOKEN)
        self.server: asyncio.Server | None = None
        hub = Hub(folder / "team", folder / "tls" / CERTIFICATE, folder / "token")
        self.relay = Relay(hub, patience=0.5)

    async def open(self, tls: Path | None = None) -> None:
        """The hub begins to listen, on another port each time."""
        context = serving_context(tls or self.folder / "tls")
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        write_address(self.folder / "team", "127.0.0.1", self.server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.behave(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            self.broken_off += 1
        finally:
            writer.close()

    def shut(self) -> None:
        """The hub is gone, without a word to anybody."""
        if self.server is not None:
            self.server.close()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection of a client's."""
        port = int(self.relay.url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(LIMIT):
                yield reader, writer
        finally:
            writer.transport.abort()

    @property
    def path(self) -> bytes:
        """The beginning of every path."""
        return b"/" + self.relay.url.rpartition("/")[2].encode()

    def head(self, *fields: bytes, method: bytes = b"POST") -> bytes:
        """A request to the relay."""
        lines = b"".join(field + b"\r\n" for field in fields)
        return method + b" " + self.path + b"/v1/messages?beta=true HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    found = Place(tmp_path)
    await found.open()
    await found.relay.start()
    yield found
    await found.relay.close()
    found.shut()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Status, head and body of an answer of a told length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return int(head.split()[1]), head, await reader.readexactly(length)


def refused(body: bytes) -> str:
    """The kind of error."""
    found = json.loads(body)
    assert found["type"] == "error"
    assert found["error"]["message"].startswith("kagents: ")
    return str(found["error"]["type"])


async def test_the_pods_token_takes_the_place_of_whatever_was_sent(place: Place) -> None:
    fields = [
        *(b"Authorization: Bearer kagents", b"X-API-Key: sk-own", b"Cookie: c=1", b"Expect: 100-continue"),
        *(b"Proxy-Authorization: Basic x", b"Connection: keep-alive, X-Hop", b"X-Hop: 1", b"Keep-Alive: 5"),
        *(b"anthropic-beta: one", b"Anthropic-Beta: two", b"Content-Length: 3"),
    ]
    async with place.connected() as (reader, writer):
        writer.write(place.head(*fields))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        status, _, body = await answered(reader)
    assert status == 200
    assert body == (
        b"POST /v1/messages?beta=true HTTP/1.1\r\nanthropic-beta: one\r\nAnthropic-Beta: two\r\n"
        b"Content-Length: 3\r\nHost: hub.kagents.invalid\r\nAuthorization: Bearer "
        + TOKEN.encode()
        + b"\r\n\r\nabc"
    )


async def test_connections_are_used_again_and_the_token_is_read_for_each_request(place: Place) -> None:
    async with place.connected() as (reader, writer):
        for number in range(3):
            replace_file(place.folder / "token", b"token-%d" % number)
            writer.write(place.head(b"Content-Length: 1") + b"x")
            status, _, body = await answered(reader)
            assert (status, b"Bearer token-%d" % number in body) == (200, True)
    assert place.connections == 1


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    chunked=st.booleans(),
    cuts=st.lists(st.integers(0, 5000), max_size=12),
)
def test_requests_in_any_pieces_arrive_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], chunked: bool, cuts: list[int]
) -> None:
    async def play() -> None:
        place = Place(tmp_path_factory.mktemp("relay"))
        await place.open()
        await place.relay.start()
        sent, expected = b"", []
        for body in bodies:
            framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part)
            framed = framed + b"0\r\n\r\n" if chunked else body
            field = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
            sent += place.head(field) + framed
            expected.append(framed)
        async with place.connected() as (reader, writer):
            start = 0
            for cut in [*sorted(cut % (len(sent) + 1) for cut in cuts), len(sent)]:
                writer.write(sent[start:cut])
                await writer.drain()
                await asyncio.sleep(0)
                start = cut
            for framed in expected:
                status, _, said = await answered(reader)
                assert (status, said.split(b"\r\n\r\n", 1)[1]) == (200, framed)
        await place.relay.close()
        place.shut()

    asyncio.run(play())


async def test_pieces_of_an_answer_come_as_they_are_sent(place: Place) -> None:
    go_on: asyncio.Queue[bytes] = asyncio.Queue()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Own: 1\r\n\r\n")
        while piece := await go_on.get():
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        await reader.read()

    place.behave = stream
    async with place.connected() as (reader, writer):
        writer.write(place.head())
        assert b"X-Own: 1" in await reader.readuntil(b"\r\n\r\n")
        for piece in (b"data: one\n\n", b"data: two\n\n"):
            go_on.put_nowait(piece)
            framed = b"%x\r\n%s\r\n" % (len(piece), piece)
            assert await reader.readexactly(len(framed)) == framed
        go_on.put_nowait(b"")
        assert await reader.readexactly(5) == b"0\r\n\r\n"
        assert not reader.at_eof()


async def test_who_goes_away_ends_what_was_done_for_it(place: Place) -> None:
    ended = asyncio.Event()

    async def forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await writer.drain()
        with suppress(ConnectionError):
            assert await reader.read() == b""
        ended.set()

    place.behave = forever
    async with place.connected() as (reader, writer):
        writer.write(place.head())
        await reader.readuntil(b"x\r\n")
    async with asyncio.timeout(LIMIT):
        await ended.wait()


async def test_a_slow_reader_holds_the_hub_back(place: Place) -> None:
    written = 0
    piece = b"x" * 65536

    async def much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1024 * len(piece)))
        for _ in range(1024):
            writer.write(piece)
            await writer.drain()
            written += len(piece)

    place.behave = much
    async with place.connected() as (reader, writer):
        writer.write(place.head())
        await reader.readuntil(b"\r\n\r\n")
        last = -1
        while last != written:  # until nothing more is taken
            last = written
            await asyncio.sleep(0.3)
        assert written < 40 * 1024 * 1024
        assert len(await reader.readexactly(1024 * len(piece))) == 1024 * len(piece)


async def test_an_answer_before_the_end_of_the_request_reaches_the_client(place: Place) -> None:
    async def impatient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()

    place.behave = impatient
    async with place.connected() as (reader, writer):
        writer.write(place.head(b"Content-Length: 100000000") + b"x" * 200_000)
        status, head, body = await answered(reader)
        assert (status, body, b"Connection: close" in head) == (413, b"no", True)


async def test_half_an_answer_does_not_look_like_a_whole_one(place: Place) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await writer.drain()

    place.behave = half
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            async with session.post(f"{place.relay.url}/v1/messages", data=b"{}") as answer:
                await answer.read()


async def test_a_hub_that_breaks_off_before_it_answers_is_asked_again_by_the_cli(place: Place) -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    place.behave = nothing
    async with place.connected() as (reader, writer):
        writer.write(place.head(b"Content-Length: 5") + b"hel")
        status, head, body = await answered(reader)
        assert (status, refused(body), b"retry-after: 2" in head) == (503, "overloaded_error", True)


async def test_a_hub_that_comes_back_on_another_port_is_found_within_the_same_request(place: Place) -> None:
    async with place.connected() as (reader, writer):
        writer.write(place.head())
        assert (await answered(reader))[0] == 200
        place.shut()
        (place.folder / "team" / "address").unlink()
        writer.write(place.head())
        await asyncio.sleep(0)
        await place.open()
        assert (await answered(reader))[0] == 200
    assert place.connections == 2


@pytest.mark.parametrize("left", ["nothing", "garbage", "another", "old", "no token", "link"])
async def test_while_the_hub_is_away_the_cli_is_told_to_come_again(place: Place, left: str) -> None:
    address = place.folder / "team" / "address"
    if left == "nothing":
        address.unlink()
    elif left == "garbage":
        address.write_text("evil.example.com 443\n")
    elif left == "old":
        place.shut()
    elif left == "no token":
        (place.folder / "token").write_text("")
    elif left == "link":
        address.rename(address.with_name("other"))
        address.symlink_to(address.with_name("other"))
    else:  # another team's hub has the port today
        place.shut()
        (place.folder / "theirs").mkdir()
        ensure_certificate(place.folder / "theirs")
        await place.open(place.folder / "theirs")
    async with place.connected() as (reader, writer):
        writer.write(place.head(b"Content-Length: 3000000") + b"x" * 3_000_000)
        status, head, body = await answered(reader)
        assert (status, refused(body), b"retry-after: 2" in head) == (503, "overloaded_error", True)
        assert TOKEN.encode() not in head + body


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"POST /0123456789abcdef0123456789abcdef/v1/messages HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"POST @ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"POST @/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST @/v1 HTTP/1.0\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
    ],
)
async def test_whoever_does_not_know_the_word_or_speaks_unclearly_gets_nothing(
    place: Place, data: bytes, status: int
) -> None:
    async with place.connected() as (reader, writer):
        writer.write(data.replace(b"@", place.path))
        found, _, body = await answered(reader)
        assert (found, refused(body)[:7]) == (status, "not_fou" if status == 404 else "invalid")
        assert await reader.read() == b""
    assert place.connections == 0


async def test_chunks_that_are_none_end_the_request(place: Place) -> None:
    async with place.connected() as (reader, writer):
        writer.write(place.head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\nnonsense\r\n")
        status, _, body = await answered(reader)
        assert (status, refused(body), place.connections) == (400, "invalid_request_error", 0)
    async with place.connected() as (reader, writer):
        writer.write(place.head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
        while not place.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        writer.write(b"nonsense\r\n")
        assert await reader.read() == b""


async def test_its_end_ends_what_is_under_way(place: Place) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    place.behave = never
    async with place.connected() as (reader, writer):
        writer.write(place.head())
        while not place.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await place.relay.close()
        assert await reader.read() == b""
