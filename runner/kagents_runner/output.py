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
        put(text)


def put(text: str) -> None:
    """Prints one line; characters that a terminal would obey are shown instead."""
    print(clean(text, limit=LINE_LIMIT, multiline=False), flush=True)  # noqa: T201 - a container's log is its stdout
