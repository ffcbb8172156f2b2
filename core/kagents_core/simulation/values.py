"""Typed access to what a script says of a step; whatever is wrong is one sentence that names it."""

import re
from collections.abc import Mapping
from typing import Any, Final

MAX_SECONDS: Final = 24 * 3600.0
MAX_TOKENS: Final = 1_000_000_000
_AGENT: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class WrongStepError(ValueError):
    """A step that cannot be played."""


class Values:
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
            raise WrongStepError(f"{self.step} takes {', '.join(known)}, not {shown(self.value)}")
        for name in self.value:
            if name not in known:
                raise WrongStepError(f"{self.step} has no {str(name)[:40]!r}; it takes {', '.join(known)}")
        return self.value

    def required(self, name: str) -> str:
        """A text of the mapping."""
        if name not in self.value:
            raise WrongStepError(f"{self.step} needs {name}")
        return self._text(f"{self.step}.{name}", self.value[name])

    def optional(self, name: str) -> str | None:
        """A text of the mapping, or None."""
        return self._text(f"{self.step}.{name}", self.value[name]) if name in self.value else None

    def agent(self, name: str, value: Any) -> str:
        """The name of an agent."""
        if not isinstance(value, str) or not _AGENT.fullmatch(value):
            raise WrongStepError(f"{name} is the name of an agent, not {shown(value)}")
        return value

    def optional_agent(self, name: str) -> str | None:
        """The name of an agent in the mapping, or None."""
        return self.agent(f"{self.step}.{name}", self.value[name]) if name in self.value else None

    def seconds(self, name: str, value: Any) -> float:
        """A duration in seconds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
            raise WrongStepError(f"{name} is a number of seconds up to {MAX_SECONDS:.0f}, not {shown(value)}")
        return float(value)

    def count(self, name: str) -> int:
        """A number of tokens."""
        value = self.value.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKENS:
            raise WrongStepError(f"{self.step}.{name} is a whole number of tokens, not {shown(value)}")
        return value

    @staticmethod
    def _text(name: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise WrongStepError(f"{name} is a text that is not empty, not {shown(value)}")
        return value


def shown(value: Any) -> str:
    """A value as a sentence names it."""
    return repr(value)[:60]
