"""The lines of one agent's log: its turns, its mail, its tasks, what became of it. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_tui.journal_view import Happening, Mail, Task
from kagents_tui.rows.ages import clock
from kagents_tui.rows.cells import Tone
from kagents_tui.rows.fields import line
from kagents_tui.turns import Turn

LINE_LIMIT: Final = 2_000
LABEL: Final = 9
"""Cells of a label."""

RESULT_LINES: Final = 3
"""Lines of a tool's result that the log shows; the transcript shows all."""

_TOLD_BY: Final = (
    "description",
    "command",
    "file_path",
    "pattern",
    "query",
    "url",
    "subject",
    "prompt",
    "summary",
)
_TONES: Final[dict[str, Tone]] = {
    "said": "strong",
    "thought": "dim",
    "tool": "accent",
    "error": "bad",
    "prompt": "warn",
}
_TOLD_BY_JOURNAL: Final = ("SendMessage", "TaskCreate", "TaskUpdate")
_TOLD_BY_MAIL: Final = re.compile(r"mail (from|to) ")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. ``anchor`` names what begins here, for keys that jump."""

    at: datetime | None
    label: SafeText
    text: SafeText
    tone: Tone = "plain"
    anchor: str = ""


def told_elsewhere(turn: Turn, calls: set[str]) -> bool:
    """Whether the journal tells of it better: mail, tasks. ``calls`` remembers whose results to leave out."""
    if turn.what == "tool" and turn.name in _TOLD_BY_JOURNAL:
        calls.add(turn.call)
        return True
    return turn.what == "result" and turn.call in calls and bool(turn.call) and not turn.failed


def turn_lines(turn: Turn) -> Iterator[LogLine]:
    """A turn in the log: short. Mail and messages are told by the journal, with their ways."""
    if turn.what in ("mail", "thought"):
        return
    tone: Tone = "bad" if turn.failed else _TONES.get(turn.what, "dim" if turn.what == "result" else "plain")
    label = line("failed" if turn.failed else turn.what)
    texts = [call_words(turn)] if turn.what == "tool" else _lines(turn.text)
    most = RESULT_LINES if turn.what == "result" else 40
    for text in texts[:most]:
        yield LogLine(turn.at, label, line(text, LINE_LIMIT), tone)
        label = line("")
    if len(texts) > most:
        yield LogLine(turn.at, line(""), line(f"({len(texts) - most} more lines: in the transcript)"), "dim")


def whole_turn(turn: Turn) -> Iterator[LogLine]:
    """A turn in the transcript: all of it, under a heading."""
    what = {"tool": f"calls {turn.name}", "mail": f"mail from {turn.name}"}.get(turn.what, str(turn.what))
    tone: Tone = "bad" if turn.failed else _TONES.get(turn.what, "plain")
    yield LogLine(turn.at, line(""), line(f"-- {what}{' (failed)' if turn.failed else ''}"), "accent", "turn")
    for text in _lines(_indented(turn.text) if turn.what == "tool" else turn.text):
        yield LogLine(turn.at, line(""), line(text, 8192), "plain" if tone == "warn" else tone)
    if turn.cut:
        yield LogLine(turn.at, line(""), line("the text was longer"), "warn")


def turn_text(turn: Turn) -> SafeText:
    """A turn as text for a command's output."""
    head, *rest = list(whole_turn(turn))
    body = "".join(f"\n  {each.text}" for each in rest)
    return clean(f"{clock(turn.at)}  {head.text.removeprefix('-- ')}{body}", limit=200_000)


def call_words(turn: Turn) -> str:
    """``Bash: run the tests``."""
    given = _object(turn.text)
    told = next((given[name] for name in _TOLD_BY if isinstance(given.get(name), str) and given[name]), "")
    rest = told or (turn.text if turn.text not in ("{}", "null") else "")
    return f"{turn.name}: {' '.join(rest.split())}" if rest else str(turn.name)


def mail_line(mail: Mail, agent: str) -> LogLine | None:
    """A message that the agent wrote or was written."""
    words = mail.summary or " ".join(mail.text.split())
    kind = f"[{mail.kind}] " if words.startswith("{") else ""  # a protocol message without a wording
    if mail.sender == agent:
        return LogLine(mail.written, line("mail out"), line(f"to {mail.receiver}: {kind}{words}"), "good")
    if mail.receiver == agent:
        return LogLine(mail.written, line("mail in"), line(f"from {mail.sender}: {kind}{words}"), "good")
    return None


def task_lines(task: Task, agent: str) -> Iterator[LogLine]:
    """The changes of a task that was the agent's at the time, or became somebody else's."""
    before = ""
    for change in task.history:
        if agent in (change.owner, before):
            owner = f", now {change.owner or 'nobody'}'s" if change.owner != agent else ""
            status = change.status.replace("_", " ")
            yield LogLine(
                change.at, line("task"), line(f"#{task.number} {status}{owner}: {task.subject}"), "accent"
            )
        before = change.owner


def happening_line(happening: Happening, agent: str) -> LogLine | None:
    """What the team's timeline tells of the agent."""
    if happening.what.startswith("task ") or not re.search(
        rf"(?<![\w-]){re.escape(agent)}(?![\w-])", happening.what
    ):
        return None
    tones: dict[str, Tone] = {"good": "good", "warn": "warn", "bad": "bad"}
    return LogLine(happening.at, line("team"), happening.what, tones.get(happening.tone, "plain"))


def of_container(shown: LogLine) -> LogLine | None:
    """A line of the container's log among the others; None for what the journal tells better."""
    return None if _TOLD_BY_MAIL.match(shown.text) else replace(shown, label=line("log"))


def _lines(text: str) -> list[str]:
    return [each for each in text.expandtabs(4).split("\n") if each.strip()]


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _indented(text: str) -> str:
    """A call's input with one field a line, long texts in full."""
    given = _object(text)
    if not given:
        return text
    shown = []
    for name, value in given.items():
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown.append(f"{name}: {words}")
    return "\n".join(shown)
