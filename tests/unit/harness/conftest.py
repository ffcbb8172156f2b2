"""A context and a fake CLI for the tests of the harness."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kagents_runner.documents import parse_agent, parse_team
from kagents_runner.harness.protocol import AgentContext

SESSION = str(uuid.uuid5(uuid.NAMESPACE_OID, "worker"))
KEY = "sk-ant-" + "a" * 60 + "01234567890123456789"


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., AgentContext]:
    """Makes the context of the teammate ``worker`` (or the lead), below ``tmp_path``."""

    def make(name: str = "worker", environment: dict[str, str] | None = None, **agent: Any) -> AgentContext:
        roster = {
            "name": "demo",
            "namespace": "n",
            "uid": "u",
            "mode": "coding",
            "agents": [
                {"name": "lead", "role": "lead", "harness": "claude-code"},
                {"name": "worker", "role": "teammate", "harness": "claude-code", "gate": "go"},
                {"name": "tester", "role": "teammate", "harness": "claude-code", "dependsOn": ["worker"]},
            ],
        }
        document = {
            "name": name,
            "role": "lead" if name == "lead" else "teammate",
            "prompt": "Do it.",
            "harness": "claude-code",
            "sessionId": SESSION,
            **agent,
        }
        cwd = tmp_path / "work" / name
        cwd.mkdir(parents=True, exist_ok=True)
        return AgentContext(
            team=parse_team(json.dumps(roster)),
            agent=parse_agent(json.dumps(document)),
            team_dir=tmp_path / "team",
            home_dir=tmp_path / "home",
            work_dir=tmp_path / "work",
            cwd=cwd,
            environment={"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": KEY, **(environment or {})},
        )

    return make


@pytest.fixture
def fake_claude(tmp_path: Path) -> Callable[[str], str]:
    """Makes a shell script that answers ``--version`` and then runs the given lines; returns its path."""

    def make(lines: str, version: str = "2.1.329 (Claude Code)") -> str:
        path = tmp_path / "claude"
        path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{version}"; exit; fi\n{lines}\n')
        path.chmod(0o755)
        return str(path)

    return make
