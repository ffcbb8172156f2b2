"""Everything the recorder knows, and the journal behind it: one way in, restored from the journal at start.

An entry is written first and learned then, by the same code that learns it again after a restart.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import orjson

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.journal import Journal, JournalReader, entries
from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.mailbox import Malformed
from kagents_runner.documents import TeamDocument
from kagents_runner.output import say
from kagents_runner.record.activity import ActivityBoard
from kagents_runner.record.asks import AskBoard
from kagents_runner.record.clock import rfc3339, seconds
from kagents_runner.record.digest import Digest
from kagents_runner.record.endings import Endings
from kagents_runner.record.ledger import MailLedger
from kagents_runner.record.numbers import Numbers
from kagents_runner.record.posts import SHOWN
from kagents_runner.record.reports import learn_report
from kagents_runner.record.spending import Spending
from kagents_runner.record.taskboard import TaskBoard
from kagents_runner.record.teamstate import TeamState
from kagents_runner.record.tracing import Tracing

SAVE_SECONDS: Final = 2.0
"""Least time between two saves of recorder.json."""
_STATE_LIMIT: Final = 64 * 1024 * 1024
_LAST_REQUESTS: Final = 1000
PRINTED_AGAIN: Final = 50_000
"""Entries of an earlier run that a new one prints: its log, the only one that stays, then holds them too."""


class Books:
    """The pure boards, the journal, and the places up to which the sources have been read."""

    def __init__(
        self,
        team: TeamDocument,
        layout: TeamLayout,
        *,
        output: int | None = None,
        clock: Callable[[], float] = time.time,
        tracing: Tracing | None = None,
    ) -> None:
        """``output``: a file descriptor that gets every entry as well. Raises JournalError."""
        simulated = {agent.name: agent.harness == "simulated" for agent in team.agents}
        gates = {agent.gate: agent.name for agent in team.agents if agent.gate is not None}
        lead = next((agent.name for agent in team.agents if agent.role == "lead"), None)
        self.team, self.layout, self.clock, self.lead = team, layout, clock, lead
        self.agents = [(agent.name, agent.harness == "simulated") for agent in team.agents]
        self.ledger = MailLedger()
        self.board = ActivityBoard(simulated)
        self.endings = Endings(lead, team.idle_timeout_seconds)
        self.tasks = TaskBoard()
        metered = [each.name for each in team.agents if each.harness != "simulated" and team.gateway]
        self.spending = Spending(metered, [each.name for each in team.agents])
        self.numbers = Numbers(team)
        self.tracing = tracing or Tracing()
        self.numbers.spans = self.tracing.outcomes
        self.state = TeamState({**gates, "finish": None})
        self.asks = AskBoard(simulated)
        self.heard: dict[str, float] = {}
        """When each agent last gave a sign of life, as far as this run of the recorder has seen."""
        self.messages = 0
        """What agents have written, as the journal has it: an id once, however often it is sent or told."""
        self.outside: dict[str, list[str]] = {}
        """Files outside its scope that each agent has changed, where no repository tells."""
        self.unreachable: dict[str, list[dict[str, str]]] = {}
        """MCP servers that each agent cannot reach, with the reason, as its supervisor says."""
        self.result: str | None = None
        self.results: dict[str, dict[str, str]] = {}
        """What each agent has reported, by key."""
        self.artifacts: dict[tuple[str, str], dict[str, Any]] = {}
        """What agents have made, by agent and name: the entry that told of it, and when."""
        self.requests: dict[str, None] = {}
        """Ids of the last requests that are journalled."""
        self.offsets: dict[str, int] = {}
        """Bytes read of each event file and transcript, by its path below the team or home directory."""
        self.attempts: dict[str, int] = {}
        self.starts: dict[str, str] = {}
        """When each agent's supervisor began: a pod can be started again without a new attempt."""
        self._malformed: set[tuple[str, str]] = set()
        self._output = output
        self._saved_at, self._dirty = 0.0, False
        self.journal = Journal(layout.journal)
        self.restarted = self.journal.last > 0
        self._digest = Digest(self)
        self._restore()

    def write(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Journals entries, prints them, and learns them."""
        if not found:
            return
        now = self.clock()
        first = self.journal.last + 1
        lines = self.journal.append(found, at=rfc3339(now))
        self._print(lines)
        for seq, entry in enumerate(found, first):
            self._learn(entry, now, seq)
        self._dirty = True

    def hear(self, agent: str, at: float) -> None:
        """The agent gave a sign of life."""
        self.heard[agent] = max(self.heard.get(agent, 0.0), min(at, self.clock()))

    def reflect_asks(self, agent: str, at: float) -> None:
        """What the agent asks of a person decides what it is said to do; call it after either has changed."""
        waiting = self.asks.open(agent)
        self.write(self.board.waits_for(agent, waiting[0].ask if waiting else None, at))

    def withdraw(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Journals that requests need no answer any more."""
        self.write(found)
        for agent in dict.fromkeys(entry["agent"] for entry in found):
            self.reflect_asks(agent, self.clock())

    def print_again(self, limit: int = PRINTED_AGAIN) -> None:
        """Prints the last entries that were journalled before this run, each as it stands in the file."""
        reader = JournalReader(self.layout.journal, after=max(0, self.journal.last - limit))
        try:
            for line in reader.read():
                self._print(line.data + b"\n")
        finally:
            reader.close()

    def malformed(self, problems: Sequence[Malformed]) -> None:
        """Journals what could not be read, each once."""
        for problem in problems:
            key = problem.source, problem.excerpt[:500]
            if key not in self._malformed:
                entry = {"kind": "malformed", "source": problem.source, "reason": problem.reason}
                self.write([entry | {"excerpt": problem.excerpt[:500]}])

    def read_to(self, source: str, offset: int) -> None:
        """A source has been read up to ``offset``."""
        if self.offsets.get(source) != offset:
            self.offsets[source] = offset
            self._dirty = True

    def dirty(self) -> None:
        """Something that only recorder.json holds has changed."""
        self._dirty = True

    @property
    def next_save(self) -> float | None:
        """When ``save`` should be called next."""
        return self._saved_at + SAVE_SECONDS if self._dirty else None

    def save(self) -> None:
        """Writes recorder.json, after everything it relies on is on the disk."""
        if not self._dirty:
            return
        self.journal.sync()
        document = {
            "lastSeq": self.journal.last,
            "offsets": self.offsets,
            "attempts": self.attempts,
            "starts": self.starts,
            "ledger": self.ledger.state(),
            "spending": self.spending.state(),
            "teammates": self.state.teammates,
            "trace": self.tracing.state(),
        }
        replace_file(self.layout.recorder_state, orjson.dumps(document))
        self._digest.write_if_due()
        self._saved_at, self._dirty = self.clock(), False

    def close(self) -> None:
        """Saves and closes the journal."""
        self.save()
        self.journal.close()

    def _restore(self) -> None:
        state = self._saved()
        if isinstance(trace := state.get("trace"), dict):
            self.tracing.tell(lambda story: story.load(trace))
        learned = self._digest.read(self._saved_to(state))
        self.journal.last = max(self.journal.last, learned)
        for entry in entries(self.layout.journal, after=learned):
            at = seconds(entry.get("at"), 0.0)
            # A foreign line at the end may have a lower number: what comes behind it would not be read.
            self.journal.last = max(self.journal.last, entry["seq"])
            with suppress(AttributeError, KeyError, TypeError, ValueError):
                self.ledger.restore(entry, at)
                if entry["kind"] == "activity":
                    self.board.restore(entry, at)
                self._learn(entry, at, entry["seq"])
        for agent, _ in self.agents:
            waiting = self.asks.open(agent)
            self.board.hold(agent, waiting[0].ask if waiting else None)
        try:
            self._take_over(state)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            say(f"the recorder's state is not understood, so everything is read again: {error!r}", "warn")
            self.offsets, self.attempts, self.starts = {}, {}, {}

    def _saved_to(self, state: Mapping[str, Any]) -> int:
        """The last entry that the saved places go with; 0 when they do not say all that a digest leaves
        out."""
        traced = self.tracing.state() is None or isinstance(state.get("trace"), dict)
        last = state.get("lastSeq", 0)
        return last if traced and isinstance(last, int) else 0

    def _take_over(self, state: Mapping[str, Any]) -> None:
        """Goes on where the last run ended. Raises what a state that is none of ours leads to."""
        self.ledger.load(state.get("ledger", {}))
        self.spending.load(state.get("spending", []), self.clock())
        self.offsets = {str(name): int(at) for name, at in dict(state.get("offsets", {})).items()}
        self.attempts = {str(name): int(at) for name, at in dict(state.get("attempts", {})).items()}
        self.starts = {str(name): str(at) for name, at in dict(state.get("starts", {})).items()}

    def _saved(self) -> dict[str, Any]:
        """What was saved; nothing (so that every source is read again) when it cannot belong to this
        journal."""
        try:
            state = orjson.loads(read_bounded(self.layout.recorder_state, _STATE_LIMIT))
        except (OSError, orjson.JSONDecodeError):
            return {}
        last = state.get("lastSeq", 0) if isinstance(state, dict) else None
        return state if isinstance(last, int) and last <= self.journal.last else {}

    def _learn(self, entry: Mapping[str, Any], at: float, seq: int) -> None:
        kind = entry["kind"]
        self.endings.learn(entry, at)
        self.numbers.learn(entry, at)
        self.tracing.tell(lambda story: story.learn(entry, at, seq))
        if kind == "message":
            self.messages += entry["type"] in SHOWN and entry["from"] != TEAM_LEAD
        elif kind == "task":
            self.tasks.learn(entry)
        elif kind == "usage":
            self.spending.learn(entry, at)
        elif kind in ("phase", "gate"):
            self.state.learn(entry)
        elif kind in ("ask", "answer"):
            self.asks.learn(entry, seq)
        elif kind == "malformed":
            self._malformed.add((entry["source"], entry["excerpt"]))
        elif kind == "artifact":
            told = {key: value for key, value in entry.items() if key not in ("seq", "at")}
            self.artifacts[entry["agent"], entry["name"]] = {"told": told, "at": rfc3339(at)}
        elif kind == "request":
            self._learn_request(entry)

    def _learn_request(self, entry: Mapping[str, Any]) -> None:
        if "id" in entry:
            self.requests[entry["id"]] = None
            if len(self.requests) > _LAST_REQUESTS:
                del self.requests[next(iter(self.requests))]
        if entry["request"] == "finish" and "refused" not in entry:
            self.result = str(entry.get("summary", ""))
        elif entry["request"] == "report" and "refused" not in entry:
            learn_report(self.results, entry)

    def _print(self, lines: bytes) -> None:
        """A reader that went away, or a full pipe that is not read, must not stop the journal for ever."""
        if self._output is None:
            return
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(self._output, view) :]
        except OSError:
            self._output = None
