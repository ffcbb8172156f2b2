"""What a delivery says of itself: the termination message of its pod, read with the caution it deserves."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from kagents_core.api.status import PullRequestChecks, PullRequestStatus
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


def parse_outcome(text: str, later: str = "") -> Delivered:
    """Reads the message; one that is not understood tells nothing. ``later`` is what its checks came to."""
    fields = _fields(text)
    if fields is None:
        return Delivered(warnings=("the delivery did not say what it did",))
    after = _fields(later) or {}
    url = _text(fields, "url")
    return Delivered(
        _text(fields, "branch"),
        _text(fields, "commit"),
        _request(url, fields | after) if url else None,
        (*_warnings(fields), *_warnings(after)),
    )


def _fields(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _request(url: str, fields: dict[str, Any]) -> PullRequestStatus:
    checks = fields.get("checks")
    return PullRequestStatus(
        url=url,
        state=_text(fields, "state") or "open",
        checks=_checks(checks) if isinstance(checks, dict) else None,
    )


def _checks(fields: dict[str, Any]) -> PullRequestChecks | None:
    try:
        return PullRequestChecks.model_validate(fields)
    except ValidationError:
        return None


def _warnings(fields: dict[str, Any]) -> tuple[str, ...]:
    found = fields.get("warnings")
    shown = found[:_MOST_WARNINGS] if isinstance(found, list) else []
    return tuple(clean(str(each), limit=_LIMIT, multiline=False) for each in shown)


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return clean(value, limit=_LIMIT, multiline=False) if isinstance(value, str) and value else None
