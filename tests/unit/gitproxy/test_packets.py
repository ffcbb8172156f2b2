"""How a push begins, read with limits: what git sends is understood, everything else refused."""

import asyncio
import gzip
import zlib
from collections.abc import Iterator

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.gitproxy.bodies import STEP, Body, BodyError
from kagents_runner.gitproxy.packets import (
    FLUSH,
    MOST_COMMANDS,
    Beginning,
    Command,
    PacketError,
    accepted,
    packet,
    read_beginning,
    report,
)
from kagents_runner.gitproxy.rules import refusals

ZERO, ONE, TWO = "0" * 40, "1" * 40, "2" * 40
OWN = "refs/heads/kagents/demo/scout"


def beginning_of(data: bytes) -> tuple[Beginning, bytes]:
    """What is read of this, and what is left."""
    left = bytearray(data)

    async def read(count: int) -> bytes:
        if len(left) < count:
            raise EOFError
        taken = bytes(left[:count])
        del left[:count]
        return taken

    return asyncio.run(read_beginning(read)), bytes(left)


def line(old: str, new: str, name: str, capabilities: str = "") -> bytes:
    return packet(f"{old} {new} {name}".encode() + (b"\0" + capabilities.encode() if capabilities else b""))


def test_the_commands_of_a_push() -> None:
    data = packet(b"shallow " + ONE.encode()) + line(
        ZERO, ONE, OWN, " report-status side-band-64k agent=git/2"
    )
    data += line(ONE, TWO, "refs/heads/main") + FLUSH
    found, left = beginning_of(data + b"PACK...")
    assert found.commands == (Command(ZERO, ONE, OWN), Command(ONE, TWO, "refs/heads/main"))
    assert found.capabilities == {"report-status", "side-band-64k", "agent=git/2"}
    assert (found.raw, left) == (data, b"PACK...")


def test_a_try_without_commands() -> None:
    assert beginning_of(FLUSH)[0].commands == ()


@pytest.mark.parametrize(
    "data",
    [
        b"0001",
        b"0004",
        b"00G1",
        b"-001",
        b"+00a",
        b"0x10",
        b"fff1" + b"x" * 65517,
        packet(b"push-cert\0 push-cert=x"),
        packet(b"hello"),
        line(ONE, TWO, "refs/heads/a b"),
        line(ONE, TWO, "refs/heads/a\x01"),
        line(ONE, TWO + "2" * 24, OWN),
        line(ONE.upper().replace("1", "A"), TWO, OWN),
        packet(f"{ONE}  {TWO} {OWN}".encode()),
        packet(f"{ONE} {TWO} ".encode() + b"refs/heads/\xff"),
        packet(f"{ONE} {TWO} refs/heads/{'a' * 1100}".encode()),
        line(ZERO, ONE, OWN, "report-status") + line(ZERO, ONE, "refs/heads/x", "atomic"),
        line(ZERO, ONE, OWN) + packet(b"shallow " + ONE.encode()),
        b"".join(line(ZERO, ONE, f"refs/heads/{n}") for n in range(MOST_COMMANDS + 1)),
    ],
)
def test_what_git_does_not_send_is_refused(data: bytes) -> None:
    with pytest.raises(PacketError):
        beginning_of(data + FLUSH)


@given(st.binary(max_size=300))
def test_nothing_is_read_beyond_the_beginning(data: bytes) -> None:
    try:
        found, left = beginning_of(data)
    except (PacketError, EOFError):
        return
    assert found.raw + left == data
    assert found.raw.endswith(FLUSH)


NAMES = st.sampled_from(
    [
        OWN,
        f"{OWN}/x",
        "refs/heads/main",
        "refs/tags/v1",
        "HEAD",
        f"{OWN}\n",
        f"{OWN}/",
        OWN.upper(),
        "refs/heads/kagents/demo",
    ]
)
COMMANDS = st.lists(
    st.builds(Command, st.sampled_from([ZERO, ONE]), st.sampled_from([ZERO, ONE, TWO]), NAMES),
    min_size=1,
    max_size=4,
)


@given(COMMANDS)
def test_only_one_change_of_the_own_branch_passes(commands: list[Command]) -> None:
    reasons = refusals(commands, "kagents/demo/scout")
    fine = len(commands) == 1 and commands[0].name == OWN and commands[0].new != ZERO
    assert (reasons is None) == fine
    if reasons is not None:
        assert len(reasons) == len(commands)
        assert all(reason.isprintable() and reason for reason in reasons)


@given(COMMANDS, st.booleans())
def test_a_report_of_refusals_is_never_taken_for_success(commands: list[Command], banded: bool) -> None:
    capabilities = frozenset({"side-band-64k"} if banded else ())
    beginning = Beginning(tuple(commands), capabilities, b"")
    assert not accepted(report(beginning, ["no"] * len(commands)), beginning)


@pytest.mark.parametrize("banded", [True, False])
def test_success_is_what_git_says_of_every_command(banded: bool) -> None:
    inner = packet(b"unpack ok\n") + packet(f"ok {OWN}\n".encode()) + FLUSH
    answer = packet(b"\x02counting\n") + packet(b"\x01" + inner) + FLUSH if banded else inner
    capabilities = frozenset({"side-band-64k"} if banded else ())
    one = Beginning((Command(ZERO, ONE, OWN),), capabilities, b"")
    two = Beginning((*one.commands, Command(ZERO, ONE, "refs/heads/x")), capabilities, b"")
    assert accepted(answer, one)
    assert not accepted(answer, two)
    assert not accepted(answer.replace(b"unpack ok", b"unpack no"), one)
    assert not accepted(b"", one)
    assert not accepted(answer[:-6], one)


async def body_of(chunks: list[bytes], encoding: str) -> Body:
    stream = StreamReader(BaseProtocol(asyncio.get_running_loop()), limit=2**16)
    for chunk in chunks:
        stream.feed_data(chunk)
    stream.feed_eof()
    return Body(stream, encoding)


async def whole(body: Body) -> tuple[bytes, int]:
    parts = []
    while some := await body.some():
        parts.append(some)
    return b"".join(parts), max(map(len, parts), default=0)


def cut(data: bytes, at: list[int]) -> Iterator[bytes]:
    last = 0
    for place in [*sorted(at), len(data)]:
        yield data[last:place]
        last = place


@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=5), st.booleans())
async def test_a_body_arrives_as_it_was_sent(data: bytes, at: list[int], packed: bool) -> None:
    sent = gzip.compress(data) if packed else data
    chunks = [each for each in cut(sent, [place for place in at if place < len(sent)]) if each]
    assert (await whole(await body_of(chunks, "gzip" if packed else "")))[0] == data


async def test_a_bomb_is_unpacked_in_small_steps() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 60_000
    data, largest = await whole(await body_of([bomb], "gzip"))
    assert len(data) == 50_000_000
    assert largest <= STEP


@pytest.mark.parametrize(
    "sent",
    [b"not packed", gzip.compress(b"x" * 9999)[:-20], zlib.compress(b"x")],
    ids=["plain", "cut", "zlib"],
)
async def test_a_body_that_is_not_packed_as_it_says(sent: bytes) -> None:
    with pytest.raises(BodyError):
        await whole(await body_of([sent], "gzip"))


async def test_other_packings_are_refused() -> None:
    with pytest.raises(BodyError):
        await body_of([], "br")
