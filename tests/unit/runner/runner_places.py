"""A team's directories and documents, and the verbs of ``kagents-runner`` as programs on them."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kagents_core.teamfiles.layout import TeamLayout

UID = "0b7e2f5c-6c1e-4f43-9d3c-5f2a7f0e9c11"
SPEED = "100"
LIMIT = 30.0


def git(cwd: Path, *arguments: str) -> str:
    """Git as a person would run it, with an identity."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.test", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(path: Path, *, branch: str = "main") -> Path:
    """A repository with one commit."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", branch)
    (path / "README.md").write_text("hello\n")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "Begin")
    return path


class Ran:
    """How a verb ended: exit code, output, and the sentence in the termination log."""

    def __init__(self, process: subprocess.CompletedProcess[str], log: Path) -> None:
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr
        self.sentence = log.read_text() if log.exists() else ""


class Place:
    """One team's volume and its documents."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = "demo"
        self.repository: dict[str, Any] | None = None
        self.agents: dict[str, dict[str, Any]] = {"lead": {}, "scout": {}}
        self.variables: dict[str, str] = {}
        for part in ("team", "home", "work"):
            (root / part).mkdir()

    @property
    def layout(self) -> TeamLayout:
        return TeamLayout(self.root / "team", self.name)

    @property
    def work(self) -> Path:
        return self.root / "work"

    def home(self, agent: str) -> Path:
        return self.root / "home" / agent

    def team(self) -> dict[str, Any]:
        agents = [
            {"name": name, "role": "lead" if name == "lead" else "teammate", "model": "sonnet"}
            | {"harness": "simulated", "dependsOn": [], "gate": None, "prompt": "Work."}
            for name in self.agents
        ]
        fields = {"name": self.name, "namespace": "default", "uid": UID, "agents": agents}
        mode = {"mode": "coding", "repository": self.repository} if self.repository else {"mode": "cowork"}
        return fields | mode | {"outputDir": None, "inputs": [], "idleTimeoutSeconds": None}

    def agent(self, name: str) -> dict[str, Any]:
        fields = {"name": name, "role": "lead" if name == "lead" else "teammate", "model": "sonnet"}
        fields |= {"prompt": "Work.", "harness": "simulated", "permissionMode": "auto-accept"}
        session = str(uuid.uuid5(uuid.UUID(UID), name))
        return fields | {"attempt": 0, "sessionId": session} | self.agents[name]

    def environment(self, agent: str | None = None) -> dict[str, str]:
        found = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        found |= {"KAGENTS_TEAM_DIR": str(self.root / "team"), "KAGENTS_WORK_DIR": str(self.work)}
        found["KAGENTS_HOMES_DIR"] = str(self.root / "home")
        found["KAGENTS_FINISH_DIR"] = str(self.root / "finish")
        found |= {"KAGENTS_TEAM": json.dumps(self.team()), "KAGENTS_SIMULATION_SPEED": SPEED}
        found["KAGENTS_TERMINATION_LOG"] = str(self.root / "termination-log")
        found["TMPDIR"] = str(self.root)
        if agent is not None:
            self.home(agent).mkdir(exist_ok=True)
            found |= {
                "KAGENTS_HOME_DIR": str(self.home(agent)),
                "KAGENTS_AGENT": json.dumps(self.agent(agent)),
            }
        return found | self.variables

    def run(self, verb: str, agent: str | None = None) -> Ran:
        """A verb to its end."""
        log = self.root / "termination-log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "kagents_runner", verb]
        environment = self.environment(agent)
        process = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        assert "Traceback" not in process.stderr, process.stderr
        return Ran(process, log)

    def prepare(self) -> None:
        """The team prepared, or the test fails."""
        ran = self.run("prepare")
        assert ran.code == 0, ran.err

    def start(self, verb: str, agent: str) -> subprocess.Popen[str]:
        """A verb that runs on."""
        command = [sys.executable, "-m", "kagents_runner", verb]
        return subprocess.Popen(
            command, env=self.environment(agent), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def state(self, agent: str) -> dict[str, Any]:
        path = self.layout.agent_state(agent)
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def hooks(self, agent: str) -> list[dict[str, Any]]:
        path = self.layout.events(agent)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def mail(self, agent: str) -> list[dict[str, Any]]:
        path = self.layout.inbox(agent)
        found: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        return found

    def tasks(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.layout.tasks.glob("[0-9]*.json"))]

    def transcript(self, agent: str) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for path in self.home(agent).glob("projects/*/*.jsonl")
            for line in path.read_text().splitlines()
        ]


def until(condition: Callable[[], Any], seconds: float = LIMIT) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)
    return answer


def steps(*lines: str) -> str:
    """A script of these steps."""
    return "".join(f"- {line}\n" for line in lines)
