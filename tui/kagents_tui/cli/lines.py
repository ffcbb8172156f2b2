"""One journal entry as one line for a person. Pure; nothing in the line commands a terminal."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kagents_core.safetext import clean
from kagents_core.wording import in_words
from kagents_tui.cli.tables import moment
from kagents_tui.rows.ages import clock

Entry = Mapping[str, Any]
_LINE: Final = 4_000


def entry_line(entry: Entry) -> str:
    """``14:02:11  message  lead -> researcher: Task 2 is yours.``"""
    kind = str(entry.get("kind"))
    say = _SAYERS.get(kind)
    words = say(entry) if say else _fields(entry)
    return clean(f"{clock(moment(entry.get('at')))}  {kind:<10}  {words}", limit=_LINE, multiline=False)


def _message(entry: Entry) -> str:
    kind = "" if entry.get("type") in ("message", None) else f" [{entry['type']}]"
    return f"{entry.get('from')} -> {entry.get('to')}{kind}: {in_words(entry)}"


def _task(entry: Entry) -> str:
    task = entry.get("task")
    if not isinstance(task, Mapping):
        return f"{entry.get('id')} deleted"
    owner = f" ({task['owner']})" if task.get("owner") else ""
    return f"{entry.get('id')} {task.get('status')}{owner}: {task.get('subject')}"


def _activity(entry: Entry) -> str:
    detail = f": {entry['detail']}" if entry.get("detail") else ""
    mark = " [simulated]" if entry.get("simulated") else ""
    return f"{entry.get('agent')} {entry.get('state')}{detail}{mark}"


def _usage(entry: Entry) -> str:
    micros = entry.get("costMicros")
    cost = f"${micros / 1_000_000:.4f}" if isinstance(micros, int) else "?"
    mark = " (estimated)" if entry.get("estimated") else ""
    return f"{entry.get('agent')} {entry.get('model')} {cost}{mark}"


def _request(entry: Entry) -> str:
    known = ("seq", "at", "kind", "agent", "request", "id")
    more = " ".join(f"{name}={value}" for name, value in entry.items() if name not in known)
    return f"{entry.get('agent')} asks to {entry.get('request')} {more}".rstrip()


def _phase(entry: Entry) -> str:
    message = f": {entry['message']}" if entry.get("message") else ""
    return f"{entry.get('phase')}{message}"


def _artifact(entry: Entry) -> str:
    kept = f"kept, {entry.get('size')} bytes, sha256 {entry.get('sha256')}"
    told = f"missing: {entry['problem']}" if entry.get("problem") else kept
    return f"{entry.get('agent')}/{entry.get('name')} ({entry.get('path')}) {told}"


def _fields(entry: Entry) -> str:
    return " ".join(f"{name}={value}" for name, value in entry.items() if name not in ("seq", "at", "kind"))


_SAYERS: Final[dict[str, Callable[[Entry], str]]] = {
    "message": _message,
    "delivery": lambda entry: f"{entry.get('id')} left its mailbox",
    "seen": lambda entry: f"{entry.get('id')} was seen",
    "resent": lambda entry: f"{entry.get('id')} was put back for {entry.get('agent')}",
    "task": _task,
    "activity": _activity,
    "usage": _usage,
    "request": _request,
    "phase": _phase,
    "artifact": _artifact,
    "gate": lambda entry: f"{entry.get('event')} {entry.get('state')}",
    "malformed": lambda entry: f"{entry.get('source')}: {entry.get('reason')}: {entry.get('excerpt')}",
}
