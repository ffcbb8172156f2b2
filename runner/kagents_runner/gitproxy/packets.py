"""Git's packet lines, as far as a push begins with them: the commands, read with limits.

What follows them (the objects) is git's to read. A request that is not exactly what git sends is refused:
nothing is guessed, because two readers that guess differently are how a rule is got around.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

FLUSH: Final = b"0000"
MOST_COMMANDS: Final = 100
MOST_SHALLOW: Final = 10_000
_LONGEST: Final = 65_520
_OBJECT: Final = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_COMMAND: Final = re.compile(rb"(%b) (%b) ([^\x00-\x20\x7f]{1,1024})" % (_OBJECT, _OBJECT))
_SHALLOW: Final = re.compile(rb"shallow %b" % _OBJECT)
_LENGTH: Final = re.compile(rb"[0-9a-f]{4}")

Read = Callable[[int], Awaitable[bytes]]
"""Reads exactly as many bytes; raises ``EOFError``."""


class PacketError(ValueError):
    """What came is no push as git makes it."""


@dataclass(frozen=True, slots=True)
class Command:
    """One reference that a push would change."""

    old: str
    new: str
    name: str

    @property
    def deletes(self) -> bool:
        """Whether it would take the reference away."""
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What stands before the objects of a push."""

    commands: tuple[Command, ...]
    capabilities: frozenset[str]
    raw: bytes
    """As it came, for git to read."""


async def read_beginning(read: Read) -> Beginning:
    """Reads up to and with the flush packet. Raises ``PacketError`` or ``EOFError``."""
    commands: list[Command] = []
    capabilities: frozenset[str] = frozenset()
    raw = bytearray()
    shallow = 0
    while True:
        head = await read(4)
        raw += head
        if head == FLUSH:
            return Beginning(tuple(commands), capabilities, bytes(raw))
        line = await read(_length(head) - 4)
        raw += line
        text, separator, rest = line.partition(b"\0")
        if separator and not commands:
            capabilities = frozenset(rest.decode("ascii", "replace").split())
        elif separator:
            raise PacketError("only the first command of a push names capabilities")
        if not commands and not separator and _SHALLOW.fullmatch(text.rstrip(b"\n")):
            shallow += 1
        else:
            commands.append(_command(text))
        if len(commands) > MOST_COMMANDS or shallow > MOST_SHALLOW:
            raise PacketError(f"a push changes at most {MOST_COMMANDS} references at once")


def _length(head: bytes) -> int:
    length = int(head, 16) if _LENGTH.fullmatch(head) else 0
    if not 4 < length <= _LONGEST:
        raise PacketError("this is no packet of git's")
    return length


def _command(text: bytes) -> Command:
    found = _COMMAND.fullmatch(text.removesuffix(b"\n"))
    if found is None or len(found[1]) != len(found[2]):
        raise PacketError("this is no command of a push that is allowed here")
    try:
        name = found[3].decode()
    except UnicodeDecodeError as error:
        raise PacketError("the name of a reference is no text") from error
    return Command(found[1].decode(), found[2].decode(), name)


def packet(data: bytes) -> bytes:
    """One packet."""
    return b"%04x" % (len(data) + 4) + data


def error_packet(sentence: str) -> bytes:
    """What git shows as ``fatal: remote error: …``."""
    return packet(b"ERR " + sentence.encode()[: _LONGEST - 16])


def report(beginning: Beginning, refusals: Iterable[str]) -> bytes:
    """The answer to a push that changes nothing: a reason for each command, in their order."""
    lines = [packet(b"unpack ok\n")]
    for command, reason in zip(beginning.commands, refusals, strict=True):
        lines.append(packet(f"ng {command.name} {reason}\n".encode()[: _LONGEST - 16]))
    inner = b"".join(lines) + FLUSH
    if "side-band-64k" not in beginning.capabilities:
        return inner
    whole = b"".join(packet(b"\x01" + inner[at : at + 8000]) for at in range(0, len(inner), 8000))
    return whole + FLUSH


def accepted(answer: bytes, beginning: Beginning) -> bool:
    """Whether this answer of git's says that every command was carried out."""
    try:
        inner = answer
        if "side-band-64k" in beginning.capabilities:
            inner = b"".join(each[1:] for each in _packets(answer) if each[:1] == b"\x01")
        told = [each.rstrip(b"\n") for each in _packets(inner)]
    except PacketError:
        return False
    return told[:1] == [b"unpack ok"] and {b"ok " + each.name.encode() for each in beginning.commands} <= set(
        told
    )


def _packets(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        head = data[at : at + 4]
        if head == FLUSH:
            at += 4
            continue
        length = _length(head)
        yield data[at + 4 : at + length]
        at += length
