"""One agent's turns and tool calls, from hooks and its transcript: read with a delay, so in any order.

What both tell becomes a mark with its own time. Marks are looked at in the order of their times, once they
are some seconds old; so a turn's end, which a hook tells at once, waits for the lines before it. Pure.
"""

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kagents_runner.record.tracing.spans import Span, span_id

SETTLED: Final = 3.0
"""Seconds after which nothing is expected to be told any more of what was before."""
MOST_OPEN: Final = 64
"""Tool calls of one agent that are followed at once."""
MOST_MARKS: Final = 20_000

Kind = Literal["begin", "call", "result", "rest"]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something that an agent did. Of one moment the end of a turn comes last, others as they were told."""

    at: float
    last: bool
    order: int
    kind: Kind = field(compare=False)
    key: str = field(default="", compare=False)
    """Of a call: its id."""
    word: str = field(default="", compare=False)
    """Of a call: the tool; of a turn's end that failed, or a result that is an error: why."""
    sub: bool = field(default=False, compare=False)
    """By a subagent."""


class Turns:
    """Marks become turns and tools; finished spans are handed out."""

    def __init__(self, uid: str, agent: str, out: Callable[[Span], None]) -> None:
        self._uid, self._agent, self._out = uid, agent, out
        self._marks: list[Mark] = []
        self._told = 0
        self._turn: Span | None = None
        self._before: tuple[float, float, bytes] | None = None
        """Beginning, end and id of the last turn."""
        self._calls: dict[str, Span] = {}

    def tell(self, kind: Kind, at: float, key: str = "", word: str = "", *, sub: bool = False) -> None:
        """The agent did something at that time."""
        self._told += 1
        if len(self._marks) < MOST_MARKS:
            bisect.insort(self._marks, Mark(at, kind == "rest", self._told, kind, key, word, sub))

    @property
    def next_due(self) -> float | None:
        """When ``due`` should be called next."""
        return self._marks[0].at + SETTLED if self._marks else None

    def due(self, now: float, agent: Span | None) -> None:
        """Look at what is old enough; ``agent`` is the span above."""
        while self._marks and self._marks[0].at + SETTLED <= now:
            self._look(self._marks.pop(0), agent)

    def used(self, input_tokens: int, output_tokens: int, micros: int, model: str) -> None:
        """A request to a model has ended."""
        if self._turn is not None:
            add_usage(self._turn, input_tokens, output_tokens, micros)
            self._turn.attributes["gen_ai.response.model"] = model

    def close(self, at: float, agent: Span | None, why: str | None) -> None:
        """The agent's process has ended: so have its turn and its calls."""
        self.due(float("inf"), agent)
        self._rest(at, why)

    def _look(self, mark: Mark, agent: Span | None) -> None:
        if mark.kind == "rest":
            self._rest(mark.at, mark.word or None)
        elif mark.kind == "result":
            call = self._calls.pop(mark.key, None)
            if call is not None:
                self._finish(call, mark.at, mark.word or None)
        else:
            if not mark.sub and self._turn is None and (not self._before or mark.at > self._before[1]):
                self._begin(mark.at, agent)
            if mark.kind == "call" and len(self._calls) < MOST_OPEN:
                self._calls[mark.key] = self._call(mark, agent)

    def _begin(self, at: float, agent: Span | None) -> None:
        own = span_id(self._uid, "turn", self._agent, round(at * 1000))
        self._turn = Span("turn", own, None if agent is None else agent.id, at)
        self._turn.attributes["gen_ai.agent.name"] = self._agent

    def _call(self, mark: Mark, agent: Span | None) -> Span:
        if self._turn is not None:
            above = self._turn.id
        elif self._before is not None and self._before[0] <= mark.at <= self._before[1]:
            above = self._before[2]
        else:
            above = b"" if agent is None else agent.id
        span = Span(
            f"tool {mark.word}", span_id(self._uid, "tool", self._agent, mark.key), above or None, mark.at
        )
        span.attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.agent.name": self._agent,
            "gen_ai.tool.name": mark.word,
        }
        if mark.sub:
            span.attributes["kagents.subagent"] = True
        if self._turn is not None:
            self._turn.add("kagents.tools", 1)
        return span

    def _rest(self, at: float, why: str | None) -> None:
        for call in self._calls.values():
            call.attributes["kagents.unfinished"] = True
            self._finish(call, at, None)
        self._calls.clear()
        if self._turn is not None:
            turn, self._turn = self._turn, None
            self._before = turn.start, at, turn.id
            self._finish(turn, at, why)

    def _finish(self, span: Span, at: float, why: str | None) -> None:
        span.end, span.failed = max(at, span.start), why
        self._out(span)

    # ── over a restart of the recorder ────────────────────────────────────────────────────────────────────

    def state(self) -> dict[str, Any]:
        """What ``load`` takes over."""
        marks = [[mark.at, mark.kind, mark.key, mark.word, mark.sub] for mark in self._marks]
        turn = None if self._turn is None else self._turn.pack()
        before = None if self._before is None else [*self._before[:2], self._before[2].hex()]
        calls = {key: call.pack() for key, call in self._calls.items()}
        return {"marks": marks, "turn": turn, "before": before, "calls": calls}

    def load(self, state: dict[str, Any]) -> None:
        """Go on where another recorder stopped. Raises ValueError, TypeError or KeyError."""
        for at, kind, key, word, sub in state["marks"]:
            self.tell(kind, float(at), str(key), str(word), sub=bool(sub))
        self._turn = None if state["turn"] is None else Span.unpack(state["turn"])
        before = state["before"]
        self._before = None if before is None else (before[0], before[1], bytes.fromhex(before[2]))
        self._calls = {str(key): Span.unpack(call) for key, call in state["calls"].items()}


def add_usage(span: Span, input_tokens: int, output_tokens: int, micros: int) -> None:
    """What a request to a model took."""
    span.add("gen_ai.usage.input_tokens", input_tokens)
    span.add("gen_ai.usage.output_tokens", output_tokens)
    span.add("kagents.cost_micros", micros)
    span.add("kagents.requests", 1)
