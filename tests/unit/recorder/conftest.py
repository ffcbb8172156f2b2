"""A team directory as ``prepare`` leaves it, and a recorder that runs on it inside the test."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kagents_core.journal import entries
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.events import append_event
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.mailbox import Message, new_message
from kagents_runner.documents import parse_team
from kagents_runner.record.books import Books
from kagents_runner.record.clock import rfc3339
from kagents_runner.record.recorder import Recorder
from kagents_runner.record.tracing import Tracing

DEADLINE = 60.0


def team_document(
    *agents: str, idle_timeout: float | None = None, gates: tuple[str, ...] = ()
) -> dict[str, Any]:
    """``KAGENTS_TEAM`` of a cowork team whose first agent leads."""
    return {
        "name": "demo",
        "namespace": "default",
        "uid": "00000000-0000-0000-0000-000000000001",
        "mode": "cowork",
        "repository": None,
        "outputDir": "/out",
        "inputs": [],
        "idleTimeoutSeconds": idle_timeout,
        "agents": [
            {
                "name": name,
                "role": "lead" if name == "lead" else "teammate",
                "model": "sonnet",
                "harness": "claude-code",
                "dependsOn": [],
                "gate": f"spawn-{name}" if name in gates else None,
                "prompt": "do it",
            }
            for name in agents
        ],
    }


@dataclass
class World:
    """One team: its files, and what agents and people do to them."""

    root: Path
    document: dict[str, Any]
    books: Books | None = None
    recorder: Recorder | None = None
    running: asyncio.Task[None] | None = None
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def layout(self) -> TeamLayout:
        return TeamLayout(self.root / "team", "demo")

    @property
    def homes(self) -> Path:
        return self.root / "home"

    @property
    def gateway(self) -> Path:
        return self.root / "gateway"

    @property
    def limits(self) -> Path:
        return self.root / "limits"

    @property
    def over(self) -> Path:
        """The mark that the team is over."""
        return self.root / "over"

    def with_gateway(self, budget: int | None = None, **agents: int) -> "World":
        """From now on a gateway counts; budgets in micro-dollars, of the team and of agents."""
        self.document |= {"gateway": {"provider": "anthropic"}, "budgetMicros": budget}
        for agent in self.document["agents"]:
            agent["budgetMicros"] = agents.get(agent["name"])
        for folder in (self.gateway, self.limits):
            folder.mkdir(exist_ok=True)
        return self

    def prepare(self) -> "World":
        for directory in self.layout.directories():
            directory.mkdir(parents=True, exist_ok=True)
        for agent in self.document["agents"]:
            self.layout.requests(agent["name"]).mkdir(exist_ok=True)
            (self.homes / agent["name"]).mkdir(parents=True, exist_ok=True)
        self.layout.roster.write_text(json.dumps(self.document))
        return self

    def journal(self, *kinds: str) -> list[dict[str, Any]]:
        return [entry for entry in entries(self.layout.journal) if not kinds or entry["kind"] in kinds]

    def messages(self) -> dict[str, dict[str, Any]]:
        found = {entry["id"]: entry for entry in self.journal("message")}
        assert len(found) == len(self.journal("message")), "an id was journalled twice"
        return found

    async def deliver(self, sender: str, to: str, text: Any, *, hook: bool = True, **more: Any) -> str:
        """Like SendMessage: into the mailbox, then the hook."""
        message = new_message(sender, text, **more)
        await mailbox.deliver(self.layout, to, message)
        if hook:
            self.event(sender, **send_message_payload(to, message))
        return str(message.id)

    def event(self, agent: str, **payload: Any) -> None:
        append_event(self.layout, agent, payload)

    async def take(self, agent: str) -> list[Message]:
        messages, _ = await mailbox.take(self.layout, agent)
        return messages

    def show(self, agent: str, *messages: Message) -> None:
        """The agent's transcript shows messages, merged into one turn as natively."""
        tags = "\n\n".join(
            f'<teammate-message teammate_id="{message.sender}">\n{message.text}\n</teammate-message>'
            for message in messages
        )
        self.transcript(agent, {"type": "user", "message": {"role": "user", "content": tags}})

    def transcript(self, agent: str, line: dict[str, Any]) -> None:
        path = self.homes / agent / "projects/-w/s.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lines[agent] = self.lines.get(agent, 0) + 1
        with path.open("a") as file:
            stamp = {"uuid": f"{agent}-{self.lines[agent]}", "timestamp": rfc3339(time.time())}
            file.write(json.dumps(line | stamp) + "\n")

    def supervise(
        self,
        agent: str,
        state: str,
        *,
        attempt: int = 0,
        transcript: bool = True,
        started: str | None = None,
        unreachable: Any = (),
    ) -> None:
        path = "projects/-w/s.jsonl" if transcript and state == "running" else None
        document = {
            "agent": agent,
            "state": state,
            "since": rfc3339(time.time()),
            "heartbeatAt": rfc3339(time.time()),
            "pid": 7,
            "attempt": attempt,
            "sessionId": "s",
            "harness": "claude-code",
            "transcript": path,
            "message": None,
            "unreachable": unreachable,
        }
        if started is not None:
            document["startedAt"] = started
        target = self.layout.agent_state(agent)
        temporary = target.with_suffix(".new")
        temporary.write_text(json.dumps(document))
        temporary.rename(target)

    def request(self, agent: str, kind: str, **arguments: Any) -> None:
        folder = self.layout.requests(agent)
        identity = f"{time.time_ns()}"
        (folder / f"{identity}.tmp").write_text(
            json.dumps({"id": identity, "agent": agent, "kind": kind, **arguments})
        )
        (folder / f"{identity}.tmp").rename(folder / f"{identity}.json")

    @asynccontextmanager
    async def recording(
        self, artifacts: Path | None = None, tracing: Tracing | None = None
    ) -> AsyncIterator["World"]:
        """A recorder runs while the context is entered; leaving it is a clean stop."""
        self.books = Books(parse_team(json.dumps(self.document)), self.layout, tracing=tracing)
        places = (
            {} if self.document.get("gateway") is None else {"gateway": self.gateway, "limits": self.limits}
        )
        self.recorder = Recorder(self.books, self.homes, artifacts, over=self.over, **places)
        task = self.running = asyncio.create_task(self.recorder.run())
        try:
            yield self
        finally:
            self.recorder.stop()
            async with asyncio.timeout(DEADLINE):
                await task
            self.books.close()

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Waits for a condition; what it returned once it was true."""
        async with asyncio.timeout(DEADLINE):
            while not (found := condition()):  # noqa: ASYNC110 - files have no event
                await asyncio.sleep(0.01)
        return found


def send_message_payload(to: str, message: Message) -> dict[str, Any]:
    """The PostToolUse payload of a SendMessage, as the real CLI's sample has it."""
    routing = {
        "sender": message.sender,
        "target": f"@{to}",
        "summary": message.summary,
        "content": message.text,
    }
    return {
        "hook_event_name": "PostToolUse",
        "tool_name": "SendMessage",
        "tool_input": {"to": to, "summary": message.summary, "message": message.text},
        "tool_response": {"success": True, "msg_id": message.id, "routing": routing},
        "tool_use_id": f"toolu_{message.id}",
    }


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A team of a lead and two teammates."""
    return World(tmp_path, team_document("lead", "scout", "writer", gates=("writer",))).prepare()


@pytest.fixture
def solo(tmp_path: Path) -> World:
    """A lead alone."""
    return World(tmp_path, team_document("lead")).prepare()


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    yield
