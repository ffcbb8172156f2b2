"""Which paths of its working directory an agent may change: its ``scope``, judged by name alone.

An entry is a file, a folder (with everything below it), or a pattern in which ``*`` stands for anything but
a slash and ``**`` for anything. Without ``includePaths`` all is allowed that ``excludePaths`` does not name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

REPOSITORY: Final = "the repository"
FOLDER: Final = "your working directory"


@dataclass(frozen=True, slots=True)
class Scope:
    """The paths of one agent."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    on_violation: str = "report"
    """What happens to changes outside: ``report``, ``revert`` or ``fail``."""

    def allows(self, path: str) -> bool:
        """Whether the agent may change this path, given relative to the root of the repository."""
        if any(_matches(entry, path) for entry in self.exclude):
            return False
        return not self.include or any(_matches(entry, path) for entry in self.include)

    def violations(self, paths: Iterable[str]) -> list[str]:
        """Those that it may not change, in their order."""
        return [path for path in paths if not self.allows(path)]

    def words(self, place: str = REPOSITORY) -> str:
        """The scope in a sentence for the agent."""
        parts = []
        if self.include:
            parts.append(f"Change only these paths of {place}: {', '.join(self.include)}.")
        if self.exclude:
            parts.append(f"Leave these paths alone: {', '.join(self.exclude)}.")
        return " ".join(parts)


def _matches(entry: str, path: str) -> bool:
    return _pattern(entry).fullmatch(path) is not None


@lru_cache(maxsize=1024)
def _pattern(entry: str) -> re.Pattern[str]:
    text = entry.removeprefix("./").strip("/")
    parts = re.split(r"(\*\*/?|\*)", text)
    translated = "".join(
        r"(?:.*/)?"
        if part == "**/"
        else ".*"
        if part == "**"
        else "[^/]*"
        if part == "*"
        else re.escape(part)
        for part in parts
    )
    return re.compile(translated + r"(?:/.*)?", re.DOTALL)
