"""A restart with the digest of the journal knows what one without it learns, wherever it was killed."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_core.journal import entries
from kagents_core.metrics.measuring import Histogram
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.mailbox import Malformed
from kagents_runner.documents import parse_team
from kagents_runner.record import digest, register
from kagents_runner.record.books import Books
from kagents_runner.record.hooks import Signal
from kagents_runner.record.letters import Letter
from kagents_runner.record.packed import PackedTable
from kagents_runner.record.shelves import Shelves
from kagents_runner.record.sums import Breakdown

START = 1_800_000_000.0
SECOND = "2027-01-15T08:00:00.000Z"
TEXTS = ("alpha", "alpha", '{"type":"task_assignment","taskId":"1"}', "🙂")
TOKENS = dict.fromkeys(("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"), 7)
ASK = {"agent": "worker", "id": "r1", "ask": "permission"}
TOLD = {"tool": "Bash", "summary": "ls", "input": {"command": "ls"}, "cut": False, "toolUseId": "t1"}
OTHERS: tuple[Mapping[str, Any], ...] = (
    {
        "kind": "usage",
        "agent": "worker",
        "model": "claude-opus-4-5",
        "requestId": "q1",
        **TOKENS,
        "costMicros": 5,
        "estimated": True,
        "prices": "1",
    },
    {"kind": "task", "id": "1", "task": {"id": "1", "status": "pending", "owner": "worker"}, "changed": []},
    {"kind": "task", "id": "1", "task": {"id": "1", "status": "completed"}, "changed": ["status"]},
    {"kind": "phase", "phase": "Running", "message": ""},
    {"kind": "gate", "event": "finish", "state": "waiting", "teammate": None},
    {"kind": "ask", **ASK, **TOLD, "asked": SECOND},
    {"kind": "answer", **ASK, "answer": "allow", "by": "me", "reason": None, "answerId": "a1"},
    {"kind": "request", "agent": "lead", "request": "dismiss", "teammate": "worker", "id": "lead/1"},
    {"kind": "request", "agent": "lead", "request": "finish", "summary": "done", "id": "lead/2"},
    {"kind": "request", "agent": "worker", "request": "report", "key": "k", "value": "v", "id": "worker/1"},
    {"kind": "artifact", "agent": "worker", "name": "site", "files": 1},
)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["hook", "claim", "sight", "queue"]), st.integers(0, 11)),
        st.tuples(st.just("box"), st.lists(st.integers(0, 11), max_size=4, unique=True)),
        st.tuples(st.just("other"), st.integers(0, len(OTHERS) - 1)),
        st.tuples(st.just("signal"), st.sampled_from(["working", "idle"])),
        st.tuples(st.just("malformed"), st.integers(0, 2)),
        st.tuples(st.just("pass"), st.integers(1, 12)),
        st.tuples(st.just("save"), st.just(0)),
    ),
    max_size=40,
)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """A digest at each save, and everything that is settled is packed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "FEWEST", 1)
        patch.setattr(digest, "SHARE", 10**9)
        patch.setattr(register, "_FEWEST", 0)
        yield


class Run:
    """A recorder's books over a team's folder."""

    def __init__(self, root: Path, now: float) -> None:
        self.layout, self.now = TeamLayout(root, "demo"), now
        agents = [
            {"name": name, "role": role, "model": "sonnet", "harness": "claude-code", "dependsOn": []}
            | {"gate": None, "prompt": "x"}
            for name, role in (("lead", "lead"), ("worker", "teammate"))
        ]
        team = {"name": "demo", "namespace": "d", "uid": "u", "mode": "cowork", "repository": None}
        team |= {"outputDir": None, "inputs": [], "idleTimeoutSeconds": None, "agents": agents}
        self.books = Books(parse_team(json.dumps(team)), self.layout, clock=lambda: self.now)

    def do(self, step: str, what: Any) -> None:
        books, ledger, now = self.books, self.books.ledger, self.now
        if step == "hook":
            books.write(ledger.sent(letter(what), now))
        elif step == "claim":
            books.write(ledger.claimed(f"toolu-{what}", letter(what, named=False), now))
        elif step == "sight":
            books.write(ledger.sighted(f"line-{what}:0", letter(what, named=False), now))
        elif step == "queue":
            own = replace(letter(what), sender="team-lead", id=f"own-{what}")
            if not ledger.knows(own.id) or ledger.waits("worker", own.id):  # what has gone is not sent again
                books.write(ledger.queued(own, now))
        elif step == "box":
            books.write(ledger.mailbox("worker", [letter(index) for index in what], now))
        elif step == "other":
            books.write([OTHERS[what]])
        elif step == "signal":
            books.write(books.board.told("worker", Signal(what), now))
        elif step == "malformed":
            books.malformed([Malformed("lead.json", "odd", f"{what}")])
        elif step == "pass":
            self.now += what
            books.write(ledger.due(self.now))
        else:
            books.save()

    def known(self) -> dict[str, Any]:
        """What each part has learned, as others ask for it."""
        books = self.books
        told = (books.messages, books.result, books.results, books.artifacts, list(books.requests))
        return {
            "told": told,
            "spent": books.spending.shown(),
            "tasks": (books.tasks.counts(), books.tasks.open(), books.tasks.open("worker")),
            "asks": ([each.ask.id for each in books.asks.open("worker")], books.asks.closed("worker", "r1")),
            "phase": (books.state.over, books.numbers.phase, books.numbers.gates),
            "measured": books.numbers.metrics.text(),
            "mail": [(post.id, post.place, post.first) for post in books.ledger.unread("worker")],
            "journal": list(entries(self.layout.journal)),
            "doing": getattr(books.board.doing("worker"), "state", None),
        }


