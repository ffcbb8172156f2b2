"""Follows the gateway's ledger: each answer that has ended there becomes a ``usage`` entry of the journal."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from kagents_core.teamfiles.lines import read_lines
from kagents_core.teamfiles.mailbox import Malformed
from kagents_core.teamfiles.nativejson import NotJsonError, excerpt, parse
from kagents_runner.record.books import Books

LEDGER: Final = "ledger.jsonl"
SOURCE: Final = f"gateway/{LEDGER}"
_OPEN: Final = "open"
_ENDED: Final = frozenset({"complete", "aborted", "failed", "lost"})
_TEXTS: Final = ("id", "state", "at", "agent", "model", "prices")
_COUNTS: Final = (
    "inputTokens",
    "outputTokens",
    "cacheReadTokens",
    "cacheWrite5mTokens",
    "cacheWrite1hTokens",
    "costMicros",
)
_NAME_LIMIT: Final = 200


class MeteredUsage:
    """One team's ledger, read on from where the journal is."""

    def __init__(self, books: Books, folder: Path | None) -> None:
        """``folder`` is the gateway's, None without one; the ledger need not be there yet."""
        self._books = books
        self._folder = folder
        self._agents = {name for name, _ in books.agents}
        self._under_way: set[str] = set()

    @property
    def directories(self) -> set[Path]:
        """Where something changes when there is something to read."""
        return set() if self._folder is None else {self._folder}

    @property
    def under_way(self) -> bool:
        """Whether an answer has begun and not ended: its last word is still to come."""
        return bool(self._under_way)

    def read(self) -> None:
        """Journals what has ended since the last look. Raises ``OSError``."""
        books = self._books
        while self._folder is not None:
            offset = books.offsets.get(SOURCE, 0)
            found = read_lines(self._folder / LEDGER, offset)
            books.write(books.spending.metered(self._entries(found.lines)))
            books.read_to(SOURCE, found.offset)
            if found.offset <= offset:
                return

    def _entries(self, lines: Iterable[bytes]) -> list[Mapping[str, Any]]:
        entries: dict[str, Mapping[str, Any]] = {}
        for line in filter(bytes.strip, lines):
            try:
                told = _told(parse(line))
            except (NotJsonError, ValueError) as error:
                self._books.malformed([Malformed(SOURCE, f"not understood: {error}", excerpt(line))])
                continue
            if told["agent"] not in self._agents:
                self._books.malformed([Malformed(SOURCE, "no agent of this team", excerpt(line))])
            elif told["state"] == _OPEN:
                self._under_way.add(told["id"])
            else:
                self._under_way.discard(told["id"])
                entries.setdefault(told["id"], _entry(told))
        return list(entries.values())


def _told(line: object) -> dict[str, Any]:
    """The line's fields. Raises ValueError for one that no gateway of this release writes."""
    if not isinstance(line, dict):
        raise ValueError("not an object")
    for name in _TEXTS:
        if not isinstance(line.get(name), str):
            raise ValueError(f"{name} is not a text")
    for name in _COUNTS:
        if type(line.get(name)) is not int or line[name] < 0:
            raise ValueError(f"{name} is not a number")
    if line["state"] != _OPEN and line["state"] not in _ENDED:
        raise ValueError("its state is not known")
    return line


def _entry(told: Mapping[str, Any]) -> dict[str, Any]:
    hour_long = told["cacheWrite1hTokens"]
    entry: dict[str, Any] = {
        "kind": "usage",
        "agent": told["agent"],
        "model": told["model"][:_NAME_LIMIT],
        "requestId": told["id"][:_NAME_LIMIT],
        "inputTokens": told["inputTokens"],
        "outputTokens": told["outputTokens"],
        "cacheReadTokens": told["cacheReadTokens"],
        "cacheWriteTokens": told["cacheWrite5mTokens"] + hour_long,
        "cacheWrite1hTokens": hour_long,
        "costMicros": told["costMicros"],
        "estimated": False,
        "prices": told["prices"][:_NAME_LIMIT],
        "state": told["state"],
        "used": told["at"],
    }
    return entry | {"unknownModel": True} if told.get("unknownModel") is True else entry
