"""What a reconcile sees and what it answers: plain data on both sides, nothing else is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from kagents_core.api.agents import Resources
from kagents_core.api.team import AgentTeam
from kagents_core.api.template import AgentTeamRun, AgentTeamTemplate

Manifest = Mapping[str, Any]
PodPhase = Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the installation decides, the same for every team."""

    runner_image: str
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    hub_service_account: str = "kagents-hub"
    agent_resources: Resources = field(default_factory=Resources)
    """Requests and limits of agents, resource by resource, where the team says nothing of that resource."""
    hub_resources: Resources = field(default_factory=Resources)
    """Requests and limits of hubs."""
    registry_networks: tuple[str, ...] = ()
    """Private networks that registries of skills may be in; public addresses need no entry."""
    tracing_endpoint: str = ""
    """OTLP/HTTP endpoint of traces where a team says nothing of its own."""
    tracing_headers_secret: str = ""
    """Secret, in the team's namespace, with headers for it."""
    grace_seconds: int = 30
    """How long an agent may take to end after SIGTERM."""
    restart_delay: timedelta = timedelta(seconds=10)
    """Wait before the second restart of an agent; it doubles with each further one. The first is at once."""
    hub_linger: timedelta = timedelta(minutes=2)
    """How long a finished team's recorder may take to write its last entries."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a pod does not get on: a container's waiting reason, or the scheduler's."""

    reason: str
    message: str
    since: datetime | None = None
    """Set for what healthy pods pass through for a moment: it counts only when it lasts."""
    restarts: int = 0
    """How often a container that failed, and does not run now, has been started again."""


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod of a team, as far as decisions need it."""

    name: str
    uid: str
    agent: str
    attempt: int
    restarts: int
    phase: PodPhase
    deleting: bool = False
    prepared: bool = False
    """Every init container has ended well."""
    problem: Problem | None = None
    message: str = ""
    """The termination sentence of the container that failed."""
    volume_full: bool = False
    """It failed, and says that it was for want of room on the volume."""
    work_failed: bool = False
    """It failed because its agent's work did not pass the team's checks: another attempt would not either."""
    finished_at: datetime | None = None
    needs_person: bool = False
    """It failed, and says that a person must change something."""
    conflict: bool = False
    """Of a delivery that failed: agents' branches conflict, as its message says."""
    mends: str = ""
    """Of a lead that was started for a conflict: the attempt of the delivery that met it."""
    retry: str = ""
    """Of a delivery: the person's word that it was made for."""
    wish: str = ""
    """Of an export: the person's word that it was made for."""
    outcome: str = ""
    """Of a delivery that is made: what it says of itself."""
    checks: str = ""
    """Of a delivery whose checks were waited for: what they came to."""
    gateway: bool = False
    """Of a hub: it has a gateway to the model; of an agent: it speaks to the model through one."""

    @property
    def live(self) -> bool:
        """Whether its processes may still run."""
        return self.phase not in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A volume claim of a team."""

    name: str
    uid: str
    phase: str
    deleting: bool = False
    mode: str = ""
    storage_class: str = ""


@dataclass(frozen=True, slots=True)
class Children:
    """What a team owns, selected by its UID."""

    pods: tuple[PodView, ...] = ()
    claims: tuple[ClaimView, ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationOutcome:
    """What became of an attempt to deliver an effect."""

    state: Literal["pending", "sent", "failed"]
    attempts: int
    at: datetime
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """What an exceeded AgentBudget does to a team."""

    budget: str
    stop: bool
    """The whole team is suspended; otherwise only no further agent starts."""
    message: str


@dataclass(frozen=True, slots=True)
class Observed:
    """A snapshot of one team."""

    team: AgentTeam
    children: Children
    now: datetime
    settings: Settings
    outcomes: Mapping[str, NotificationOutcome]
    """By effect id: deliveries that status does not show yet."""
    holds: tuple[Hold, ...] = ()
    """Exceeded budgets that the team belongs to."""


@dataclass(frozen=True, slots=True)
class ObservedTemplate:
    """A snapshot of one template."""

    template: AgentTeamTemplate
    now: datetime


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A snapshot of one run, its template and the team it made."""

    run: AgentTeamRun
    template: AgentTeamTemplate | None
    team: AgentTeam | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Ref:
    """An object to delete, bound to its UID: another object of the same name is left alone."""

    kind: str
    namespace: str
    name: str
    uid: str
    grace_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a person reading ``kubectl describe`` should see."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A webhook's request that is due. At least once: a receiver drops doubles by ``id``."""

    id: str
    url: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that should happen, as data."""

    apply: tuple[Manifest, ...] = ()
    delete: tuple[Ref, ...] = ()
    status: Mapping[str, Any] | None = None
    """The controller's whole part of the status; None when it is not to be touched."""
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    wake_at: datetime | None = None
    usage_known: bool = False
    """The team has ended, and nobody will add to what it has cost."""
