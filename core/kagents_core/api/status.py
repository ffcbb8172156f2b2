"""The status of a team. Each field has one writer: the controller, or the team's recorder."""

from typing import Annotated, Literal

from pydantic import Field

from kagents_core.api.model import Status, map_list
from kagents_core.api.spending import MOST_HOURS, MOST_MODELS, HourUsage, ModelUsage

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
    """What the condition is about, such as ``Ready``."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: str
    """One CamelCase word."""
    message: str = ""
    """One plain sentence."""
    last_transition_time: str
    """When ``status`` last changed."""
    observed_generation: int | None = None
    """The generation of the spec that it speaks of."""


class LeadStatus(Status):
    """The lead as the controller sees it. Writer: controller."""

    pod_name: str | None = None
    """Its latest pod."""
    phase: AgentPhase = "Pending"
    """Where it stands."""
    waiting_for: str | None = None
    """In words, when its budget has stopped it: ``budget: $1.00 of $1.00 are spent``."""
    message: str | None = None
    """Why it is in this phase, in one sentence, when that is not obvious."""
    attempt: int | None = None
    """Number of its latest pod, counted from 0; absent while it never had one."""
    restart_count: int = 0
    """How often it was started again after a failure."""


class TeammateStatus(Status):
    """A teammate as the controller sees it. Writer: controller."""

    name: str
    """Name of the teammate."""
    pod_name: str | None = None
    """Its latest pod."""
    phase: AgentPhase = "Pending"
    """Where it stands."""
    pending_approval: str | None = None
    """The gate's event while it waits for a person, else absent."""
    waiting_for: str | None = None
    """In words: ``dependsOn: researcher``, ``approval: spawn-x``, ``budget: $1.00 of $1.00 are spent``."""
    message: str | None = None
    """Why it is in this phase, in one sentence, when that is not obvious."""
    attempt: int | None = None
    """Number of its latest pod, counted from 0; absent while it never had one."""
    restart_count: int = 0
    """How often it was started again after a failure."""


class Notification(Status):
    """Something that a webhook is told: of a gate, or of ``observability``. Writer: controller."""

    id: str
    """The same however often it is sent: a receiver drops doubles by it."""
    event: str
    """The gate, or the kind of event."""
    subject: str | None = None
    """The agent or gate that the event is about."""
    detail: str | None = None
    """The event in words."""
    at: str | None = None
    """When the event was; absent for a gate's own webhook."""
    state: Literal["pending", "sent", "failed"]
    """Whether it arrived; ``failed`` also when a gate was decided before that was known."""
    attempts: int = 0
    """How often it was tried."""
    last_attempt_at: str | None = None
    """When it was last tried."""
    message: str | None = None
    """Why the last attempt failed, or that nobody knows whether it arrived."""


class TaskCounts(Status):
    """The shared task list in numbers. Writer: recorder."""

    total: int = 0
    """All tasks."""
    completed: int = 0
    """Tasks that are done."""
    in_progress: int = 0
    """Tasks that an agent works on."""
    pending: int = 0
    """Tasks that nobody has begun."""


class Usage(Status):
    """Tokens and cost of all agents so far. Writer: recorder."""

    input_tokens: int = 0
    """Tokens sent to models, cached ones apart."""
    output_tokens: int = 0
    """Tokens that models wrote."""
    cache_read_tokens: int = 0
    """Tokens read from prompt caches."""
    cache_write_tokens: int = 0
    """Tokens written to prompt caches."""
    requests: int = 0
    """Requests to models."""
    cost_micros: int = 0
    """Micro-dollars (millionths of a US dollar)."""
    estimated: bool = True
    """False when the gateway has metered all of it; true when some of it was read from transcripts."""
    prices: str | None = None
    """Version of the price table."""
    unknown_models: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    """Models that no price is known of: they are priced as the dearest known one."""
    by_model: Annotated[
        tuple[ModelUsage, ...],
        Field(max_length=MOST_MODELS, json_schema_extra=map_list("agent", "model")),
    ] = ()
    """The same by agent and model."""
    hours: Annotated[
        tuple[HourUsage, ...], Field(max_length=MOST_HOURS, json_schema_extra=map_list("hour"))
    ] = ()
    """The same by hour of UTC; the last 768 with any use."""


class AgentRequest(Status):
    """What an agent asks of a person and waits for. Writer: recorder."""

    id: str
    """The native id; ``kagents answer`` names it."""
    kind: Literal["permission", "plan", "question"]
    """What is asked for."""
    tool: str
    """The tool that the agent wants to use."""
    summary: str
    """The request in one line."""
    since: str
    """When it was asked."""
    seq: int
    """Number of the journal's entry that holds all of it."""


class UnreachableServer(Status):
    """An MCP server that an agent has to do without. Writer: recorder."""

    name: str
    """Name of the server."""
    reason: str
    """Why, in words."""


