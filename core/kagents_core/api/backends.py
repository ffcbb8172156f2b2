"""What surrounds a team's work: backends of mail and tasks, checks, logs and metrics."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from kagents_core.api.fields import Flag, ObjectName, WebAddress, Whole
from kagents_core.api.model import Spec, refusal, rules

ONLY_SHARED_VOLUME = (
    "only shared-volume is supported: Claude Code itself keeps mail and tasks in files; leave the field out"
)
NO_BEADS = (
    "the beads task backend is not supported: Claude Code itself keeps tasks in files, on the team's volume; "
    "leave beads out"
)


class Beads(Spec):
    """The described system's alternative task backend, which can only be switched off."""

    model_config = ConfigDict(json_schema_extra=rules(("!self.enabled", NO_BEADS)))

    enabled: Flag = False
    """Whether it is used; only false is supported."""
    dolt_server_service: ObjectName | None = None
    """Service of its database; not looked at while it is switched off."""
    dolt_server_port: Annotated[Whole, Field(ge=1, le=65535)] = 3306
    """Port of its database; not looked at while it is switched off."""

    @model_validator(mode="after")
    def _unsupported(self) -> Self:
        if self.enabled:
            raise refusal(NO_BEADS, field="enabled", value=True)
        return self


class Coordination(Spec):
    """Backends of mail and tasks; only the shared volume is supported."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.mailboxBackend == 'shared-volume' && self.taskBackend == 'shared-volume'",
                ONLY_SHARED_VOLUME,
            )
        )
    )

    mailbox_backend: Literal["shared-volume", "redis", "nats"] = "shared-volume"
    """Where mailboxes live; only ``shared-volume`` is supported."""
    task_backend: Literal["shared-volume", "beads"] = "shared-volume"
    """Where tasks live; only ``shared-volume`` is supported."""
    beads: Beads | None = None
    """Settings of the ``beads`` backend."""

    @model_validator(mode="after")
    def _supported(self) -> Self:
        for field, backend in (("mailboxBackend", self.mailbox_backend), ("taskBackend", self.task_backend)):
            if backend != "shared-volume":
                raise refusal(ONLY_SHARED_VOLUME, field=field, value=backend)
        return self


class ObservabilityMetrics(Spec):
    """Metrics endpoint of a team: ``/metrics`` of its hub, in the Prometheus text format."""

    enabled: Flag = False
    """Whether the endpoint is served."""
    port: Annotated[Whole, Field(ge=1024, le=65535)] = 9090
    """Port of the endpoint, on the hub's address."""


WebhookEvent = Literal[
    "team.started",
    "team.suspended",
    "team.resumed",
    "team.completed",
    "team.failed",
    "team.timed-out",
    "team.cancelled",
    "teammate.started",
    "teammate.completed",
    "teammate.error",
    "approval.required",
    "agent.asks",
    "budget.warning",
    "budget.exceeded",
    "delivery.failed",
]


class ObservabilityWebhook(Spec):
    """Where a team's events are posted."""

    url: WebAddress
    """Address that receives the events."""
    events: Annotated[tuple[WebhookEvent, ...], Field(max_length=64)] = ()
    """Kinds of events; all when empty. With ``onComplete: notify`` also ``team.completed``, named or not."""
    format: Literal["generic", "slack"] | None = None
    """Form of the body; told from the host when absent."""


class ObservabilityTracing(Spec):
    """An OpenTelemetry trace of the team's life: team, agents, their turns, the tools they called.

    No prompt, message, argument or output is part of it.
    """

    enabled: Flag = True
    """False: no trace, whatever the installation's default is."""
    endpoint: WebAddress | None = None
    """OTLP/HTTP endpoint, such as ``https://collector.example.com:4318`` (``/v1/traces`` is added to an
    address without a path). The installation's (``tracing.endpoint`` of the chart) when absent."""
    headers_secret: ObjectName | None = None
    """Secret with headers of the requests: each key is a header's name, each value what it says."""


class Observability(Spec):
    """Logs, metrics, traces and webhooks of a team."""

    metrics: ObservabilityMetrics | None = None
    """Metrics endpoint."""
    tracing: ObservabilityTracing | None = None
    """Trace of the team; the installation's default when absent."""
    log_level: Literal["debug", "info", "warn", "error"] = "info"
    """How much the parts of the team log; the journal is always whole."""
    log_format: Literal["text", "json"] = "text"
    """Form of their lines: ``text``, or ``json`` objects with ``ts``, ``level``, ``logger`` and ``msg``."""
    webhook: ObservabilityWebhook | None = None
    """Where events are posted."""
