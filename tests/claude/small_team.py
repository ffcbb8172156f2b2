"""A team directory as ``prepare`` makes it, with real git worktrees, and agents run by the harness itself.

No controller and no recorder: the test plays ``team-lead``.
"""

import asyncio
import json
import os
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripted_model import ScriptedModel

from kagents_core.journal import entries
from kagents_core.teamfiles.config import Member, build_config, write_config
from kagents_core.teamfiles.events import read_events
from kagents_core.teamfiles.files import replace_file
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.mailbox import Message, deliver, new_message, read
from kagents_runner.documents import parse_agent, parse_team
from kagents_runner.harness.claude_code import ClaudeCodeHarness
from kagents_runner.harness.protocol import AgentContext, HarnessExit, HarnessState
from kagents_runner.record.books import Books
from kagents_runner.record.recorder import Recorder

TEAM = "demo"
MODEL = "claude-sonnet-4-6"
KEY = "sk-ant-api03-" + "k" * 60 + "0123456789abcdefghij"
DEADLINE = 120.0


async def until(condition: Callable[[], object | Awaitable[object]], seconds: float = DEADLINE) -> Any:
    """Waits until the condition gives something true, and returns that."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.05)


@dataclass
class RunningAgent:
    """An agent of the small team."""

    context: AgentContext
    task: asyncio.Task[HarnessExit]
    stop: asyncio.Event
    states: list[HarnessState] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The CLI's process id, of the latest start."""
        return next(state.pid for state in reversed(self.states) if state.pid is not None)

    async def ended(self, seconds: float = DEADLINE) -> HarnessExit:
        """How it ended."""
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self.task)


