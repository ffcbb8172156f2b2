"""Log lines of a container: one clean line each, flushed, so that ``logs -f`` shows it at once.

``KAGENTS_LOG_LEVEL`` says which are written. The journal that a recorder prints is no log and always whole.
"""

import os
from typing import Final, Literal

from kagents_core.safetext import clean

LINE_LIMIT = 4096

Level = Literal["debug", "info", "warn", "error"]

_LEVELS: Final = ("debug", "info", "warn", "error")


def loud(level: Level) -> bool:
    """Whether lines of this level are written; ``info`` and above where nothing else is said."""
    least = os.environ.get("KAGENTS_LOG_LEVEL", "info")
    return _LEVELS.index(level) >= (_LEVELS.index(least) if least in _LEVELS else 1)


def say(text: str, level: Level = "info") -> None:
    """Prints one line if lines of this level are wanted."""
    if loud(level):
        print(line(text, level), flush=True)  # noqa: T201 - a container's log is its stdout


def line(text: str, level: Level) -> str:
    """One line as ``KAGENTS_LOG_FORMAT`` wants it; what a terminal would obey is shown instead."""
    shown = clean(text, limit=LINE_LIMIT, multiline=False)
    if os.environ.get("KAGENTS_LOG_FORMAT") != "json":
        return shown
    import json  # every verb starts with this module, and few speak so
    from datetime import UTC, datetime

    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    name = "warning" if level == "warn" else level  # as the controller's lines have it
    return json.dumps({"ts": moment, "level": name, "logger": "kagents-runner", "msg": shown})
