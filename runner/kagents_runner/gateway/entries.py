"""One line of the ledger: what an answer of the model used and cost, and whether it has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from kagents_runner.gateway.tokens import Counts

OPEN: Final = "open"
LOST: Final = "lost"
CLOSED: Final = ("complete", "aborted", "failed", LOST)
"""How an answer may end; what is ``lost`` was under way when the gateway ended."""
_NUMBERS: Final = {
    "inputTokens": "input",
    "outputTokens": "output",
    "cacheReadTokens": "cache_read",
    "cacheWrite5mTokens": "cache_write_5m",
    "cacheWrite1hTokens": "cache_write_1h",
}
_TEXTS: Final = ("id", "state", "at", "agent", "model", "prices")


class EntryError(ValueError):
    """A line that is none of ours; its text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer, or the beginning of one (``open``)."""

    id: str
    state: str
    at: str
    agent: str
    counts: Counts
    micros: int
    known: bool
    """Its model is in the price table."""
    prices: str
    """Version of the price table."""

    def line(self, seq: int, total: int) -> bytes:
        """The line; ``total`` is what all closed entries have cost, this one included."""
        counts = self.counts
        document: dict[str, Any] = {
            "seq": seq,
            "id": self.id,
            "state": self.state,
            "at": self.at,
            "agent": self.agent,
            "model": counts.model,
            **{name: getattr(counts, attribute) for name, attribute in _NUMBERS.items()},
            "costMicros": self.micros,
            "prices": self.prices,
            "totalMicros": total,
        }
        if counts.server_tools:
            document["serverTools"] = dict(counts.server_tools)
        if not self.known:
            document["unknownModel"] = True
        return orjson.dumps(document) + b"\n"


@dataclass(slots=True)
class Reading:
    """Reads a ledger's lines in their order, and holds each against those before it."""

    seq: int = 0
    total: int = 0
    open: dict[str, Entry] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    spent: dict[str, int] = field(default_factory=dict)
    """Micro-dollars of closed entries by agent."""

    def line(self, data: bytes) -> None:
        """The next line. Raises ``EntryError``, and has learnt nothing then."""
        document = _document(data)
        entry = _entry(document)
        total = self.total + (entry.micros if entry.state != OPEN else 0)
        if _number(document, "seq") != self.seq + 1:
            raise EntryError(f"seq is not {self.seq + 1}")
        if _number(document, "totalMicros") != total:
            raise EntryError(f"totalMicros is not {total}")
        if entry.id in self.closed:
            raise EntryError("its id has been closed before")
        begun = self.open.get(entry.id)
        if begun is not None and (entry.state == OPEN or begun.agent != entry.agent):
            raise EntryError("its id has been opened before")
        self.seq += 1
        self.learn(entry)

    def learn(self, entry: Entry) -> None:
        """Adds an entry that is good."""
        if entry.state == OPEN:
            self.open[entry.id] = entry
            return
        self.open.pop(entry.id, None)
        self.closed.add(entry.id)
        self.total += entry.micros
        self.spent[entry.agent] = self.spent.get(entry.agent, 0) + entry.micros


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(data)
    except ValueError as error:
        raise EntryError("it is not JSON") from error
    if not isinstance(document, dict):
        raise EntryError("it is not an object")
    return document


def _entry(document: Mapping[str, Any]) -> Entry:
    texts = {name: document.get(name) for name in _TEXTS}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise EntryError(f"{name} is not a text")
    if texts["state"] not in (OPEN, *CLOSED):
        raise EntryError("its state is none of a ledger")
    model, tools = document.get("model"), document.get("serverTools", {})
    if not isinstance(model, str) or not isinstance(tools, dict):
        raise EntryError("serverTools is not an object")
    counts = Counts(
        model=model,
        server_tools={name: _number(tools, name) for name in tools},
        **{attribute: _number(document, name) for name, attribute in _NUMBERS.items()},
    )
    known = document.get("unknownModel") is not True
    return Entry(
        id=str(texts["id"]),
        state=str(texts["state"]),
        at=str(texts["at"]),
        agent=str(texts["agent"]),
        counts=counts,
        micros=_number(document, "costMicros"),
        known=known,
        prices=str(texts["prices"]),
    )


def _number(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    if type(value) is not int or value < 0:
        raise EntryError(f"{name} is not a whole number of at least 0")
    return value
