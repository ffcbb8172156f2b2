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

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.resultnames import AUTOMATIC, KEY_PATTERN, LONGEST_VALUE

SCRIPT_LIMIT: Final = 30_000
"""Characters of a script."""
STEP_LIMIT: Final = 1_000
MAX_SECONDS: Final = 24 * 3600.0
MAX_TOKENS: Final = 1_000_000_000
MAX_FILES: Final = 100
MAX_OPTIONS: Final = 4
"""Options of a question, as the real tool takes them."""
_AGENT: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

_BRANCH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")

WaitFor = Literal["mail_from", "task", "seconds", "ended"]


class ScriptError(ValueError):
    """A script that cannot be played; ``problems`` holds one sentence for each wrong step."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Say:
    """Print a log line."""

    text: str


@dataclass(frozen=True, slots=True)
class Work:
    """Be busy for a while, then leave files (relative path to content)."""

    seconds: float
    write: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to another agent, or to ``team-lead``."""

    to: str
    text: str
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTask:
    """Create a task, and assign it when an owner is named."""

    subject: str
    description: str = ""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Take a task: one's own first, else the first open one; or the one with this subject."""

    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """Complete one's tasks in progress, or only the one with this subject."""

    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """End the turn until something happens; several conditions of one step need only one to hold."""

    mail_from: str | None = None
    task: bool = False
    seconds: float | None = None
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch all branches of the team's repository."""


@dataclass(frozen=True, slots=True)
class Push:
    """Push what is committed to one's own branch, or to the one of this name; a refusal ends nothing."""

    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Report a result."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Ask the recorder to end a teammate."""

    teammate: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Say that the team's work is done."""

    summary: str


@dataclass(frozen=True, slots=True)
class Fail:
    """End as a failure with this sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End well, without being asked."""

    reason: str


