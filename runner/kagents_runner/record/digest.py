"""What the recorder has learned from the beginning of its journal, kept beside it: a restart reads the rest.

``recorder.digest`` is a shortcut, never a source. It is taken only when it is whole, of this release and this
team, fits the journal to the byte, and is not newer than ``recorder.json``, whose places in the sources go
with it; else everything is learned from the journal's first entry again.
"""

import hashlib
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kagents_core.asks import Ask
from kagents_core.metrics.measuring import Histogram
from kagents_core.teamfiles.files import open_regular, replace_file
from kagents_runner.output import say
from kagents_runner.record.activity import Doing
from kagents_runner.record.asks import Closed, OpenAsk
from kagents_runner.record.endings import Asked
from kagents_runner.record.graph import UnfitError, pack, unpack
from kagents_runner.record.packed import PackedTable
from kagents_runner.record.posts import Post, Tally
from kagents_runner.record.shelves import Shelves
from kagents_runner.record.sums import Breakdown, Sums

if TYPE_CHECKING:
    from kagents_runner.record.books import Books

FORMAT: Final = 1
"""To be counted up when a kept class has other attributes, or the same ones mean something else."""
FEWEST: Final = 10_000
"""Entries that a restart may read without one."""
SHARE: Final = 4
"""A new one is written once the journal has grown by this part: so writing stays a share of the work."""
_PLAIN: Final = (str, int, float, type(None))
_TAIL: Final = 64 * 1024
_CHECKSUM: Final = 32
_HEAD_LIMIT: Final = 4096
_CLASSES: Final = (
    *(Post, Tally, PackedTable, Shelves, Doing, Asked, OpenAsk, Closed, Ask),
    *(Sums, Breakdown, Histogram),
)
_KEPT: Final = ("messages", "result", "results", "artifacts", "requests", "_malformed")
_BOARDS: Final = {
    "board": ("board", frozenset({"_simulated"})),
    "endings": ("endings", frozenset({"_lead", "_idle_timeout"})),
    "tasks": ("tasks", frozenset[str]()),
    "spending": ("spending", frozenset({"_metered", "_agents", "_open"})),
    "numbers": ("numbers", frozenset({"team", "metrics", "spans", "budget_micros"})),
    "metrics": ("numbers.metrics", frozenset({"_families", "_read"})),
    "state": ("state", frozenset({"_gates", "never", "suspended", "teammates"})),
    "asks": ("asks", frozenset[str]()),
}
"""Each board, and those of its attributes that come from elsewhere than the journal."""


class Digest:
    """The file, as one recorder writes and reads it."""

    def __init__(self, books: "Books") -> None:
        self._books = books
        self._path = books.layout.digest
        self._written = 0

    def write_if_due(self) -> None:
        """Call it when ``recorder.json`` was written: this one must not be newer. A failure is only told."""
        last = self._books.journal.last
        if last - self._written < max(FEWEST, self._written // SHARE):
            return
        self._written = last
        try:
            self._write()
        except (OSError, UnfitError) as error:
            say(f"the digest of the journal is not written, a restart will take longer: {error}", "warn")

    def read(self, saved_to: int) -> int:
        """Takes over what fits; returns the number of the last entry that is learned so, 0 for none.

        ``saved_to`` is the last entry that ``recorder.json`` knows of.
        """
        try:
            head, parts = self._read(saved_to)
            self._apply(parts)
        except FileNotFoundError:
            return 0
        except (OSError, UnfitError) as error:
            say(f"the journal is read from its beginning: its digest does not fit: {error}")
            return 0
        self._written = int(head["seq"])
        return self._written

    def _write(self) -> None:
        journal = self._books.journal
        head = orjson.dumps(
            self._identity() | {"seq": journal.last, "size": journal.size, "tail": self._tail(journal.size)}
        )
        pieces = [len(head).to_bytes(8, "big"), head, *pack(self._parts(), _CLASSES)]
        checksum = hashlib.sha256()
        for piece in pieces:
            checksum.update(piece)
        replace_file(self._path, *pieces, checksum.digest())

    def _read(self, saved_to: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        with open(open_regular(self._path), "rb") as plain:
            left = os.fstat(plain.fileno()).st_size - _CHECKSUM
            file = _Hashing(plain)
            size = int.from_bytes(file.read(8), "big")
            if not 0 < size <= min(_HEAD_LIMIT, left - 8):
                raise UnfitError("it breaks off")
            try:
                head = orjson.loads(file.read(size))
            except orjson.JSONDecodeError as error:
                raise UnfitError("it has no head") from error
            self._check(head, saved_to)
            parts = unpack(cast("Any", file), left - 8 - size, _CLASSES)
            if plain.read(_CHECKSUM + 1) != file.digest():
                raise UnfitError("its checksum is another")
        return head, parts

    def _check(self, head: Any, saved_to: int) -> None:
        own, journal = self._identity(), self._books.journal
        if not isinstance(head, dict) or any(head.get(name) != value for name, value in own.items()):
            raise UnfitError("it is of another release or team")
        seq, size = head.get("seq"), head.get("size")
        if not isinstance(seq, int) or not isinstance(size, int) or not 0 < size <= journal.size:
            raise UnfitError("the journal is shorter")
        if seq > saved_to or self._tail(size) != head.get("tail"):
            raise UnfitError("it is of another journal, or newer than recorder.json")

    def _identity(self) -> dict[str, object]:
        team = hashlib.sha256(repr(self._books.team).encode("utf-8", "replace")).hexdigest()
        return {"format": FORMAT, "release": _release(), "team": team}

    def _tail(self, end: int) -> str:
        return hashlib.sha256(self._books.journal.tail(end, _TAIL)).hexdigest()

    def _parts(self) -> dict[str, object]:
        books = self._books
        parts: dict[str, object] = {
            name: _learned(attrgetter(path)(books), other) for name, (path, other) in _BOARDS.items()
        }
        kept = {name: getattr(books, name) for name in _KEPT}
        ledger = books.ledger.learned()
        return parts | {"register": ledger.pop("_register"), "ledger": ledger, "books": kept}

    def _apply(self, parts: Any) -> None:
        """All of it or, when its shape is another one, nothing."""
        books, present = self._books, self._parts()
        if not isinstance(parts, dict) or _shape(parts) != _shape(present):
            raise UnfitError("it has other parts")
        for name, (path, _) in _BOARDS.items():
            vars(attrgetter(path)(books)).update(parts[name])
        books.ledger.relearn(parts["ledger"] | {"_register": parts["register"]})
        vars(books).update(parts["books"])


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: Any) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int) -> bytes:
        data: bytes = self._file.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> bytes:
        return self._hash.digest()


def _learned(board: object, elsewhere: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in vars(board).items() if name not in elsewhere}


def _shape(parts: Mapping[str, Any]) -> dict[str, object]:
    """Names and classes of parts, and of theirs."""
    shape: dict[str, object] = {}
    for name, part in parts.items():
        found = part if isinstance(part, dict) else {}
        shape[name] = {
            each: None if isinstance(value, _PLAIN) else type(value) for each, value in found.items()
        }
    return shape


def _release() -> str:
    try:
        return version("kagents")
    except PackageNotFoundError:
        return ""