class SmallTeam:
    """The files of one team."""

    def __init__(
        self,
        root: Path,
        claude: str,
        model: ScriptedModel,
        agents: tuple[str, ...],
        *,
        cowork: bool = False,
    ) -> None:
        self.root, self.claude, self.model = root, claude, model
        self.layout = TeamLayout(root / "team", TEAM)
        self.uid = str(uuid.uuid4())
        self.running: list[RunningAgent] = []
        for folder in self.layout.directories():
            folder.mkdir(parents=True, exist_ok=True)
        roster = {
            "name": TEAM,
            "namespace": "tests",
            "uid": self.uid,
            "mode": "cowork" if cowork else "coding",
            "repository": None
            if cowork
            else {"url": "https://git.example.com/acme/backend.git", "branch": "main"},
            "agents": [
                {"name": name, "role": "lead" if name == "lead" else "teammate", "harness": "claude-code"}
                for name in agents
            ],
        }
        self.layout.roster.write_text(json.dumps(roster))
        members = [Member(name, MODEL, "p", self.worktree(name)) for name in agents]
        write_config(
            self.layout, build_config(TEAM, str(uuid.uuid4()), members, cwd=root, at=datetime.now(UTC))
        )
        self._repository(agents)

    def worktree(self, agent: str) -> Path:
        """Where an agent works."""
        return self.root / "work/worktrees" / agent

    def start(self, name: str, prompt: str, *, attempt: int = 0, **more: Any) -> RunningAgent:
        """Starts an agent. ``environment`` replaces the default one's entries (None removes one)."""
        environment: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "KAGENTS_CLAUDE": self.claude,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": self.model.url,
            "CLAUDE_CODE_MAX_RETRIES": "1",
            **more.pop("environment", {}),
        }
        document = {
            "name": name,
            "role": "lead" if name == "lead" else "teammate",
            "harness": "claude-code",
            "model": MODEL,
            "prompt": prompt,
            "attempt": attempt,
            "sessionId": str(uuid.uuid5(uuid.UUID(self.uid), name)),
            **more,
        }
        context = AgentContext(
            team=parse_team(self.layout.roster.read_text()),
            agent=parse_agent(json.dumps(document)),
            team_dir=self.layout.root,
            home_dir=self.root / "home" / name,
            work_dir=self.root / "work",
            cwd=self.worktree(name),
            environment={key: value for key, value in environment.items() if value is not None},
        )
        stop = asyncio.Event()
        states: list[HarnessState] = []
        log: list[str] = []
        task = asyncio.create_task(self._supervise(context, states, log, stop))
        agent = RunningAgent(context, task, stop, states, log)
        self.running.append(agent)
        return agent

    async def _supervise(
        self, context: AgentContext, states: list[HarnessState], log: list[str], stop: asyncio.Event
    ) -> HarnessExit:
        """What the recorder sees of a supervisor: the agent's state file."""
        since = datetime.now(UTC).isoformat()

        def write(state: str, transcript: str | None) -> None:
            document = {
                "agent": context.agent.name,
                "state": state,
                "since": since,
                "attempt": context.agent.attempt,
                "harness": "claude-code",
                "transcript": transcript,
            }
            path = self.layout.agent_state(context.agent.name)
            replace_file(path, json.dumps(document).encode())

        def report(state: HarnessState) -> None:
            states.append(state)
            write(state.state, state.transcript)

        harness = ClaudeCodeHarness(lambda line, _: log.append(line), wake_after=[0.5])
        ended = await harness.run(context, report, stop)
        write("ended" if ended.code == 0 else "failed", states[-1].transcript)
        return ended

    @asynccontextmanager
    async def recorded(self) -> AsyncIterator[None]:
        """Runs the recorder of the team beside the agents; the test is no longer ``team-lead``."""
        team = parse_team(self.layout.roster.read_text())
        books = Books(team, self.layout)
        recorder = Recorder(books, self.root / "home")
        task = asyncio.create_task(recorder.run())
        try:
            yield
        finally:
            recorder.stop()
            await task
            books.close()

    def journal(self, kind: str) -> list[dict[str, Any]]:
        """The journal's entries of one kind."""
        return [dict(entry) for entry in entries(self.layout.journal) if entry["kind"] == kind]

    async def close(self) -> None:
        """Ends every agent that still runs."""
        for agent in self.running:
            agent.stop.set()
        await asyncio.gather(*(agent.task for agent in self.running), return_exceptions=True)

    async def send(self, to: str, text: str | Mapping[str, Any], sender: str = "team-lead") -> Message:
        """Puts a message into a mailbox, under the native lock."""
        message = new_message(sender, text)
        await deliver(self.layout, to, message)
        return message

    async def ask_to_shut_down(self, name: str) -> None:
        """The native request."""
        request = {
            "type": "shutdown_request",
            "requestId": f"shutdown-{int(time.time() * 1000)}@{name}",
            "from": "team-lead",
            "reason": "all done",
            "timestamp": datetime.now(UTC).isoformat(),
        }
        await self.send(name, request)

    async def mail(self, name: str) -> tuple[Message, ...]:
        """What lies in a mailbox."""
        return (await read(self.layout, name)).messages

    async def mail_of_kagents(self, kind: str) -> list[Mapping[str, Any]]:
        """Protocol messages of one type that agents have sent to kagents."""
        return [m.data for m in await self.mail("team-lead") if m.type == kind and m.data is not None]

    def hooks(self, agent: str, name: str) -> list[Mapping[str, Any]]:
        """Payloads of one hook event."""
        events = read_events(self.layout, agent, 0)
        assert events.malformed == ()
        return [payload for payload in events.payloads if payload["hook_event_name"] == name]

    def requests(self, agent: str) -> list[dict[str, Any]]:
        """What the agent asked of the recorder through the kagents tools."""
        return [json.loads(path.read_text()) for path in sorted(self.layout.requests(agent).glob("*.json"))]

    def _repository(self, agents: tuple[str, ...]) -> None:
        repository = self.root / "work/repo"
        repository.mkdir(parents=True)
        git(repository, "init", "-q", "-b", "main")
        git(repository, "config", "user.name", "kagents")
        git(repository, "config", "user.email", "kagents@example.test")
        git(repository, "commit", "-q", "--allow-empty", "-m", "Begin")
        git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
        for name in agents:
            git(repository, "worktree", "add", "-q", "-b", f"kagents/{TEAM}/{name}", str(self.worktree(name)))


def git(folder: Path, *arguments: str) -> str:
    """Runs git and returns what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout
