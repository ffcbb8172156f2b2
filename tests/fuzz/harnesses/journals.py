"""The journal, as the recorder, the hub's verbs and the terminal read it, and the gateway's ledger."""

import contextlib
import io
import json
from array import array
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Any, Final

from fuzzing.harness import Harness, demand, demand_harmless, finished

from harnesses.places import TEAM, layout, scratch, scratch_file
from kagents_core.journal import Journal, entries
from kagents_core.journal.reader import JournalReader
from kagents_core.safetext import clean
from kagents_core.wording import in_words
from kagents_runner.documents import parse_team
from kagents_runner.finish.facts import facts_of
from kagents_runner.gateway.entries import EntryError, Reading
from kagents_runner.gateway.ledger import Ledger
from kagents_runner.gateway.limits import _told
from kagents_runner.quality.ledger import Follower
from kagents_runner.record.books import Books
from kagents_runner.record.graph import UnfitError, pack, unpack
from kagents_runner.record.metered import MeteredUsage
from kagents_runner.record.sums import Breakdown, Sums
from kagents_runner.termination import RunnerError
from kagents_tui import journal_stream
from kagents_tui.journal_view import JournalView

_AT: Final = "2026-11-22T00:00:00.000Z"
_ENTRIES: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "phase", "phase": "Running"},
    {"kind": "activity", "agent": "worker", "state": "working", "attempt": 0},
    {
        "kind": "message",
        "id": "m1",
        "from": "lead",
        "to": "worker",
        "text": "go",
        "type": "message",
        "written": _AT,
    },
    {
        "kind": "message",
        "id": "m2",
        "from": "worker",
        "to": "lead",
        "text": "{}",
        "type": "idle_notification",
        "data": {"type": "idle_notification", "idleReason": "failed", "failureReason": "x"},
    },
    {"kind": "delivery", "id": "m1", "state": "delivered", "by": "lead"},
    {"kind": "seen", "id": "m1", "agent": "worker"},
    {
        "kind": "task",
        "id": "1",
        "op": "created",
        "task": {"id": "1", "subject": "s", "status": "pending", "owner": "worker"},
    },
    {"kind": "task", "id": "1", "fields": {"status": "completed", "owner": "worker", "blockedBy": ["2"]}},
    {
        "kind": "usage",
        "agent": "worker",
        "model": "sonnet",
        "requestId": "r1",
        "inputTokens": 1,
        "outputTokens": 2,
        "cacheReadTokens": 0,
        "cacheWriteTokens": 0,
        "costMicros": 5,
        "estimated": True,
        "prices": "2026-10",
    },
    {
        "kind": "request",
        "id": "q1",
        "agent": "worker",
        "what": "permission",
        "tool": "Bash",
        "summary": "Bash: x",
        "input": {"command": "x"},
        "op": "opened",
    },
    {"kind": "request", "id": "q1", "agent": "worker", "op": "closed", "outcome": "allowed", "by": "me"},
    {"kind": "gate", "gate": "spawn", "agent": "worker", "state": "approved", "by": "me"},
    {"kind": "artifact", "agent": "worker", "name": "report", "state": "kept", "size": 5, "files": 1},
    {"kind": "report", "agent": "worker", "key": "k", "value": "v"},
    {"kind": "malformed", "source": "worker.json", "reason": "not JSON", "excerpt": "x"},
    {"kind": "resent", "id": "m1", "as": "m3"},
)


def _whole() -> bytes:
    path = scratch() / "sample.jsonl"
    path.unlink(missing_ok=True)
    with Journal(path) as journal:
        return journal.append(_ENTRIES, at=_AT)


def _journal(data: bytes) -> None:
    path = scratch_file("journal.jsonl", data)
    read = list(entries(path))
    numbers = [each["seq"] for each in read]
    demand(numbers == sorted(set(numbers)), "numbers do not rise")
    for after in numbers[:3]:
        later = JournalReader(path, after=after)
        lines = list(later.read())
        later.close()
        demand(all(each.seq > after for each in lines), "an entry that was read already")
    facts_of(path)
    _terminal(data)


def _terminal(data: bytes) -> None:
    """The terminal gets it in pieces."""
    view = JournalView()
    for entry in _streamed(data):
        view.apply(entry)
        for each in (in_words(entry), entry.get("kind"), entry.get("agent")):
            demand_harmless(clean(str(each)), "an entry")
    for mail in list(view.mail.values()):
        for each in (mail.sender, mail.receiver, mail.text, mail.summary, mail.kind):
            demand_harmless(each or "", "mail")
    for task in list(view.tasks.values()):
        demand_harmless(task.subject, "a task")
    for happening in list(view.timeline):
        demand_harmless(happening.what, "the timeline")


def _streamed(data: bytes) -> list[dict[str, Any]]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    async def read() -> list[dict[str, Any]]:
        parsed = [journal_stream.parse(line) async for line in journal_stream.lines(pieces())]
        return [entry for entry in parsed if entry is not None]

    return finished(read())


def _recorder(data: bytes) -> None:
    """A recorder that starts again on such a journal, and goes on with it."""
    home = layout()
    home.journal.parent.mkdir(parents=True, exist_ok=True)
    home.journal.write_bytes(data)
    home.recorder_state.unlink(missing_ok=True)
    books = Books(parse_team(json.dumps(TEAM)), home, clock=lambda: 1_800_000_000.0)
    try:
        books.write([{"kind": "phase", "phase": "Running"}])
        kept = list(entries(home.journal))
        demand(kept[-1]["kind"] == "phase", "what was written after it is not read")
    finally:
        books.close()