class Activity(Status):
    """What one agent is doing now. Writer: recorder."""

    agent: str
    """Name of the agent."""
    state: ActivityState
    """What it does."""
    since: str
    """Since when."""
    detail: str | None = None
    """More, in a few words."""
    task: str | None = None
    """Id of the task it has in progress."""
    heard_at: str | None = None
    """With a task in progress: its last sign of life, to the minute (a hook, a line of its transcript)."""
    unread: int = 0
    """Messages in its mailbox that it has not taken."""
    oldest_unread_at: str | None = None
    """When the oldest of them was written."""
    cost: str | None = None
    """US dollars it has cost so far."""
    simulated: bool = False
    """Whether a script plays this agent."""
    requests: tuple[AgentRequest, ...] = ()
    """What it asks of a person, the oldest first; at most eight are listed."""
    unreachable_servers: tuple[UnreachableServer, ...] = ()
    """Its MCP servers that it cannot reach."""
    outside_scope: tuple[str, ...] = ()
    """Files outside its scope that have changed while it worked, in a team without a repository."""


class PullRequestChecks(Status):
    """The checks of a pull request in numbers: check runs and statuses at GitHub, pipelines at GitLab."""

    state: Literal["passing", "failing", "pending", "none"]
    """One word for all: one that failed decides, then one that has not ended."""
    passing: int = 0
    """Checks that passed, were skipped or are neutral."""
    failing: int = 0
    """Checks that ended in any other way."""
    pending: int = 0
    """Checks that had not ended."""


class PullRequestStatus(Status):
    """The request for review that a team ended with. Writer: controller."""

    url: str
    """Where people see it."""
    state: str = "open"
    """What it was when it was last looked at: ``open``, ``draft``, ``merged`` or ``closed``."""
    checks: PullRequestChecks | None = None
    """How its checks stood then; absent while nobody has read them."""


class AgentResults(Status):
    """What one agent has reported. Writer: recorder."""

    agent: str
    """Name of the agent."""
    values: dict[str, str] = Field(default_factory=dict)
    """Results by key, cut to 256 characters each; ``branch``, ``commit`` and ``filesChanged`` by kagents."""


class ArtifactStatus(Status):
    """What an agent has made, or why it is missing. Writer: recorder."""

    agent: str
    """Who made it."""
    name: str
    """Its name in ``artifacts``."""
    path: str
    """Where it was, relative to where its agent worked."""
    folder: bool | None = None
    """Whether it is a folder."""
    files: int | None = None
    """Files in it."""
    size: int | None = None
    """Bytes of all its files."""
    sha256: str | None = None
    """Check sum of the file; of a folder, that of the list that ``sha256sum`` prints of its files by path."""
    problem: str | None = None
    """Why it was not kept; absent for one that was."""
    at: str
    """When it was recorded."""


class TeamStatus(Status):
    """What is known of a team."""

    phase: Phase | None = None
    """Where the team stands."""
    ready: str | None = None
    """Agents that run or have completed, of all: ``2/3``."""
    started_at: str | None = None
    """When the first pod was made."""
    completed_at: str | None = None
    """When it reached its last phase."""
    suspended_at: str | None = None
    """Since when it is suspended."""
    suspended_seconds: int = 0
    """Time spent suspended so far; it does not count towards the timeout."""
    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    lead: LeadStatus | None = None
    """The lead."""
    teammates: Annotated[tuple[TeammateStatus, ...], Field(json_schema_extra=map_list("name"))] = ()
    """Every declared teammate."""
    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=map_list("type"))] = ()
    """Kubernetes conditions."""
    notifications: Annotated[tuple[Notification, ...], Field(json_schema_extra=map_list("id"))] = ()
    """What webhooks were told lately, and whether it arrived."""

    branch: str | None = None
    """The pushed branch with the work of all agents. Writer: controller."""
    commit: str | None = None
    """The commit it stood at. Writer: controller."""
    pull_request: PullRequestStatus | None = None
    """The pull or merge request. Writer: controller."""

    tasks: TaskCounts | None = None
    """The shared task list in numbers."""
    usage: Usage | None = None
    """Tokens and cost of all agents so far."""
    messages: int = 0
    """Messages and task assignments that agents have written, to each other or to a person, as the journal
    has them: each once, also when it was sent again. Not counted: what people and kagents wrote, and the
    notices of Claude Code itself (idle, shutdown, plan, permission)."""
    estimated_cost: str | None = None
    """US dollars with two decimals, as the seed's COST column shows it."""
    activity: Annotated[tuple[Activity, ...], Field(json_schema_extra=map_list("agent"))] = ()
    """What each agent is doing now."""
    result: str | None = None
    """The lead's closing summary."""
    results: Annotated[tuple[AgentResults, ...], Field(json_schema_extra=map_list("agent"))] = ()
    """What agents have reported."""
    artifacts: Annotated[tuple[ArtifactStatus, ...], Field(json_schema_extra=map_list("agent", "name"))] = ()
    """What agents have made, each since its agent has ended."""
