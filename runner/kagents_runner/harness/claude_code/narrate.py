"""Readable log lines of a running agent, from its transcript and its hooks, never from its screen."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kagents_core.safetext import clean
from kagents_core.teamfiles.transcript import Action, ReceivedMail, read_transcript
from kagents_runner.output import Level, loud
from kagents_runner.secret_values import hidden

_LINE_LIMIT = 400
_TOLD_BY_INPUT = ("description", "subject", "summary", "file_path", "command", "query", "url", "pattern")


class Narrator:
    """Turns what the agent did into single clean lines without secrets."""

    def __init__(self, write: Callable[[str, Level], None], secrets: Iterable[str]) -> None:
        self._write = write
        self._secrets = list(secrets)
        self._offset = 0

    def skip_to_end(self, transcript: Path) -> None:
        """Passes over what an earlier attempt has logged."""
        self._offset = transcript.stat().st_size

    def say(self, text: str, level: Level = "info") -> None:
        """Writes one line if lines of this level are wanted."""
        if loud(level):
            self._write(self.plain(text), level)

    def plain(self, text: str) -> str:
        """One clean line without secrets, of at most 400 characters."""
        text = hidden(text, self._secrets)
        return clean(" ".join(text.split()), limit=_LINE_LIMIT, multiline=False)

    def transcript(self, path: Path) -> None:
        """Tells what was added to the transcript since the last call. Raises ``OSError``."""
        batch = read_transcript(path, self._offset)
        self._offset = batch.offset
        told = [(mail.at, _mail(mail)) for mail in batch.received]
        told += [(action.at, _action(action)) for action in batch.actions]
        for _, text in sorted(told, key=lambda line: line[0]):
            self.say(text)

    def event(self, payload: Mapping[str, Any]) -> None:
        """Tells a hook payload, if the transcript does not tell the same."""
        match payload.get("hook_event_name"):
            case "SessionStart":
                self.say(
                    f"session {payload.get('source', 'started')}, model {payload.get('model', 'unknown')}"
                )
            case "Stop":
                self.say("turn ended")
            case "StopFailure":
                self.say(
                    f"turn failed: {payload.get('last_assistant_message') or payload.get('error')}", "error"
                )
            case "Notification":
                self.say(f"notification: {payload.get('message', '')}")
            case "SessionEnd":
                self.say("session ended")
            case other:
                self.say(f"hook {other} {payload.get('tool_name') or ''}".rstrip(), "debug")


def _mail(mail: ReceivedMail) -> str:
    return f"mail from {mail.sender}: {mail.summary or _protocol_type(mail.text) or mail.text}"


def _action(action: Action) -> str:
    if action.kind != "tool":
        return f"{action.kind}: {action.text}"
    given = _input(action.text)
    if action.tool == "SendMessage":
        return f"mail to {given.get('to', '?')}: {given.get('summary') or _short(given.get('message'))}"
    if action.tool in ("TaskUpdate", "TaskCreate"):
        changes = ", ".join(
            f"{name} {_short(value)}" for name, value in given.items() if name != "description"
        )
        return f"{action.tool}: {changes}"
    told = next((given[name] for name in _TOLD_BY_INPUT if given.get(name)), "")
    return f"{action.tool}: {_short(told)}" if told else str(action.tool)


def _input(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:  # cut to the limit of an action
        return {"command": text}
    return value if isinstance(value, dict) else {}


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _protocol_type(text: str) -> str | None:
    if not text.startswith('{"type":"'):
        return None
    return text[9:].partition('"')[0]
