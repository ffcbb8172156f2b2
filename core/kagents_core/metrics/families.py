"""The registry: every measurement of the controller and of a team's hub, its labels and their bounds."""

from dataclasses import dataclass
from math import prod
from typing import Final, Literal

from kagents_core.api.agents import MOST_TEAMMATES
from kagents_core.pricing import known_models

PREFIX: Final = "kagents_"
OTHER: Final = "other"
"""What a label says of any value that it does not tell apart."""

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_MAIL_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Label:
    """A label. Of names that nobody knows in advance, ``most`` are told apart and the rest is ``other``."""

    name: str
    values: tuple[str, ...] = ()
    most: int = 0

    @property
    def bound(self) -> int:
        """How many values it can have; of a fixed set, ``other`` comes on top."""
        return (len(self.values) or self.most) + 1


@dataclass(frozen=True, slots=True)
class Family:
    """One measurement. Its name is without the prefix."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = _BUCKETS
    merge: Literal["sum", "max"] = "sum"
    """What becomes of gauges that a label does not tell apart."""

    @property
    def most(self) -> int:
        """How many lines of a page it can fill, whatever names there are."""
        lines = len(self.buckets) + 3 if self.kind == "histogram" else 1
        return lines * prod(label.bound for label in self.labels)


_PHASES: Final = (
    *("Pending", "Initializing", "Running", "Suspended", "Completed"),
    *("Failed", "TimedOut", "BudgetExceeded", "Cancelled"),
)
_STATES: Final = ("starting", "working", "idle", "waiting-permission", "failed", "ended")
_NAMESPACE: Final = Label("namespace", most=100)
_MODEL: Final = Label("model", tuple(sorted(known_models())))
_TOKENS: Final = Label("kind", ("input", "output", "cacheRead", "cacheWrite"))
_CONTROLLER: Final = Label("controller", ("AgentTeam", "AgentTeamRun", "AgentTeamTemplate"))
_RESOURCE: Final = Label("resource", ("pods", "persistentvolumeclaims", "agentteams", "agentteamruns"))
_QUEUE: Final = Label("queue", ("kagents",))
_TASK_STATES: Final = ("total", "completed", "inProgress", "pending")
_PERSON: Final = Label("kind", ("gate", "permission", "plan", "question"))

CONTROLLER: Final = (
    Family("build_info", "gauge", "1, with the version of this controller.", (Label("version", most=1),)),
    Family("leader", "gauge", "1 in the controller that works, 0 in one that stands by."),
    Family("caches_synced", "gauge", "1 once every cache is filled."),
    Family("watches_broken", "gauge", "Watches without a connection now."),
    Family("pods", "gauge", "Pods of teams."),
    Family("teams", "gauge", "Teams by phase.", (_NAMESPACE, Label("phase", _PHASES))),
    Family(
        "spend_dollars_total",
        "counter",
        "US dollars that teams have spent since this controller started, as their status tells it.",
        (_NAMESPACE,),
    ),
    Family(
        "model_spend_dollars_total",
        "counter",
        "The same by model; what the status does not tell by model is other.",
        (_MODEL,),
    ),
    Family(
        "tokens_total",
        "counter",
        "Tokens that teams have used since this controller started.",
        (_MODEL, _TOKENS),
    ),
    Family(
        "waiting_for_person",
        "gauge",
        "Gates, and requests of agents, that wait for a person in teams that have not ended.",
        (_NAMESPACE, _PERSON),
    ),
    Family(
        "waiting_for_person_oldest_seconds",
        "gauge",
        "How long the oldest of them has waited.",
        (_NAMESPACE, _PERSON),
        merge="max",
    ),
    Family(
        "unread_messages", "gauge", "Messages that no agent has taken from its mailbox yet.", (_NAMESPACE,)
    ),
    Family(
        "unread_messages_oldest_seconds",
        "gauge",
        "How long the oldest of them has lain there.",
        (_NAMESPACE,),
        merge="max",
    ),
    Family(
        "agent_restarts_total",
        "counter",
        "Starts of agents after a failure, since this controller started.",
        (_NAMESPACE,),
    ),
    Family(
        "budget_share_highest",
        "gauge",
        "Spent part of lifecycle.budgetLimit, of the team nearest to it among those that have not ended.",
        (_NAMESPACE,),
        merge="max",
    ),
    Family(
        "controller_runtime_reconcile_total",
        "counter",
        "Reconciles by outcome.",
        (_CONTROLLER, Label("result", ("success", "error", "requeue_after"))),
    ),
    Family(
        "controller_runtime_reconcile_errors_total",
        "counter",
        "Reconciles that failed, and will be tried again.",
        (_CONTROLLER,),
    ),
    Family(
        "controller_runtime_reconcile_time_seconds", "histogram", "How long reconciles took.", (_CONTROLLER,)
    ),
    Family("controller_runtime_active_workers", "gauge", "Reconciles at work."),
    Family("controller_runtime_max_concurrent_reconciles", "gauge", "How many may be at work at once."),
    Family("workqueue_depth", "gauge", "Objects that wait for a reconcile.", (_QUEUE,)),
    Family("workqueue_adds_total", "counter", "Objects that were queued.", (_QUEUE,)),
    Family("workqueue_retries_total", "counter", "Objects queued again after a failure.", (_QUEUE,)),
    Family(
        "workqueue_queue_duration_seconds",
        "histogram",
        "How long objects waited in the queue before their reconcile.",
        (_QUEUE,),
    ),
    Family(
        "writes_total",
        "counter",
        "Requests that write to the API server; events apart.",
        (Label("verb", ("create", "apply", "apply-status", "delete")), _RESOURCE),
    ),
    Family(
        "write_failures_total",
        "counter",
        "Of them those that failed. A conflict is ordinary: somebody else wrote at the same moment.",
        (
            Label("verb", ("create", "apply", "apply-status", "delete")),
            _RESOURCE,
            Label("reason", ("conflict", "exists", "forbidden", "invalid", "notfound", "unreachable")),
        ),
    ),
    Family(
        "events_total",
        "counter",
        "Kubernetes events: new, counted up on an earlier one, dropped as too many waited, or failed.",
        (Label("outcome", ("created", "counted", "dropped", "failed")),),
    ),
    Family(
        "webhook_attempts_total",
        "counter",
        "Requests to webhooks by outcome.",
        (Label("outcome", ("sent", "failed")),),
    ),
)
"""Served by every controller on its health port."""

_TEAM: Final = (Label("namespace", most=1), Label("team", most=1))
_AGENT: Final = Label("agent", most=MOST_TEAMMATES + 1)


def _of_team(name: str, kind: Kind, help_: str, *labels: Label, mail: bool = False) -> Family:
    return Family(name, kind, help_, (*_TEAM, *labels), _MAIL_BUCKETS if mail else _BUCKETS)


HUB: Final = (
    _of_team("team_phase", "gauge", "1 for the phase that the team is in.", Label("phase", _PHASES)),
    _of_team("team_cost_dollars", "gauge", "US dollars that the team has spent."),
    _of_team("team_budget_dollars", "gauge", "lifecycle.budgetLimit; absent without one."),
    _of_team("team_budget_share", "gauge", "Spent part of the budget; absent without one."),
    _of_team("team_model_requests_total", "counter", "Requests to models."),
    _of_team("team_tokens_total", "counter", "Tokens of all agents.", _TOKENS),
    _of_team("team_model_cost_dollars_total", "counter", "US dollars by model.", _MODEL),
    _of_team("team_model_tokens_total", "counter", "Tokens by model.", _MODEL, _TOKENS),
    _of_team("team_messages_total", "counter", "Messages and task assignments that agents have written."),
    _of_team(
        "team_mail_delivery_seconds",
        "histogram",
        "From when a message was written until it left its receiver's mailbox.",
        mail=True,
    ),
    _of_team(
        "team_mail_seen_seconds",
        "histogram",
        "From when a message was written until it stood in its receiver's transcript.",
        mail=True,
    ),
    _of_team(
        "team_tasks",
        "gauge",
        "Tasks by state.",
        Label("state", _TASK_STATES),
    ),
    _of_team("team_gates_waiting", "gauge", "Gates that wait for a person."),
    _of_team("team_gate_oldest_seconds", "gauge", "How long the oldest of them has waited, if any."),
    _of_team("team_malformed_total", "counter", "Entries of the team's files that could not be read."),
    _of_team("agent_state", "gauge", "1 for what the agent does.", _AGENT, Label("state", _STATES)),
    _of_team("agent_unread_messages", "gauge", "Messages in its mailbox that it has not taken.", _AGENT),
    _of_team("agent_open_requests", "gauge", "What it asks of a person and waits for.", _AGENT),
    _of_team("agent_cost_dollars", "gauge", "US dollars that it has spent.", _AGENT),
    _of_team("agent_attempts_total", "counter", "Processes of the agent that have started.", _AGENT),
    _of_team(
        "trace_spans_total",
        "counter",
        "Spans of the team's trace by what became of them; only with tracing.",
        Label("outcome", ("sent", "dropped", "failed")),
    ),
)
"""Served by a team's hub with ``observability.metrics.enabled``."""
