"""How far a coding team's delivery is, as the API server holds it, and whether it waits for a person."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from kagents_core.api.constants import ANNOTATION_RETRY_FINISH, AWAITING_CHECKS

State = Literal["ahead", "delivering", "trying again", "needs you", "delivered", "stopped"]

ENDED: Final = ("Completed", "Failed", "TimedOut", "BudgetExceeded", "Cancelled")
"""The phases in which nothing happens to a team any more."""

DELIVERING: Final = ("create-pr", "push-branch")
"""The values of ``lifecycle.onComplete`` that push something."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a person is shown of a delivery that waits for them; a retry holds to it."""

    message: str
    retry: str
    """The word of the retry before, empty at first."""


@dataclass(frozen=True, slots=True)
class Checks:
    """A request's checks, counted."""

    state: str
    """``passing``, ``failing``, ``pending`` or ``none``."""
    passing: int
    failing: int
    pending: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A team's delivery. ``ahead``: its agents still work; ``stopped``: the team ended without one."""

    action: str
    """``create-pr`` or ``push-branch``."""
    state: State
    message: str
    """What the controller says of it, in words."""
    since: str
    branch: str
    commit: str
    url: str
    """Of the pull or merge request, exactly as the object has it."""
    request: str
    """The state of the request: ``open``, ``draft`` …"""
    checks: Checks | None = None
    """Of the request, as far as anybody has read them."""
    awaits_checks: bool = False
    """Whether the team still waits for them."""
    failure: Failure | None = None


def delivery_of(team: Mapping[str, Any]) -> Delivery | None:
    """The delivery; None for a team that delivers nothing."""
    spec, status = _mapping(team.get("spec")), _mapping(team.get("status"))
    action = _action(spec)
    if action not in DELIVERING or not isinstance(spec.get("repository"), Mapping):
        return None
    said = _said(status)
    message, request = _text(said.get("message")), _mapping(status.get("pullRequest"))
    state, phase = _state(status, said), _text(status.get("phase"))
    annotations = _mapping(_mapping(team.get("metadata")).get("annotations"))
    return Delivery(
        action,
        state,
        message,
        _text(said.get("lastTransitionTime")),
        _text(status.get("branch")),
        _text(status.get("commit")),
        _text(request.get("url")),
        _text(request.get("state")),
        _checks(_mapping(request.get("checks"))),
        state == "delivered" and said.get("reason") == AWAITING_CHECKS and phase not in ENDED,
        Failure(message, _text(annotations.get(ANNOTATION_RETRY_FINISH))) if state == "needs you" else None,
    )


def failure_of(team: Mapping[str, Any]) -> Failure | None:
    """What of the delivery waits for a person, if anything does."""
    found = delivery_of(team)
    return found.failure if found else None


def why_no_retry(team: Mapping[str, Any]) -> str:
    """Why there is nothing to retry, as the end of a sentence about the team; empty when there is."""
    metadata, spec = _mapping(team.get("metadata")), _mapping(team.get("spec"))
    phase = _text(_mapping(team.get("status")).get("phase"))
    if metadata.get("deletionTimestamp"):
        return "is being deleted"
    if phase in ENDED:
        return f"has ended already ({phase})"
    if spec.get("cancel") is True:
        return "is being cancelled"
    found = delivery_of(team)
    if found is None:
        without = "has no repository"
        if isinstance(spec.get("repository"), Mapping):
            without = f"has onComplete {_action(spec)}"
        return f"has nothing to retry: it {without}, so nothing is delivered"
    if found.failure is not None:
        suspended = spec.get("suspend") is True or phase == "Suspended"
        return "is suspended; resume it first" if suspended else ""
    if found.state == "trying again":
        return "has nothing to retry: its delivery is tried again by itself"
    if found.state == "delivering":
        return "has nothing to retry: its delivery is under way"
    if found.state == "delivered":
        return "has nothing to retry: its work is delivered, and it waits for the checks"
    return "has nothing to retry: its agents have not ended yet"


def new_word() -> str:
    """A value of the annotation that no retry had before: when it was said, and chance."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def _action(spec: Mapping[str, Any]) -> str:
    return _text(_mapping(spec.get("lifecycle")).get("onComplete")) or "notify"


def _said(status: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions = status.get("conditions")
    for each in conditions if isinstance(conditions, list) else ():
        if isinstance(each, Mapping) and each.get("type") == "Delivered":
            return each
    return {}


def _state(status: Mapping[str, Any], said: Mapping[str, Any]) -> State:
    if said.get("status") == "True":
        return "delivered"
    if _text(status.get("phase")) in ENDED:
        return "stopped"
    if not said:
        return "ahead"
    if said.get("reason") == "NeedsAttention":
        return "needs you"
    return "trying again" if said.get("reason") == "DeliveryFailed" else "delivering"


def _checks(found: Mapping[str, Any]) -> Checks | None:
    counts = [found.get(name) for name in ("passing", "failing", "pending")]
    passing, failing, pending = (each if isinstance(each, int) else 0 for each in counts)
    state = _text(found.get("state"))
    return Checks(state, passing, failing, pending) if state else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
