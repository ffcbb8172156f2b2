"""``AgentTeamTemplate``, a reusable pattern, and ``AgentTeamRun``, one team made from it."""

from typing import Any, Literal

from kagents_core.api.agents import LeadSpec, TeammateSpec
from kagents_core.api.model import Spec, Status
from kagents_core.api.status import Condition, TeamStatus
from kagents_core.api.team import Auth, Coordination, Lifecycle, QualityGates, Repository, Workspace


class AgentTeamTemplateSpec(Spec):
    """The part of a team that stays the same from run to run."""

    description: str | None = None
    teammates: tuple[TeammateSpec, ...]
    coordination: Coordination | None = None
    lifecycle: Lifecycle = Lifecycle()
    quality_gates: QualityGates | None = None


class AgentTeamTemplateStatus(Status):
    """Whether the template can be run. Writer: controller."""

    ready: bool = False
    teammates: int | None = None
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()


class AgentTeamTemplate(Spec):
    """A reusable team pattern; it does not run on its own."""

    api_version: str
    kind: Literal["AgentTeamTemplate"]
    metadata: dict[str, Any]
    spec: AgentTeamTemplateSpec
    status: AgentTeamTemplateStatus = AgentTeamTemplateStatus()


class TemplateReference(Spec):
    """A template in the run's namespace."""

    name: str


class AgentTeamRunSpec(Spec):
    """A template, and what this run works on."""

    template_ref: TemplateReference
    repository: Repository | None = None
    workspace: Workspace | None = None
    auth: Auth | None = None
    lead: LeadSpec | None = None
    lifecycle: Lifecycle | None = None
    """Replaces the template's lifecycle as a whole."""
    harness: Literal["claude-code", "simulated"] | None = None
    suspend: bool = False
    cancel: bool = False


class AgentTeamRunStatus(TeamStatus):
    """The status of the run's team, mirrored. Writer: controller."""

    team_name: str | None = None


class AgentTeamRun(Spec):
    """One instance of a template: it makes and owns an ``AgentTeam`` of its own name."""

    api_version: str
    kind: Literal["AgentTeamRun"]
    metadata: dict[str, Any]
    spec: AgentTeamRunSpec
    status: AgentTeamRunStatus = AgentTeamRunStatus()
