"""A simulated agent asks; a person lists, reads and answers by the ``kagents`` command alone."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

KAGENTS = Path(sys.executable).with_name("kagents")
MANIFEST = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: asking, namespace: default}
spec:
  harness: simulated
  workspace: {output: {}}
  lead:
    prompt: Coordinate.
    script: |
      - wait: {ended: [worker, planner]}
      - finish: all was decided
  teammates:
    - name: worker
      prompt: Work.
      script: |
        - ask_permission: make deploy
        - ask_question: {question: Which colour?, options: [Red, Blue]}
        - shutdown: decided
    - name: planner
      prompt: Plan.
      script: |
        - submit_plan: "# Move the parser\\n1. tests\\n2. code\\n"
        - submit_plan: "# Only the tests\\n"
        - shutdown: decided
  lifecycle: {timeout: 5m}
  storage: {size: 10Mi}
"""

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("answering"), pytest.mark.timeout(300)]


class Person:
    """Runs the installed command against one engine."""

    def __init__(self, data: Path) -> None:
        unwanted = ("KUBECONFIG", "KAGENTS_DATA", "KAGENTS_CONFIG")
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

    def waiting(self, kind: str) -> list[dict[str, str]]:
        """What the list has of one kind."""
        listed = json.loads(self("attention", "-o", "json").stdout)
        return [each for each in listed if each["kind"] == kind]

    def one(self, kind: str) -> dict[str, str]:
        """The only one of a kind, once it is there."""
        deadline = time.monotonic() + 60
        while not (found := self.waiting(kind)):
            assert time.monotonic() < deadline, self("describe", "asking", code=None).stdout
            time.sleep(0.1)
        [only] = found
        return only

    def journal(self, *kinds: str) -> list[dict[str, str]]:
        """Entries of some kinds."""
        lines = self("tail", "asking", "-o", "json").stdout.splitlines()
        return [entry for entry in map(json.loads, lines) if entry["kind"] in kinds]


@pytest.fixture
def person(tmp_path):
    command = Person(tmp_path / "data")
    command("local", "up")
    yield command
    command("local", "down", code=None)


def test_what_agents_ask_is_answered_and_the_team_goes_on(person):
    person("apply", "-f", "-", stdin=MANIFEST)

    permission = person.one("permission")
    assert (permission["agent"], permission["what"]) == ("worker", "Bash: make deploy")
    assert "command: make deploy" in person("answer", "asking", "worker").stdout
    assert person("attention", "--exit-code", code=1).stdout.count("make deploy") == 1
    person("answer", "asking", permission["request"], "--deny", "--reason", "not on a Friday")
    again = person("answer", "asking", permission["request"], "--allow", code=None)
    assert again.returncode in (3, 4)  # the status may or may not show it any more; the hub never takes it

    question = person.one("question")
    assert "2 [ ] Blue" in person("answer", "asking", question["request"]).stdout
    assert (
        "asks 1 question; choices came for 0"
        in person("answer", "asking", "worker", "--allow", code=4).stderr
    )
    person("answer", "asking", "worker", "--choose", "2")

    plan = person.one("plan")
    assert plan["what"] == "Move the parser"
    person("answer", "asking", "planner", "--deny", "--reason", "smaller")
    deadline = time.monotonic() + 60
    while person.one("plan")["what"] != "Only the tests":
        assert time.monotonic() < deadline
    person("answer", "asking", "planner", "--allow", "--mode", "each")

    person("wait", "asking", "--for=Completed", "--timeout=120s")
    said = person("logs", "asking", "worker").stdout + person("logs", "asking", "planner").stdout
    for words in ("refused: not on a Friday", "answered: Blue", "plan rejected: smaller", "plan approved"):
        assert words in said
    answers = {(each["ask"], each["answer"], each["by"]) for each in person.journal("answer")}
    assert {each[:2] for each in answers} == {
        ("permission", "deny"),
        ("question", "allow"),
        ("plan", "deny"),
        ("plan", "allow"),
    }
    assert {each[2] for each in answers} == {"kagents-admin"}
    assert person("attention", "--exit-code").stdout == ""