@dataclass(frozen=True, slots=True)
class Use:
    """Use tokens, so that there is a cost to see."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class AskPermission:
    """Ask a person to allow a tool call, and wait for the answer; a refusal ends nothing."""

    tool: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SubmitPlan:
    """Submit a plan, end the turn, and wait until a person has approved or rejected it."""

    plan: str


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """Ask a person a question with options, and wait for the answer."""

    question: str
    options: tuple[str, ...]
    multiple: bool = False


Step = (
    Say
    | Work
    | Send
    | CreateTask
    | Claim
    | Complete
    | Wait
    | Fetch
    | Push
    | Report
    | Dismiss
    | Finish
    | Fail
    | Shutdown
    | Use
    | AskPermission
    | SubmitPlan
    | AskQuestion
)


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
            steps.append(_step(raw))
        except _WrongStepError as wrong:
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


class _WrongStepError(ValueError):
    pass


def _step(raw: Any) -> Step:
    if not isinstance(raw, dict) or len(raw) != 1:
        raise _WrongStepError("a step is one name with its value, such as 'say: hello'")
    ((name, value),) = raw.items()
    reader = _READERS.get(name)
    if reader is None:
        raise _WrongStepError(f"there is no step {str(name)[:40]!r}; known are {', '.join(_READERS)}")
    return reader(_Values(str(name), value))


class _Values:
    """Typed access to a step's value, which may be a single value or a mapping."""

    def __init__(self, step: str, value: Any) -> None:
        self.step = step
        self.value = value

    def text(self) -> str:
        """The value as a text that is not empty."""
        return self._text(self.step, self.value)

    def mapping(self, *known: str) -> Mapping[str, Any]:
        """The value as a mapping with known names only."""
        if not isinstance(self.value, dict):
            raise _WrongStepError(f"{self.step} takes {', '.join(known)}, not {_shown(self.value)}")
        for name in self.value:
            if name not in known:
                raise _WrongStepError(f"{self.step} has no {str(name)[:40]!r}; it takes {', '.join(known)}")
        return self.value

    def required(self, name: str) -> str:
        """A text of the mapping."""
        if name not in self.value:
            raise _WrongStepError(f"{self.step} needs {name}")
        return self._text(f"{self.step}.{name}", self.value[name])

    def optional(self, name: str) -> str | None:
        """A text of the mapping, or None."""
        return self._text(f"{self.step}.{name}", self.value[name]) if name in self.value else None

    def agent(self, name: str, value: Any) -> str:
        """The name of an agent."""
        if not isinstance(value, str) or not _AGENT.fullmatch(value):
            raise _WrongStepError(f"{name} is the name of an agent, not {_shown(value)}")
        return value

    def optional_agent(self, name: str) -> str | None:
        """The name of an agent in the mapping, or None."""
        return self.agent(f"{self.step}.{name}", self.value[name]) if name in self.value else None

    def seconds(self, name: str, value: Any) -> float:
        """A duration in seconds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
            raise _WrongStepError(
                f"{name} is a number of seconds up to {MAX_SECONDS:.0f}, not {_shown(value)}"
            )
        return float(value)

    def count(self, name: str) -> int:
        """A number of tokens."""
        value = self.value.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKENS:
            raise _WrongStepError(f"{self.step}.{name} is a whole number of tokens, not {_shown(value)}")
        return value

    @staticmethod
    def _text(name: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise _WrongStepError(f"{name} is a text that is not empty, not {_shown(value)}")
        return value


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _work(values: _Values) -> Work:
    if not isinstance(values.value, dict):
        return Work(values.seconds("work", values.value), {})
    given = values.mapping("seconds", "write")
    files = given.get("write", {})
    if not isinstance(files, dict) or len(files) > MAX_FILES:
        raise _WrongStepError(f"work.write is a mapping of at most {MAX_FILES} paths to contents")
    for path, content in files.items():
        parts = path.split("/") if isinstance(path, str) else [""]
        if any(part in ("", ".", "..", ".git") for part in parts) or "\0" in path:
            raise _WrongStepError(
                f"work.write: {_shown(path)} is not a relative path inside the working directory"
            )
        if not isinstance(content, str):
            raise _WrongStepError(
                f"work.write: the content of {_shown(path)} is a text, not {_shown(content)}"
            )
    return Work(values.seconds("work.seconds", given.get("seconds", 0)), files)


def _send(values: _Values) -> Send:
    values.mapping("to", "text", "summary")
    to = values.agent("send.to", values.required("to"))
    return Send(to, values.required("text"), values.optional("summary"))


def _create_task(values: _Values) -> CreateTask:
    values.mapping("subject", "description", "owner")
    return CreateTask(
        values.required("subject"), values.optional("description") or "", values.optional_agent("owner")
    )


def _claim(values: _Values) -> Claim:
    subject = values.text()
    return Claim(None if subject == "any" else subject)


def _complete(values: _Values) -> Complete:
    subject = values.text()
    return Complete(None if subject == "all" else subject)


def _wait(values: _Values) -> Wait:
    given = values.mapping("mail_from", "task", "seconds", "ended")
    if not given:
        raise _WrongStepError("wait needs mail_from, task, seconds or ended")
    ended = given.get("ended", [])
    names = [ended] if isinstance(ended, str) else ended
    if not isinstance(names, list):
        raise _WrongStepError(f"wait.ended is the name of an agent or a list of names, not {_shown(ended)}")
    task = given.get("task", False)
    if not isinstance(task, bool):
        raise _WrongStepError(f"wait.task is true or false, not {_shown(task)}")
    seconds = given.get("seconds")
    return Wait(
        mail_from=values.optional_agent("mail_from"),
        task=task,
        seconds=None if seconds is None else values.seconds("wait.seconds", seconds),
        ended=tuple(values.agent("wait.ended", name) for name in names),
    )


def _ask_permission(values: _Values) -> AskPermission:
    if not isinstance(values.value, dict):
        return AskPermission("Bash", {"command": values.text()})
    given = values.mapping("tool", "input").get("input", {})
    if not isinstance(given, dict):
        raise _WrongStepError(f"ask_permission.input is the tool's input, not {_shown(given)}")
    return AskPermission(values.required("tool"), given)


def _ask_question(values: _Values) -> AskQuestion:
    given = values.mapping("question", "options", "multiple")
    options, multiple = given.get("options"), given.get("multiple", False)
    if not isinstance(options, list) or not 2 <= len(options) <= MAX_OPTIONS:
        raise _WrongStepError(f"ask_question.options is a list of 2 to {MAX_OPTIONS} texts")
    if not all(isinstance(option, str) and option.strip() for option in options):
        raise _WrongStepError(f"ask_question.options is a list of texts, not {_shown(options)}")
    if not isinstance(multiple, bool):
        raise _WrongStepError(f"ask_question.multiple is true or false, not {_shown(multiple)}")
    return AskQuestion(values.required("question"), tuple(options), multiple)


def _report(values: _Values) -> Report:
    values.mapping("key", "value")
    key, value = values.required("key"), values.required("value")
    if not KEY_PATTERN.fullmatch(key) or key in AUTOMATIC:
        raise _WrongStepError(
            f"report.key is a letter, then letters, digits, dashes and underscores, and none of "
            f"{', '.join(AUTOMATIC)}; not {_shown(key)}"
        )
    if len(value) > LONGEST_VALUE:
        raise _WrongStepError(f"report.value has at most {LONGEST_VALUE} characters")
    return Report(key, value)


def _fetch(values: _Values) -> Fetch:
    if values.text() != "all":
        raise _WrongStepError(f"fetch takes all, not {_shown(values.value)}")
    return Fetch()


def _push(values: _Values) -> Push:
    branch = values.text()
    if not _BRANCH.fullmatch(branch):
        raise _WrongStepError(f"push is own or the name of a branch, not {_shown(branch)}")
    return Push(None if branch == "own" else branch)


def _use(values: _Values) -> Use:
    values.mapping("input", "output")
    return Use(values.count("input"), values.count("output"))


_READERS: Final[Mapping[str, Callable[[_Values], Step]]] = {
    "say": lambda values: Say(values.text()),
    "work": _work,
    "send": _send,
    "create_task": _create_task,
    "claim": _claim,
    "complete": _complete,
    "wait": _wait,
    "fetch": _fetch,
    "push": _push,
    "report": _report,
    "dismiss": lambda values: Dismiss(values.agent("dismiss", values.value)),
    "finish": lambda values: Finish(values.text()),
    "fail": lambda values: Fail(values.text()),
    "shutdown": lambda values: Shutdown(values.text()),
    "use": _use,
    "ask_permission": _ask_permission,
    "submit_plan": lambda values: SubmitPlan(values.text()),
    "ask_question": _ask_question,
}
