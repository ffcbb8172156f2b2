"""The steps that a simulated agent can play."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """Print a log line."""

    text: str


@dataclass(frozen=True, slots=True)
class Work:
    """Be busy for a while, then leave files (relative path to content)."""

    seconds: float
    write: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to another agent, or to ``team-lead``."""

    to: str
    text: str
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTask:
    """Create a task, and assign it when an owner is named."""

    subject: str
    description: str = ""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Take a task: one's own first, else the first open one; or the one with this subject."""

    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """Complete one's tasks in progress, or only the one with this subject."""

    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """End the turn until something happens; several conditions of one step need only one to hold."""

    mail_from: str | None = None
    task: bool = False
    seconds: float | None = None
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch all branches of the team's repository."""


@dataclass(frozen=True, slots=True)
class Push:
    """Push what is committed to one's own branch, or to the one of this name; a refusal ends nothing."""

    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Report a result."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Ask the recorder to end a teammate."""

    teammate: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Say that the team's work is done."""

    summary: str


@dataclass(frozen=True, slots=True)
class Fail:
    """End as a failure with this sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End well, without being asked."""

    reason: str


@dataclass(frozen=True, slots=True)
class Use:
    """Use tokens, so that there is a cost to see."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class AskPermission:
    """Ask a person to allow a tool call, and wait for the answer; a refusal ends nothing."""

    tool: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SubmitPlan:
    """Submit a plan, end the turn, and wait until a person has approved or rejected it."""

    plan: str


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """Ask a person a question with options, and wait for the answer."""

    question: str
    options: tuple[str, ...]
    multiple: bool = False


Step = (
    Say
    | Work
    | Send
    | CreateTask
    | Claim
    | Complete
    | Wait
    | Fetch
    | Push
    | Report
    | Dismiss
    | Finish
    | Fail
    | Shutdown
    | Use
    | AskPermission
    | SubmitPlan
    | AskQuestion
)
