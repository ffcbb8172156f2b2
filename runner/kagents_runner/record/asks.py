"""What agents ask of people and what became of it: open until answered, or withdrawn. Pure.

Learned from journal entries alone, so a restart changes nothing. A permission and a question belong to the
process that asked: a new one asks again under another id. A plan outlives its process, because the next one
still honours the approval (docs/protocol-notes.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kagents_core.asks import Answer, Ask, ask_of

OPEN_LIMIT: Final = 20
"""Open requests of one agent; what comes beyond is withdrawn at once."""
CLOSED_LIMIT: Final = 2000
"""Closed requests that are remembered, to tell an answered one from an unknown one."""

Entries = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class OpenAsk:
    """A request that waits: since when (RFC 3339), and the number of its journal entry."""

    ask: Ask
    since: str
    seq: int


@dataclass(frozen=True, slots=True)
class Closed:
    """How a request ended. ``answer_id`` is that of the answer that was taken."""

    answer: str
    by: str
    answer_id: str | None


class AskBoard:
    """The requests of all agents. Methods return the journal entries that follow."""

    def __init__(self, agents: Iterable[str]) -> None:
        self._open: dict[str, dict[str, OpenAsk]] = {name: {} for name in agents}
        self._closed: dict[tuple[str, str], Closed] = {}

    def open(self, agent: str) -> tuple[OpenAsk, ...]:
        """What the agent waits for, the oldest first."""
        return tuple(self._open.get(agent, {}).values())

    def find(self, agent: str, identity: str) -> OpenAsk | None:
        """One open request."""
        return self._open.get(agent, {}).get(identity)

    def closed(self, agent: str, identity: str) -> Closed | None:
        """How a request ended; None when it has not, or was never there."""
        return self._closed.get((agent, identity))

    def asked(self, sender: str, data: Mapping[str, Any], asked: str, *, outlived: bool) -> Entries:
        """A message to team-lead: an entry if it asks something new.

        ``outlived``: the process that sent it is gone, so only a plan can still be answered.
        """
        found = ask_of(sender, data)
        if found is None or sender not in self._open:
            return []
        if self.find(sender, found.id) is not None or (sender, found.id) in self._closed:
            return []
        entry: dict[str, Any] = {"kind": "ask", "id": found.id, "agent": sender, "ask": found.kind}
        entry |= {"tool": found.tool, "summary": found.summary, "input": found.input, "cut": found.cut}
        entry |= {"toolUseId": found.tool_use_id, "asked": asked}
        if outlived and found.kind != "plan":
            return [entry, _withdrawn(found, "its agent was started again")]
        if len(self._open[sender]) >= OPEN_LIMIT:
            return [entry, _withdrawn(found, f"{OPEN_LIMIT} others of this agent wait already")]
        return [entry]

    def gone(self, agent: str, why: str, *, plans: bool) -> Entries:
        """The agent's process is gone; with ``plans`` no other will come."""
        return [_withdrawn(each.ask, why) for each in self.open(agent) if plans or each.ask.kind != "plan"]

    def finished(self, agent: str, tool_use_ids: Sequence[str]) -> Entries:
        """Tool calls have their results: nobody waits for their permission any more."""
        wanted = set(tool_use_ids)
        return [
            _withdrawn(each.ask, "the agent needs no answer any more")
            for each in self.open(agent)
            if each.ask.tool_use_id in wanted and each.ask.kind != "plan"
        ]

    @staticmethod
    def answered(ask: Ask, answer: Answer, answer_id: str) -> Entries:
        """A person's answer."""
        entry: dict[str, Any] = {"kind": "answer", "id": ask.id, "agent": ask.agent, "ask": ask.kind}
        entry |= {"answer": "allow" if answer.allow else "deny", "reason": answer.reason, "by": answer.by}
        if answer.choices:
            entry["choices"] = [list(each) for each in answer.choices]
        if answer.mode is not None:
            entry["mode"] = answer.mode
        return [entry | {"answerId": answer_id}]

    def learn(self, entry: Mapping[str, Any], seq: int) -> None:
        """Takes over an ``ask`` or ``answer`` entry that is being journalled or read again."""
        agent, identity = entry["agent"], entry["id"]
        if agent not in self._open:
            return
        if entry["kind"] == "ask":
            ask = Ask(
                identity,
                agent,
                entry["ask"],
                entry["tool"],
                entry["summary"],
                entry["input"],
                entry["cut"],
                entry["toolUseId"],
            )
            self._open[agent][identity] = OpenAsk(ask, entry["asked"], seq)
            return
        self._open[agent].pop(identity, None)
        self._closed[agent, identity] = Closed(
            entry["answer"], str(entry.get("by", "")), entry.get("answerId")
        )
        if len(self._closed) > CLOSED_LIMIT:
            del self._closed[next(iter(self._closed))]


def _withdrawn(ask: Ask, why: str) -> dict[str, Any]:
    return {
        "kind": "answer",
        "id": ask.id,
        "agent": ask.agent,
        "ask": ask.kind,
        "answer": "withdrawn",
        "reason": why,
    }
