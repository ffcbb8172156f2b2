"""The status of a team. Each field has one writer: the controller, or the team's recorder."""

from typing import Literal

from kagents_core.api.model import Status

Phase = Literal[
    "Pending",
    "Initializing",
    "Running",
    "Suspended",
    "Completed",
    "Failed",
    "TimedOut",
    "BudgetExceeded",
    "Cancelled",
]
TERMINAL_PHASES: frozenset[Phase] = frozenset(
    {"Completed", "Failed", "TimedOut", "BudgetExceeded", "Cancelled"}
)
AgentPhase = Literal["Pending", "Waiting", "Running", "Idle", "Completed", "Failed"]
ActivityState = Literal["starting", "working", "idle", "waiting-permission", "failed", "ended"]


class Condition(Status):
    """A Kubernetes condition (list map keyed by ``type``)."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    last_transition_time: str
    observed_generation: int | None = None


class LeadStatus(Status):
    """The lead as the controller sees it. Writer: controller."""

    pod_name: str | None = None
    phase: AgentPhase = "Pending"
    message: str | None = None
    """Why it is in this phase, in one sentence, when that is not obvious."""
    attempt: int | None = None
    """Number of its latest pod, counted from 0; absent while it never had one."""
    restart_count: int = 0


class TeammateStatus(Status):
    """A teammate as the controller sees it. Writer: controller."""

    name: str
    pod_name: str | None = None
    phase: AgentPhase = "Pending"
    pending_approval: str | None = None
    """The gate's event while it waits for a person, else absent."""
    waiting_for: str | None = None
    """In words: ``dependsOn: researcher``, ``approval: spawn-x``."""
    message: str | None = None
    """Why it is in this phase, in one sentence, when that is not obvious."""
    attempt: int | None = None
    """Number of its latest pod, counted from 0; absent while it never had one."""
    restart_count: int = 0


class Notification(Status):
    """A gate notification. Writer: controller."""

    id: str
    """Stable for (team UID, event): a receiver drops doubles by it."""
    event: str
    state: Literal["pending", "sent", "failed"]
    attempts: int = 0
    last_attempt_at: str | None = None
    message: str | None = None


class TaskCounts(Status):
    """The shared task list in numbers. Writer: recorder."""

    total: int = 0
    completed: int = 0
    in_progress: int = 0
    pending: int = 0


class Usage(Status):
    """Tokens of all agents so far. Writer: recorder."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    requests: int = 0
    estimated: bool = True
    """True while figures come from transcripts and not from a gateway."""


class Activity(Status):
    """What one agent is doing now. Writer: recorder."""

    agent: str
    state: ActivityState
    since: str
    detail: str | None = None
    task: str | None = None
    """Id of the task it has in progress."""
    unread: int = 0
    oldest_unread_at: str | None = None
    cost: str | None = None
    simulated: bool = False


class TeamStatus(Status):
    """What is known of a team."""

    phase: Phase | None = None
    ready: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    suspended_at: str | None = None
    suspended_seconds: int = 0
    """Time spent suspended so far; it does not count towards the timeout."""
    observed_generation: int | None = None
    lead: LeadStatus | None = None
    teammates: tuple[TeammateStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()
    notifications: tuple[Notification, ...] = ()

    tasks: TaskCounts | None = None
    usage: Usage | None = None
    estimated_cost: str | None = None
    """US dollars with two decimals, as the seed's COST column shows it."""
    activity: tuple[Activity, ...] = ()
    result: str | None = None
    """The lead's closing summary."""
