"""How each step of a script is read, by its name."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from kagents_core.resultnames import AUTOMATIC, KEY_PATTERN, LONGEST_VALUE
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
from kagents_core.simulation.values import Values, WrongStepError, shown

MAX_FILES: Final = 100
MAX_OPTIONS: Final = 4
"""Options of a question, as the real tool takes them."""
_BRANCH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


def read_step(raw: Any) -> Step:
    """One step. Raises ``WrongStepError``."""
    if not isinstance(raw, dict) or len(raw) != 1:
        raise WrongStepError("a step is one name with its value, such as 'say: hello'")
    ((name, value),) = raw.items()
    reader = READERS.get(name)
    if reader is None:
        raise WrongStepError(f"there is no step {str(name)[:40]!r}; known are {', '.join(READERS)}")
    return reader(Values(str(name), value))


def _work(values: Values) -> Work:
    if not isinstance(values.value, dict):
        return Work(values.seconds("work", values.value), {})
    given = values.mapping("seconds", "write")
    files = given.get("write", {})
    if not isinstance(files, dict) or len(files) > MAX_FILES:
        raise WrongStepError(f"work.write is a mapping of at most {MAX_FILES} paths to contents")
    for path, content in files.items():
        parts = path.split("/") if isinstance(path, str) else [""]
        if any(part in ("", ".", "..", ".git") for part in parts) or "\0" in path:
            raise WrongStepError(
                f"work.write: {shown(path)} is not a relative path inside the working directory"
            )
        if not isinstance(content, str):
            raise WrongStepError(f"work.write: the content of {shown(path)} is a text, not {shown(content)}")
    return Work(values.seconds("work.seconds", given.get("seconds", 0)), files)


def _send(values: Values) -> Send:
    values.mapping("to", "text", "summary")
    to = values.agent("send.to", values.required("to"))
    return Send(to, values.required("text"), values.optional("summary"))


def _create_task(values: Values) -> CreateTask:
    values.mapping("subject", "description", "owner")
    return CreateTask(
        values.required("subject"), values.optional("description") or "", values.optional_agent("owner")
    )


def _claim(values: Values) -> Claim:
    subject = values.text()
    return Claim(None if subject == "any" else subject)


def _complete(values: Values) -> Complete:
    subject = values.text()
    return Complete(None if subject == "all" else subject)


def _wait(values: Values) -> Wait:
    given = values.mapping("mail_from", "task", "seconds", "ended")
    if not given:
        raise WrongStepError("wait needs mail_from, task, seconds or ended")
    ended = given.get("ended", [])
    names = [ended] if isinstance(ended, str) else ended
    if not isinstance(names, list):
        raise WrongStepError(f"wait.ended is the name of an agent or a list of names, not {shown(ended)}")
    task = given.get("task", False)
    if not isinstance(task, bool):
        raise WrongStepError(f"wait.task is true or false, not {shown(task)}")
    seconds = given.get("seconds")
    return Wait(
        mail_from=values.optional_agent("mail_from"),
        task=task,
        seconds=None if seconds is None else values.seconds("wait.seconds", seconds),
        ended=tuple(values.agent("wait.ended", name) for name in names),
    )


def _ask_permission(values: Values) -> AskPermission:
    if not isinstance(values.value, dict):
        return AskPermission("Bash", {"command": values.text()})
    given = values.mapping("tool", "input").get("input", {})
    if not isinstance(given, dict):
        raise WrongStepError(f"ask_permission.input is the tool's input, not {shown(given)}")
    return AskPermission(values.required("tool"), given)


def _ask_question(values: Values) -> AskQuestion:
    given = values.mapping("question", "options", "multiple")
    options, multiple = given.get("options"), given.get("multiple", False)
    if not isinstance(options, list) or not 2 <= len(options) <= MAX_OPTIONS:
        raise WrongStepError(f"ask_question.options is a list of 2 to {MAX_OPTIONS} texts")
    if not all(isinstance(option, str) and option.strip() for option in options):
        raise WrongStepError(f"ask_question.options is a list of texts, not {shown(options)}")
    if not isinstance(multiple, bool):
        raise WrongStepError(f"ask_question.multiple is true or false, not {shown(multiple)}")
    return AskQuestion(values.required("question"), tuple(options), multiple)


def _report(values: Values) -> Report:
    values.mapping("key", "value")
    key, value = values.required("key"), values.required("value")
    if not KEY_PATTERN.fullmatch(key) or key in AUTOMATIC:
        raise WrongStepError(
            f"report.key is a letter, then letters, digits, dashes and underscores, and none of "
            f"{', '.join(AUTOMATIC)}; not {shown(key)}"
        )
    if len(value) > LONGEST_VALUE:
        raise WrongStepError(f"report.value has at most {LONGEST_VALUE} characters")
    return Report(key, value)


def _fetch(values: Values) -> Fetch:
    if values.text() != "all":
        raise WrongStepError(f"fetch takes all, not {shown(values.value)}")
    return Fetch()


def _push(values: Values) -> Push:
    branch = values.text()
    if not _BRANCH.fullmatch(branch):
        raise WrongStepError(f"push is own or the name of a branch, not {shown(branch)}")
    return Push(None if branch == "own" else branch)


def _use(values: Values) -> Use:
    values.mapping("input", "output")
    return Use(values.count("input"), values.count("output"))


READERS: Final[Mapping[str, Callable[[Values], Step]]] = {
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
