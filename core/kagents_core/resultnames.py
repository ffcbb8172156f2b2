"""Results that agents report, and their names in prompts: ``{{ results.AGENT.KEY }}``."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

KEY_PATTERN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
AUTOMATIC: Final = ("branch", "commit", "filesChanged")
"""Keys that kagents itself reports when an agent of a coding team ends."""

MOST_KEYS: Final = 50
"""Results of one agent."""
LONGEST_VALUE: Final = 4_000
"""Characters of one result."""

_NAMED: Final = re.compile(r"\{\{\s*(results\.[^{}]*?)\s*\}\}")
_PARTS: Final = re.compile(rf"results\.([a-z0-9][a-z0-9-]*)\.({KEY_PATTERN.pattern})")


class NotAReferenceError(ValueError):
    """A text in double braces begins like the name of a result and is none; ``str()`` is that text."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A result that a prompt names."""

    agent: str
    key: str

    def __str__(self) -> str:
        return f"results.{self.agent}.{self.key}"


def references(prompt: str) -> list[Reference]:
    """The results that a prompt names, in their order. Raises ``NotAReferenceError``."""
    return [_reference(found[1]) for found in _NAMED.finditer(prompt)]


def filled(prompt: str, value: Callable[[Reference], str]) -> str:
    """The prompt with each name replaced by its value. Raises ``NotAReferenceError``."""
    return _NAMED.sub(lambda found: value(_reference(found[1])), prompt)


def _reference(text: str) -> Reference:
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise NotAReferenceError(text)
    return Reference(parts[1], parts[2])