def letter(index: int, *, named: bool = True) -> Letter:
    """Message ``index``, of few texts, so that many are alike."""
    text, key = TEXTS[index % len(TEXTS)], f"id-{index}" if named else None
    return Letter("lead", "worker", text, None, f"2027-01-15T08:00:{index:02d}Z", key)


@settings(deadline=None, max_examples=40)
@given(steps, st.integers(0, 40), st.integers(0, 3), st.booleans())
def test_with_it_a_restart_knows_what_it_would_learn(
    told: list[tuple[str, Any]], killed_at: int, torn: int, stale: bool
) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder) / "one"
        root.mkdir()
        first, synced, read_to = Run(root, START), 0, 0
        for number, (step, what) in enumerate(told[:killed_at]):
            kept = first.layout.digest.read_bytes() if stale and first.layout.digest.exists() else None
            first.do(step, what)
            if step == "save":
                synced, read_to = first.layout.journal.stat().st_size, number + 1
                if kept is not None:
                    first.layout.digest.write_bytes(kept)  # killed before the new one was in its place
        data = first.layout.journal.read_bytes()  # killed: nothing is closed
        first.layout.journal.write_bytes(data[: max(synced, len(data) - 40 * torn)])
        shutil.copytree(root, Path(folder) / "two")
        (Path(folder) / "two" / "recorder.digest").unlink(missing_ok=True)
        runs = Run(root, first.now), Run(Path(folder) / "two", first.now)
        for run in runs:
            for step, what in told[read_to:]:  # sources are read again from where recorder.json says
                run.do(step, what)
            run.now += 1_000
            run.books.write(run.books.ledger.due(run.now))
        assert runs[0].known() == runs[1].known()
        for run in (first, *runs):
            run.books.journal.close()


@pytest.mark.parametrize("entry", range(len(OTHERS)))
def test_it_is_written_whatever_the_journal_tells(tmp_path: Path, entry: int) -> None:
    run = Run(tmp_path, START)
    run.do("other", entry)
    run.do("save", 0)
    assert run.layout.digest.exists()
    run.books.journal.close()


def filled(root: Path) -> Run:
    """A run with something of everything, saved."""
    run = Run(root, START)
    for index in range(len(OTHERS) - 2):
        run.do("other", index)
    for index in range(6):
        run.do("hook", index)
    run.do("signal", "working")
    run.do("box", [0, 1])
    run.do("sight", 5)
    run.do("save", 0)
    return run


def test_it_is_taken_and_spares_the_journals_beginning(tmp_path: Path) -> None:
    filled(tmp_path).books.close()
    journal = tmp_path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    blind = b"".join(b"#" * (len(line) - 1) + b"\n" for line in lines[:-1])
    tail = digest._TAIL
    try:
        digest._TAIL = len(lines[-1])  # type: ignore[misc]
        (tmp_path / "recorder.digest").unlink()
        run = Run(tmp_path, START)
        run.books.dirty()
        run.books.save()
        journal.write_bytes(blind + lines[-1])  # nothing could be learned from these lines
        assert Run(tmp_path, START).books.ledger.knows("id-3")
    finally:
        digest._TAIL = tail  # type: ignore[misc]


@pytest.mark.parametrize("place", (0, 9, 20, 50, 80, 99))
def test_one_that_was_changed_anywhere_is_not_taken(tmp_path: Path, place: int) -> None:
    expected = filled(tmp_path).known()
    path = tmp_path / "recorder.digest"
    data = bytearray(path.read_bytes())
    at = len(data) * place // 100
    for changed in (data[:at], data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data + b"x"):
        path.write_bytes(changed)
        run = Run(tmp_path, START)
        assert run.books._digest._written == 0
        found = run.known()
        assert found["told"] == expected["told"]
        assert found["spent"] == expected["spent"]


def test_one_that_is_newer_than_the_places_in_the_sources_is_not_taken(tmp_path: Path) -> None:
    run = filled(tmp_path)
    state = run.layout.recorder_state.read_bytes()
    run.do("hook", 9)
    run.do("save", 0)
    run.layout.recorder_state.write_bytes(state)
    assert Run(tmp_path, START).books._digest._written == 0


def test_one_of_another_journal_or_team_is_not_taken(tmp_path: Path) -> None:
    run = filled(tmp_path)
    assert Run(tmp_path, START).books._digest._written > 0
    data = run.layout.journal.read_bytes()
    run.layout.journal.write_bytes(data.replace(b'"id-0"', b'"id-X"'))
    assert Run(tmp_path, START).books._digest._written == 0
    run.layout.journal.write_bytes(data[: len(data) // 2])
    assert Run(tmp_path, START).books._digest._written == 0


def test_kept_attributes_go_with_the_format_number(tmp_path: Path) -> None:
    """When this fails, count ``FORMAT`` up: an older digest would be read as something else."""
    parts = filled(tmp_path).books._digest._parts()
    names = {name: sorted(part) for name, part in parts.items() if isinstance(part, dict)}
    kept = {each.__name__: sorted(getattr(each, "__slots__", ())) for each in digest._CLASSES}
    made = PackedTable(), Shelves(), Breakdown(metered=False), Histogram(())
    kept |= {type(each).__name__: sorted(vars(each)) for each in made}
    found = hashlib.sha256(json.dumps([names, kept], sort_keys=True).encode()).hexdigest()[:12]
    assert (digest.FORMAT, found) == (1, "c8e13e187ba3")
