"""Scripts of simulated agents: a small YAML list of steps, checked completely before anything runs.

```yaml
- say: reading the repository
- work: {seconds: 3, write: {notes.md: "what I found"}}
- create_task: {subject: Write the parser, owner: backend}
- claim: any
- send: {to: lead, summary: done, text: The parser is written.}
- complete: all
- wait: {mail_from: lead}
- use: {input: 12000, output: 800}
- ask_permission: make deploy
- submit_plan: "# Move the parser\n1. tests\n2. code\n"
- ask_question: {question: Which colour?, options: [Red, Blue]}
- fetch: all
- push: own
- report: {key: coverage, value: 93%}
- dismiss: backend
- finish: everything is done
- fail: the disk is on fire
- shutdown: I have nothing left to do
```
"""

from collections.abc import Collection, Iterable
from typing import Final

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.simulation.reading import read_step
from kagents_core.simulation.steps import (
    AskPermission,
    AskQuestion,
    Claim,
    Complete,
    CreateTask,
    Dismiss,
    Fail,
    Fetch,
    Finish,
    Push,
    Report,
    Say,
    Send,
    Shutdown,
    Step,
    SubmitPlan,
    Use,
    Wait,
    Work,
)
from kagents_core.simulation.values import WrongStepError

SCRIPT_LIMIT: Final = 30_000
"""Characters of a script."""
STEP_LIMIT: Final = 1_000


class ScriptError(ValueError):
    """A script that cannot be played; ``problems`` holds one sentence for each wrong step."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def parse_script(text: str) -> tuple[Step, ...]:
    """The steps of a script. Raises ``ScriptError`` with every problem, each naming its step."""
    steps, problems = _read(text)
    if problems:
        raise ScriptError(problems)
    return tuple(steps)


def check_script(text: str) -> list[str]:
    """What is wrong with a script, one sentence each; empty when it can be played."""
    return _read(text)[1]


def _read(text: str) -> tuple[list[Step], list[str]]:
    if len(text) > SCRIPT_LIMIT:
        return [], [f"a script has at most {SCRIPT_LIMIT} characters, not {len(text)}"]
    # Only agents with a script need YAML; the others start sooner without it.
    from kagents_core.api.manifests import ManifestError, read_yaml

    try:
        documents = read_yaml(text, "script")
    except ManifestError as error:
        return [], [str(error)]
    if len(documents) != 1 or not isinstance(documents[0], list) or not documents[0]:
        return [], ["a script is a list of steps, such as '- say: hello'"]
    if len(documents[0]) > STEP_LIMIT:
        return [], [f"a script has at most {STEP_LIMIT} steps, not {len(documents[0])}"]
    steps: list[Step] = []
    problems: list[str] = []
    for number, raw in enumerate(documents[0], 1):
        try:
            steps.append(read_step(raw))
        except WrongStepError as wrong:
            problems.append(f"step {number}: {wrong}")
    return steps, problems


def unknown_agents(steps: Iterable[Step], known: Collection[str]) -> list[str]:
    """What is wrong with a script in a team of ``known`` agents: one sentence for each other name."""
    return [
        f"step {number}: there is no agent {name!r} in this team"
        for number, step in enumerate(steps, 1)
        for name in _named(step)
        if name not in known
    ]


def _named(step: Step) -> list[str]:
    """The agents that a step needs; ``team-lead``, kagents itself, takes part in mail only."""
    match step:
        case Send(to=name):
            return [name] if name != TEAM_LEAD else []
        case Wait(mail_from=sender, ended=ended):
            return [*ended, *([sender] if sender and sender != TEAM_LEAD else [])]
        case CreateTask(owner=str() as name) | Dismiss(teammate=name):
            return [name]
    return []


__all__ = [
    "SCRIPT_LIMIT",
    "STEP_LIMIT",
    "AskPermission",
    "AskQuestion",
    "Claim",
    "Complete",
    "CreateTask",
    "Dismiss",
    "Fail",
    "Fetch",
    "Finish",
    "Push",
    "Report",
    "Say",
    "ScriptError",
    "Send",
    "Shutdown",
    "Step",
    "SubmitPlan",
    "Use",
    "Wait",
    "Work",
    "check_script",
    "parse_script",
    "unknown_agents",
]
