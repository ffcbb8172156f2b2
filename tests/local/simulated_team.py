"""One simulated team on an engine: its objects, its files, its journal."""

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from kagents_core.api.constants import API_VERSION, APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.journal import entries
from kagents_core.kube.client import Client
from kagents_core.kube.errors import NotFound

LIMIT = 60.0
SPEED = "20"
TERMINAL = {"Completed", "Failed", "TimedOut", "BudgetExceeded", "Cancelled"}


async def until(condition: Callable[[], Awaitable[Any]], limit: float = LIMIT) -> Any:
    """The first true answer."""
    async with asyncio.timeout(limit):
        while not (answer := await condition()):  # noqa: ASYNC110  (a state, no event)
            await asyncio.sleep(0.05)
    return answer


def script(*steps: str) -> str:
    """A script of these steps."""
    return "".join(f"- {step}\n" for step in steps)


def agent(prompt: str = "Work.", *steps: str, **fields: Any) -> dict[str, Any]:
    """A simulated agent, with a script when there are steps."""
    return {"prompt": prompt, **({"script": script(*steps)} if steps else {}), **fields}


class Team:
    """One AgentTeam."""

    def __init__(self, client: Client, data: Path, name: str, namespace: str = "default") -> None:
        self.client, self.data, self.name, self.namespace = client, data, name, namespace

    async def apply(
        self,
        *teammates: dict[str, Any],
        lead: dict[str, Any] | None = None,
        lifecycle: dict[str, Any] | None = None,
        repository: Path | None = None,
    ) -> None:
        """Create it; without a lead there is none."""
        place: dict[str, Any] = {"workspace": {"output": {"size": "1Gi"}}}
        if repository is not None:
            place = {"repository": {"url": repository.as_uri(), "branch": "main"}}
        spec = place | {"harness": "simulated", "teammates": list(teammates)}
        spec |= {"lifecycle": {"timeout": "10m", **(lifecycle or {})}}
        if lead is not None:
            spec["lead"] = lead
        await self.create({"metadata": {"name": self.name}, "spec": spec})

    async def create(self, manifest: dict[str, Any]) -> None:
        """Create it as a manifest says."""
        body = {"apiVersion": API_VERSION, "kind": "AgentTeam", **manifest}
        await self.client.create(AGENT_TEAMS, self.namespace, body)

    async def patch(self, **spec: Any) -> None:
        """Change fields of the spec."""
        await self.client.patch_merge(AGENT_TEAMS, self.namespace, self.name, {"spec": spec})

    async def decide(self, event: str, approved: bool) -> None:
        """What ``kubectl annotate`` does."""
        annotations = {f"{APPROVAL_PREFIX}{event}": "true" if approved else "false"}
        await self.client.patch_merge(
            AGENT_TEAMS, self.namespace, self.name, {"metadata": {"annotations": annotations}}
        )

    async def status(self) -> dict[str, Any]:
        """The status as of now."""
        found: dict[str, Any] = (await self.client.get(AGENT_TEAMS, self.namespace, self.name)).get(
            "status", {}
        )
        return found

    async def in_phase(self, phase: str, limit: float = LIMIT) -> dict[str, Any]:
        """The status, once the team is in this phase; another end than that is a failure at once."""

        async def look() -> dict[str, Any] | None:
            status = await self.status()
            now = status.get("phase")
            assert now == phase or now not in TERMINAL, f"{now}: {self.explain(status)}"
            return status if now == phase else None

        try:
            found: dict[str, Any] = await until(look, limit)
        except TimeoutError:
            raise AssertionError(f"not {phase}: {self.explain(await self.status())}") from None
        return found

    def explain(self, status: dict[str, Any]) -> str:
        """Status and last log lines, for a test that fails."""
        logs = sorted(self.data.glob("pods/*/containers/*/*/log"))
        shown = [f"== {path}\n{path.read_text(errors='replace')[-1500:]}" for path in logs]
        return "\n".join([json.dumps(status, indent=1), *shown])

    async def pods(self, who: str | None = None) -> list[dict[str, Any]]:
        """Its pods, of one agent or all."""
        labels = f"claude.amcheste.io/team={self.name}"
        labels += f",claude.amcheste.io/agent={who}" if who else ""
        return list((await self.client.list(PODS, self.namespace, labels=labels)).items)

    async def log(self, who: str, container: str = "agent") -> str:
        """A container's log."""
        [pod] = await self.pods(who)
        chunks = self.client.logs(self.namespace, pod["metadata"]["name"], container=container)
        return b"".join([part async for part in chunks]).decode()

    async def send(self, to: str, text: str) -> str:
        """A person's message over exec, as every terminal sends it; returns its id."""
        [hub] = await self.pods("hub")
        command = ["kagents-runner", "send", "--to", to]
        stream = await self.client.exec(
            self.namespace, hub["metadata"]["name"], command, container="recorder", stdin=True
        )
        async with stream:
            await stream.send(text.encode())
            await stream.close_stdin()
            output = b"".join([data async for _, data in stream])
        assert stream.exit_code == 0, output
        return str(json.loads(output)["id"])

    async def gone(self) -> bool:
        """Whether the team's object is deleted."""
        try:
            await self.client.get(AGENT_TEAMS, self.namespace, self.name)
        except NotFound:
            return True
        return False

    @property
    def volume(self) -> Path:
        """The directory of the team's volume."""
        [found] = (self.data / "volumes" / self.namespace).glob(f"{self.name}-team-*")
        return found

    def state(self, who: str) -> dict[str, Any]:
        """What the agent's supervisor says; empty when it has not said anything."""
        try:
            found: dict[str, Any] = json.loads((self.volume / f"team/agents/{who}.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def journal(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The journal's entries, of one kind or all."""
        try:
            found = list(entries(self.volume / "team/journal.jsonl"))
        except ValueError:
            return []
        return [entry for entry in found if kind is None or entry["kind"] == kind]

    def sent(self) -> dict[str, str]:
        """Id and text of every message that the simulated agents say they have sent."""
        hooks = [
            json.loads(line)
            for path in (self.volume / "team/events").glob("*.jsonl")
            for line in path.read_text().splitlines()
        ]
        told = [hook["tool_response"] for hook in hooks if hook.get("tool_name") == "SendMessage"]
        return {answer["msg_id"]: answer["routing"]["content"] for answer in told}

    def check_mail(self) -> int:
        """Every message that was sent is in the journal, once; returns how many there are."""
        journalled = self.journal("message")
        numbers = [entry["seq"] for entry in self.journal()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert {identity: count for identity, count in count_ids(journalled).items() if count > 1} == {}
        # The receiver may take an assignment before the recorder sees it; no hook tells its id.
        derived = [entry for entry in journalled if "source" in entry and entry["type"] != "task_assignment"]
        assert derived == []
        plain = {entry["id"]: entry["text"] for entry in journalled if entry["type"] == "message"}
        sent = self.sent()
        assert sent.items() <= plain.items()
        assert {
            identity for identity in plain.keys() - sent.keys() if not from_person(journalled, identity)
        } == set()
        return len(sent)


def count_ids(messages: Sequence[dict[str, Any]]) -> Counter[str]:
    """How often each id was journalled."""
    return Counter(entry["id"] for entry in messages)


def from_person(messages: Sequence[dict[str, Any]], identity: str) -> bool:
    """Whether a person sent the message, through kagents itself."""
    return any(entry["id"] == identity and entry["from"] == "team-lead" for entry in messages)


def git(cwd: Path, *arguments: str) -> str:
    """Git as a person would run it."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.test", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(path: Path) -> Path:
    """A repository with one commit on ``main``."""
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    (path / "README.md").write_text("hello\n")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "Begin")
    return path
