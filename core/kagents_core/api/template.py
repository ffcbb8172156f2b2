"""``AgentTeamTemplate``, a reusable pattern, and ``AgentTeamRun``, one team made from it."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from kagents_core.api.agents import MOST_TEAMMATES, Harness, LeadSpec, TeammateSpec
from kagents_core.api.auth import Auth
from kagents_core.api.backends import Coordination, Observability
from kagents_core.api.equipment import Plugins
from kagents_core.api.fields import Flag, Instructions, Label, ShortText
from kagents_core.api.model import Spec, Status, map_list, rules
from kagents_core.api.quality import QualityGates
from kagents_core.api.repository import Repository
from kagents_core.api.status import Condition, TeamStatus
from kagents_core.api.team import Lifecycle, Workspace
from kagents_core.api.teamrules import RUN_RULES, TEMPLATE_RULES


class AgentTeamTemplateSpec(Spec):
    """The part of a team that stays the same from run to run."""

    model_config = ConfigDict(json_schema_extra=rules(*TEMPLATE_RULES))

    description: ShortText | None = None
    """What the pattern is for."""
    teammates: Annotated[
        tuple[TeammateSpec, ...],
        Field(min_length=1, max_length=MOST_TEAMMATES, json_schema_extra=map_list("name")),
    ]
    """The worker agents."""
    instructions: Instructions | None = None
    """What every agent is to heed at all times, as the ``CLAUDE.md`` of its home."""
    plugins: Plugins = ()
    """Claude Code plugins of every agent."""
    coordination: Coordination | None = None
    """Backends of mail and tasks."""
    lifecycle: Lifecycle = Lifecycle()
    """Limits, gates, and what happens at the end."""
    quality_gates: QualityGates | None = None
    """Checks an agent's work has to pass."""
    observability: Observability | None = None
    """Logs, metrics and webhooks of a team."""


class AgentTeamTemplateStatus(Status):
    """Whether the template can be run. Writer: controller."""

    ready: bool = False
    """Whether a run can be made from it."""
    teammates: int | None = None
    """How many teammates it declares."""
    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=map_list("type"))] = ()
    """Kubernetes conditions."""


class AgentTeamTemplate(Spec):
    """A reusable team pattern; it does not run on its own."""

    api_version: str
    """``claude.amcheste.io/v1alpha1``."""
    kind: Literal["AgentTeamTemplate"]
    """``AgentTeamTemplate``."""
    metadata: dict[str, Any]
    """Kubernetes object metadata; the name is a DNS label of at most 63 characters."""
    spec: AgentTeamTemplateSpec
    """The part of a team that stays the same from run to run."""
    status: AgentTeamTemplateStatus = AgentTeamTemplateStatus()
    """Whether the template can be run; written by kagents alone."""


class TemplateReference(Spec):
    """A template in the run's namespace."""

    name: Label
    """Name of the template."""


class AgentTeamRunSpec(Spec):
    """A template, and what this run works on."""

    model_config = ConfigDict(json_schema_extra=rules(*RUN_RULES))

    template_ref: TemplateReference
    """The template."""
    repository: Repository | None = None
    """The git repository of a coding team; exactly one of repository and workspace."""
    workspace: Workspace | None = None
    """Inputs and output of a cowork team; exactly one of repository and workspace."""
    auth: Auth | None = None
    """The credential of the model provider; needed by every ``claude-code`` agent."""
    lead: LeadSpec | None = None
    """The agent that coordinates; without it the teammates work independently."""
    lifecycle: Lifecycle | None = None
    """Replaces the template's lifecycle as a whole."""
    harness: Harness | None = None
    """The harness of every agent that does not name its own; ``claude-code`` when absent."""
    observability: Observability | None = None
    """Replaces the template's as a whole."""
    suspend: Flag = False
    """True stops the agents and keeps their files and sessions; false continues them."""
    cancel: Flag = False
    """True ends the run for good; it cannot be taken back."""


class AgentTeamRunStatus(TeamStatus):
    """The status of the run's team, mirrored. Writer: controller."""

    team_name: str | None = None
    """Name of the team that the run made."""


class AgentTeamRun(Spec):
    """One instance of a template: it makes and owns an ``AgentTeam`` of its own name."""

    api_version: str
    """``claude.amcheste.io/v1alpha1``."""
    kind: Literal["AgentTeamRun"]
    """``AgentTeamRun``."""
    metadata: dict[str, Any]
    """Kubernetes object metadata; the name is a DNS label of at most 63 characters."""
    spec: AgentTeamRunSpec
    """A template, and what this run works on."""
    status: AgentTeamRunStatus = AgentTeamRunStatus()
    """The status of the run's team; written by kagents alone."""
