"""What a forge's checks say of a request, in numbers: how many passed, failed, and have not ended.

Names and texts of checks are not kept: they are any program's words, and people read them at the forge.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["passing", "failing", "pending"]
State = Literal["passing", "failing", "pending", "none"]

PASSED: Final = frozenset({"success", "neutral", "skipped"})
"""How a GitHub check or a GitLab pipeline ends that holds nobody up."""


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one commit, counted."""

    passing: int = 0
    failing: int = 0
    pending: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.passing + self.failing + self.pending

    @property
    def state(self) -> State:
        """One word for all: one that failed decides, then one that has not ended."""
        if self.failing:
            return "failing"
        if self.pending:
            return "pending"
        return "passing" if self.passing else "none"

    def as_fields(self) -> dict[str, object]:
        """As the last words of a delivery have them."""
        counts = {"passing": self.passing, "failing": self.failing, "pending": self.pending}
        return {"state": self.state, **counts}


def counted(verdicts: Iterable[Verdict]) -> Checks:
    """So many of each."""
    found = list(verdicts)
    return Checks(found.count("passing"), found.count("failing"), found.count("pending"))
