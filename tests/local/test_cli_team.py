"""A team from apply to delete by the ``kagents`` command alone, on an embedded engine of its own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

KAGENTS = Path(sys.executable).with_name("kagents")
NAMESPACE = "cowork-agents"
MANIFEST = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: %s}
spec:
  harness: simulated
  workspace: {output: {}}
  lead: {prompt: Coordinate.}
  teammates:
    - {name: researcher, prompt: Research.}
    - {name: email-drafter, prompt: Draft.}
  lifecycle: {timeout: 5m, approvalGates: [{event: spawn-email-drafter}]}
  storage: {size: 10Mi}
"""

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("cli-engine"), pytest.mark.timeout(300)]


class Command:
    """Runs the installed command against one engine."""

    def __init__(self, data: Path) -> None:
        unwanted = ("KUBECONFIG", "KAGENTS_DATA")
        self._environment = {key: value for key, value in os.environ.items() if key not in unwanted}
        self._environment |= {"KAGENTS_DATA": str(data), "HOME": str(data.parent)}

    def __call__(
        self, *arguments: str, stdin: str = "", code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [KAGENTS, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=120,
        )
        assert code is None or ran.returncode == code, (
            f"{arguments}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        )
        assert "Traceback" not in ran.stderr
        return ran

    def json(self, *arguments: str):
        return json.loads(self(*arguments, "-o", "json").stdout)

    def journal(self, team: str) -> list[dict]:
        return [
            json.loads(line) for line in self("tail", team, "-n", NAMESPACE, "-o", "json").stdout.splitlines()
        ]


@pytest.fixture(scope="module")
def kagents(tmp_path_factory):
    data = tmp_path_factory.mktemp("cli") / "data"
    command = Command(data)
    command("local", "up")
    yield command
    command("local", "down", code=None)


def until(condition, seconds=60.0):
    """The first true answer; asks often, and gives up after some time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
    return answer


def apply(kagents, name):
    manifest = MANIFEST % name
    return kagents("apply", "-f", "-", "-n", NAMESPACE, "--create-namespace", stdin=manifest)


def test_a_team_from_apply_to_delete(kagents):
    assert "created" in apply(kagents, "q3-report").stdout
    assert "unchanged" in apply(kagents, "q3-report").stdout
    kagents("wait", "q3-report", "-n", NAMESPACE, "--for=gate", "--timeout=60s")
    gates = kagents.json("get", "gates", "q3-report", "-n", NAMESPACE)
    assert [(gate["event"], gate["state"]) for gate in gates] == [("spawn-email-drafter", "waiting")]
    heading, row = kagents("get", "teams", "-A").stdout.splitlines()
    assert heading.split()[:5] == ["NAMESPACE", "NAME", "PHASE", "READY", "TASKS"]
    assert row.split()[:2] == [NAMESPACE, "q3-report"]

    until(lambda: kagents("tail", "q3-report", "-n", NAMESPACE, code=None).returncode == 0)
    sent = kagents("send", "q3-report", "lead", "-n", NAMESPACE, stdin="Use the numbers of Monday.").stdout
    identity = sent.split()[-2]
    mail = until(lambda: [each for each in kagents.journal("q3-report") if each.get("id") == identity])
    assert (mail[0]["from"], mail[0]["to"], mail[0]["text"]) == (
        "team-lead",
        "lead",
        "Use the numbers of Monday.",
    )

    kagents("approve", "q3-report", "-n", NAMESPACE)
    again = kagents("deny", "q3-report", "spawn-email-drafter", "-n", NAMESPACE, code=4)
    assert "was approved before" in again.stderr
    kagents("wait", "q3-report", "-n", NAMESPACE, "--for=Completed", "--timeout=120s")

    until(lambda: kagents.journal("q3-report")[-1]["kind"] == "phase", 30)
    journal = kagents.journal("q3-report")
    assert [entry["seq"] for entry in journal] == list(range(1, len(journal) + 1))
    messages = [entry["id"] for entry in journal if entry["kind"] == "message"]
    assert len(messages) == len(set(messages))
    rows = kagents.json("get", "mail", "q3-report", "-n", NAMESPACE)
    assert sorted(each["id"] for each in rows) == sorted(messages)
    agents = kagents.json("get", "agents", "q3-report", "-n", NAMESPACE)
    assert {agent["phase"] for agent in agents} == {"Completed"}
    assert "Completed" in kagents("describe", "q3-report", "-n", NAMESPACE).stdout
    assert kagents("logs", "q3-report", "lead", "-n", NAMESPACE).stdout
    assert kagents("get", "events", "q3-report", "-n", NAMESPACE).stdout

    refused = kagents("delete", "q3-report", "-n", NAMESPACE, code=4)
    assert "--yes" in refused.stderr
    kagents("delete", "q3-report", "-n", NAMESPACE, "--yes")
    kagents("wait", "q3-report", "-n", NAMESPACE, "--for=delete", "--timeout=30s")
    kagents("get", "team", "q3-report", "-n", NAMESPACE, code=3)


def test_suspend_resume_and_kill(kagents):
    apply(kagents, "stopped")
    kagents("wait", "stopped", "-n", NAMESPACE, "--for=gate", "--timeout=60s")
    kagents("suspend", "stopped", "-n", NAMESPACE)
    kagents("wait", "stopped", "-n", NAMESPACE, "--for=Suspended", "--timeout=60s")
    kagents("resume", "stopped", "-n", NAMESPACE)
    kagents("wait", "stopped", "-n", NAMESPACE, "--for=Running", "--timeout=60s")
    kagents("kill", "stopped", "-n", NAMESPACE, "--yes")
    kagents("wait", "stopped", "-n", NAMESPACE, "--for=Cancelled", "--timeout=60s")
    ended = kagents("wait", "stopped", "-n", NAMESPACE, "--for=Completed", "--timeout=60s", code=1)
    assert "ended as Cancelled" in ended.stderr
    kagents("resume", "stopped", "-n", NAMESPACE, code=4)


def test_following_ends_with_the_team(kagents):
    manifest = (MANIFEST % "followed").replace(
        "approvalGates: [{event: spawn-email-drafter}]", "maxRestarts: 0"
    )
    kagents("apply", "-f", "-", "-n", NAMESPACE, "--create-namespace", stdin=manifest)
    lines = kagents("tail", "followed", "-n", NAMESPACE, "-f", "-o", "json").stdout.splitlines()
    numbers = [json.loads(line)["seq"] for line in lines]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
    kagents("wait", "followed", "-n", NAMESPACE, "--timeout=60s")