def _state(data: bytes) -> None:
    home = layout()
    home.journal.parent.mkdir(parents=True, exist_ok=True)
    home.journal.write_bytes(b"")
    home.recorder_state.write_bytes(data)
    books = Books(parse_team(json.dumps(TEAM)), home, clock=lambda: 1_800_000_000.0)
    books.close()


_KEPT_CLASSES: Final = (Sums, Breakdown)
_NUMBERS: Final = array("Q", [7, 1 << 40])


def _digest() -> bytes:
    """The document of a digest; its numbers stand behind it."""
    shared = Sums()
    kept = {
        "counts": Counter({("worker", "m1"): 2}),
        "places": {b"\x00\xff": deque([1, None])},
        "sums": [shared, (shared, frozenset({"a"}))],
        "numbers": _NUMBERS,
        "by": Breakdown(metered=True),
    }
    _, document, *_ = pack(kept, _KEPT_CLASSES)
    return bytes(document)


def _unpacked(data: bytes) -> None:
    whole = len(data).to_bytes(8, "big") + data + _NUMBERS.tobytes()
    with contextlib.suppress(UnfitError):
        found = unpack(io.BytesIO(whole), len(whole), _KEPT_CLASSES)
        with contextlib.suppress(UnfitError):  # what has come back is kept again, or refused
            pack(found, _KEPT_CLASSES)


def _ledger(data: bytes) -> None:
    reading = Reading()
    for line in data.split(b"\n"):
        try:
            reading.line(line)
        except EntryError as error:
            demand(bool(str(error)), "no reason is given")
    demand(reading.total == sum(reading.spent.values()), "the sum is not the sum of the agents'")
    folder = scratch() / "gateway"
    folder.mkdir(exist_ok=True)
    (folder / "ledger.jsonl").write_bytes(data)
    with contextlib.suppress(RunnerError):
        Ledger(folder / "ledger.jsonl").close()
    home = layout()
    home.journal.parent.mkdir(parents=True, exist_ok=True)
    home.journal.write_bytes(b"")
    home.recorder_state.unlink(missing_ok=True)
    (folder / "ledger.jsonl").write_bytes(data)
    books = Books(parse_team(json.dumps(TEAM)), home, clock=lambda: 1_800_000_000.0)
    try:
        MeteredUsage(books, folder).read()
    finally:
        books.close()


def _limits(data: bytes) -> None:
    scratch_file("limits.json", data)
    _told(scratch())


def _checks(data: bytes) -> None:
    home = scratch() / "home"
    follower = Follower(home)
    path = follower._ledger.lines
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    follower._offset = 0
    for sentence in follower.news():
        demand_harmless(sentence, "a check")
    (follower._ledger.folder / "state.json").write_bytes(data.split(b"\n")[0])
    follower.over()


_LINE = {
    "seq": 1,
    "id": "msg_1",
    "state": "open",
    "at": _AT,
    "agent": "lead",
    "model": "claude-opus-4-5",
    "inputTokens": 100,
    "outputTokens": 20,
    "cacheReadTokens": 0,
    "cacheWrite5mTokens": 0,
    "cacheWrite1hTokens": 0,
    "costMicros": 800,
    "prices": "2026-10-24",
    "totalMicros": 0,
}
_CLOSED = {
    **_LINE,
    "seq": 2,
    "state": "complete",
    "totalMicros": 800,
    "serverTools": {"web_search_requests": 1},
}
_SAVED = {
    "offsets": {"events/worker.jsonl": 10},
    "attempts": {"worker": 0},
    "starts": {"worker": "x"},
    "seq": 0,
}
_CHECK = {"gate": "tests", "runs": "make test", "passed": False, "code": 1, "seconds": 2.5, "log": "/x/1.log"}
_STANDING = {
    "passed": [],
    "failures": 1,
    "count": 1,
    "failed": None,
    "failed_at": 0.0,
    "told": "",
    "over": None,
}

HARNESSES = (
    Harness(
        "journal",
        "the journal, in the hub and in the terminal",
        "journal.reader, journal_stream, journal_view, wording, finish.facts",
        _journal,
        lambda: [_whole(), _whole()[:-20]],
        "lines",
    ),
    Harness(
        "recorder",
        "the journal after a restart of the recorder",
        "journal.writer repair, record.books",
        _recorder,
        lambda: [_whole(), _whole()[:-20]],
        "lines",
    ),
    Harness(
        "recorder-state",
        "the recorder's own state file",
        "record.books, statefile",
        _state,
        lambda: [json.dumps(_SAVED).encode()],
        "json",
    ),
    Harness(
        "digest",
        "the recorder's digest of its journal",
        "record.graph",
        _unpacked,
        lambda: [_digest()],
        "json",
        (b'"object"', b'"array"', b'"bytes"', b'"Counter"', b'"deque"', b'"Sums"'),
    ),
    Harness(
        "ledger",
        "the gateway's ledger",
        "gateway.entries, ledger, record.metered",
        _ledger,
        lambda: [json.dumps(_LINE).encode() + b"\n" + json.dumps(_CLOSED).encode() + b"\n"],
        "lines",
    ),
    Harness(
        "limits",
        "limits.json",
        "gateway.limits",
        _limits,
        lambda: [b'{"budgetMicros":5,"agents":{"worker":3}}'],
        "json",
    ),
    Harness(
        "checks",
        "what the quality hook has kept",
        "quality.ledger",
        _checks,
        lambda: [json.dumps(_CHECK).encode() + b"\n", json.dumps(_STANDING).encode() + b"\n"],
        "lines",
    ),
)
