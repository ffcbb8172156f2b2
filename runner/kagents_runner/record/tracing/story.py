"""What the recorder learns, told as spans: team and agents from the journal, turns and tools below them.

A span is handed out when its part has ended, so the team's own comes last. Pure.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from kagents_core.safetext import clean
from kagents_core.teamfiles.transcript import TranscriptBatch
from kagents_runner.documents import TeamDocument
from kagents_runner.record.clock import seconds
from kagents_runner.record.hooks import WORKING
from kagents_runner.record.teamstate import TERMINAL
from kagents_runner.record.tracing.spans import Span, span_id
from kagents_runner.record.tracing.turns import SETTLED, Turns, add_usage

_NAME_LIMIT: Final = 100
_WORD: Final = re.compile(r"^[a-z][a-z_]{0,49}$")
_LONGEST_CALL: Final = 24 * 3600.0


class Story:
    """One team's spans. Methods take what the recorder sees, in its order."""

    def __init__(self, team: TeamDocument, out: Callable[[Span], None]) -> None:
        """``out`` gets every span that has ended."""
        self._uid, self._out = team.uid, out
        self._declared = {agent.name: agent for agent in team.agents}
        self._turns = {name: Turns(team.uid, name, partial(self._below, name)) for name in self._declared}
        self._agents: dict[str, Span] = {}
        self._team: Span | None = None
        self._over = False
        self._phase: tuple[str, float] | None = None
        """The phase that the team has ended in, and when: what is not read yet is told before its end."""
        self._endings: dict[str, float] = {}
        """Agents that have ended, and when; for the same reason."""
        self._names = {"kagents.team": team.name, "k8s.namespace.name": team.namespace}
        self.seq = 0
        """Number of the last entry of the journal that is told."""

    # ── what the recorder sees ────────────────────────────────────────────────────────────────────────────

    def learn(self, entry: Mapping[str, Any], at: float, seq: int) -> None:
        """An entry of the journal; one that was told before says nothing new."""
        if seq <= self.seq:
            return
        self.seq = seq
        if self._over:
            return
        team = self._begun(at)
        match entry["kind"]:
            case "activity" if entry["agent"] in self._turns:
                self._does(entry["agent"], entry["state"], at, seq)
            case "usage" if entry["agent"] in self._turns:
                self._used(team, entry)
            case "gate":
                team.mark(at, f"gate {entry['state']}", **{"kagents.gate": entry["event"]})
            case "message":
                team.add("kagents.messages", 1)
            case "ask" | "answer" if (agent := self._agents.get(entry["agent"])) is not None:
                agent.mark(at, entry["kind"], **{"kagents.ask": entry["ask"]})
            case "phase":
                team.mark(at, entry["phase"])
                if entry["phase"] in TERMINAL:
                    self._phase = entry["phase"], at

    def hook(self, agent: str, payload: Mapping[str, Any], at: float) -> None:
        """A hook of the agent."""
        if agent not in self._turns or self._over:
            return
        event, turns = payload.get("hook_event_name"), self._turns[agent]
        simulated = self._declared[agent].harness == "simulated"
        if event in ("Stop", "TeammateIdle"):
            turns.tell("rest", at)
        elif event == "StopFailure":
            error = payload.get("error")
            turns.tell("rest", at, word=error if isinstance(error, str) and _WORD.match(error) else "failed")
        elif event in WORKING or (simulated and event == "SessionStart"):
            if simulated and event == "PostToolUse":  # the transcript of the real CLI tells of every tool
                self._simulated_call(turns, payload, at)
            turns.tell("begin", at - (_duration(payload) if event == "PostToolUse" else 0.0))

    def transcript(self, agent: str, batch: TranscriptBatch, *, main: bool) -> None:
        """New lines of the agent's transcript, or of one of its subagents."""
        if agent not in self._turns or self._over:
            return
        turns = self._turns[agent]
        for text in batch.prompts if main else ():
            if at := seconds(text, 0.0):
                turns.tell("begin", at)
        for call in batch.calls:
            if at := seconds(call.at, 0.0):
                turns.tell("call", at, call.id[:200], _tool(call.name), sub=not main)
        for result in batch.results:
            if at := seconds(result.at, 0.0):
                turns.tell("result", at, result.id[:200], "failed" if result.failed else "")

    def due(self, now: float) -> None:
        """Hand out what has ended some seconds ago."""
        for name, turns in self._turns.items():
            turns.due(now, self._agents.get(name))
        for name, at in list(self._endings.items()):
            if at + SETTLED <= now:
                self._end_agent(name, at, None)

    @property
    def next_due(self) -> float | None:
        """When ``due`` should be called next."""
        moments = [due for each in self._turns.values() if (due := each.next_due) is not None]
        return min([*moments, *(at + SETTLED for at in self._endings.values())], default=None)

    def finish(self) -> None:
        """Everything has been read: if the team is over, so is its trace."""
        if self._phase is None or self._team is None or self._over:
            return
        phase, at = self._phase
        self.due(float("inf"))
        self._over = True
        for name in list(self._agents):
            self._end_agent(name, at, None if phase == "Completed" else "stopped")
        team, well = self._team, phase == "Completed"
        team.end, team.failed = max(at, team.start), None if well else phase
        team.attributes["kagents.phase"] = phase
        self._out(team)

    # ── team and agents ───────────────────────────────────────────────────────────────────────────────────

    def _begun(self, at: float) -> Span:
        if self._team is None:
            self._team = Span(f"team {self._names['kagents.team']}", span_id(self._uid, "team"), None, at)
            self._team.attributes = {**self._names, "kagents.agents": len(self._declared)}
        return self._team

    def _does(self, name: str, state: str, at: float, seq: int) -> None:
        if state == "ended":
            self._endings[name] = at
            return
        if name in self._endings:  # it goes on, as a lead does that resolves a conflict
            self._end_agent(name, self._endings[name], None)
        span = self._agents.get(name)
        if span is None:
            declared = self._declared[name]
            span = Span(
                f"agent {name}", span_id(self._uid, "agent", name, seq), span_id(self._uid, "team"), at
            )
            span.attributes = {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": name,
                "gen_ai.request.model": declared.model or "",
                "kagents.role": declared.role,
                "kagents.simulated": declared.harness == "simulated",
            }
            self._agents[name] = span
        if state in ("starting", "failed"):
            span.mark(at, state)
            span.add(f"kagents.{state}", 1)

    def _used(self, team: Span, entry: Mapping[str, Any]) -> None:
        read = entry["cacheReadTokens"] + entry["cacheWriteTokens"]
        used = entry["inputTokens"] + read, entry["outputTokens"], entry["costMicros"]
        for span in (team, self._agents.get(entry["agent"])):
            if span is not None:
                add_usage(span, *used)
        self._turns[entry["agent"]].used(*used, clean(entry["model"], limit=_NAME_LIMIT, multiline=False))

    def _below(self, name: str, span: Span) -> None:
        """A part of an agent's life has ended; it may have begun before the recorder was there to see it."""
        for above in (self._agents.get(name), self._team):
            if above is not None:
                above.start = min(above.start, span.start)
        self._out(span)

    def _end_agent(self, name: str, at: float, why: str | None) -> None:
        span = self._agents.get(name)
        self._endings.pop(name, None)
        self._turns[name].close(at, span, why)
        if span is not None:
            del self._agents[name]
            span.end, span.failed = max(at, span.start), why
            self._out(span)

    @staticmethod
    def _simulated_call(turns: Turns, payload: Mapping[str, Any], at: float) -> None:
        key, name = payload.get("tool_use_id"), payload.get("tool_name")
        if isinstance(key, str) and isinstance(name, str):
            turns.tell("call", at - _duration(payload), key[:200], _tool(name))
            turns.tell("result", at, key[:200])

    # ── over a restart of the recorder ────────────────────────────────────────────────────────────────────

    def state(self) -> dict[str, Any]:
        """What has not ended: save it together with the places in the sources."""
        return {
            "seq": self.seq,
            "over": self._over,
            "phase": self._phase,
            "endings": self._endings,
            "team": None if self._team is None else self._team.pack(),
            "agents": {name: span.pack() for name, span in self._agents.items()},
            "turns": {name: turns.state() for name, turns in self._turns.items()},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where another recorder stopped, before any entry is learned again."""
        try:
            self.seq, self._over = int(state["seq"]), bool(state["over"])
            self._phase = None if state["phase"] is None else (state["phase"][0], float(state["phase"][1]))
            self._endings = {name: float(at) for name, at in state["endings"].items() if name in self._turns}
            self._team = None if state["team"] is None else Span.unpack(state["team"])
            self._agents = {name: Span.unpack(span) for name, span in state["agents"].items()}
            for name, turns in state["turns"].items():
                if name in self._turns:
                    self._turns[name].load(turns)
        except (KeyError, TypeError, ValueError, AttributeError):
            self.seq = 0  # told from the beginning once more, under the same ids


def _tool(name: str) -> str:
    return clean(name, limit=_NAME_LIMIT, multiline=False)


def _duration(payload: Mapping[str, Any]) -> float:
    given = payload.get("duration_ms")
    if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0:
        return 0.0
    return min(given / 1000, _LONGEST_CALL)
