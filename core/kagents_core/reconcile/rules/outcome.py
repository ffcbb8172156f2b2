"""What a delivery says of itself: the termination message of its pod, read with the caution it deserves."""

import json
from dataclasses import dataclass
from typing import Any

from kagents_core.api.status import PullRequestStatus
from kagents_core.safetext import clean

_LIMIT = 512
_MOST_WARNINGS = 50


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the team's work."""

    branch: str | None = None
    commit: str | None = None
    pull_request: PullRequestStatus | None = None
    warnings: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """It in words."""
        if self.pull_request:
            told = f"pull request {self.pull_request.url}"
        elif self.branch:
            told = f"pushed as {self.branch}"
        else:
            told = "no agent committed anything, so there was nothing to push"
        return "; ".join((told, *self.warnings))


def parse_outcome(text: str) -> Delivered:
    """Reads the message; one that is not understood tells nothing."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return Delivered(warnings=("the delivery did not say what it did",))
    url = _text(fields, "url")
    warnings = fields.get("warnings")
    return Delivered(
        _text(fields, "branch"),
        _text(fields, "commit"),
        PullRequestStatus(url=url, state=_text(fields, "state") or "open") if url else None,
        tuple(clean(str(each), limit=_LIMIT, multiline=False) for each in warnings[:_MOST_WARNINGS])
        if isinstance(warnings, list)
        else (),
    )


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return clean(value, limit=_LIMIT, multiline=False) if isinstance(value, str) and value else None
