"""``AgentTeam``: a lead and teammates, the place they work in, and the limits they work within."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from kagents_core.api.agents import MOST_TEAMMATES, Harness, LeadSpec, TeammateSpec
from kagents_core.api.auth import Auth
from kagents_core.api.backends import Coordination, Observability
from kagents_core.api.equipment import Plugins
from kagents_core.api.fields import (
    Branch,
    BranchTemplate,
    Duration,
    Flag,
    GateEvent,
    Instructions,
    Money,
    MountPath,
    ObjectName,
    ShortText,
    StorageSize,
    Template,
    WebAddress,
    Whole,
)
from kagents_core.api.model import Spec, map_list, refusal, rules
from kagents_core.api.quality import QualityGates
from kagents_core.api.repository import Repository
from kagents_core.api.status import TeamStatus
from kagents_core.api.teamrules import OBJECT_RULES, TEAM_RULES

OnComplete = Literal["create-pr", "push-branch", "notify", "none"]

Teammates = Annotated[
    tuple[TeammateSpec, ...],
    Field(max_length=MOST_TEAMMATES, json_schema_extra=map_list("name")),
]

ONE_INPUT_SOURCE = "an input comes from exactly one of configMap, pvc and secret"
WEBHOOK_NEEDS_URL = "a gate with channel webhook needs a webhookUrl"


class WorkspaceInput(Spec):
    """Read-only material of a cowork team; exactly one source."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.configMap) ? 1 : 0) + (has(self.pvc) ? 1 : 0) + (has(self.secret) ? 1 : 0) == 1",
                ONE_INPUT_SOURCE,
            )
        )
    )

    config_map: ObjectName | None = None
    """ConfigMap whose keys become files."""
    pvc: ObjectName | None = None
    """Claim whose files are shown."""
    secret: ObjectName | None = None
    """Secret whose keys become files; every agent of the team can read them."""
    mount_path: MountPath
    """Where agents find the files."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(each is not None for each in (self.config_map, self.pvc, self.secret)) != 1:
            raise refusal(ONE_INPUT_SOURCE)
        return self


class WorkspaceOutput(Spec):
    """Where a cowork team leaves its documents."""

    pvc: ObjectName | None = None
    """Existing claim; kagents makes one for the team when absent."""
    storage_class: ObjectName | None = None
    """Storage class of the claim that kagents makes."""
    size: StorageSize = "5Gi"
    """Size of the claim that kagents makes."""
    mount_path: MountPath = "/workspace/output"
    """Where agents write the documents."""


class Workspace(Spec):
    """Inputs and output of a cowork team."""

    inputs: Annotated[
        tuple[WorkspaceInput, ...], Field(max_length=32, json_schema_extra=map_list("mountPath"))
    ] = ()
    """Material that agents read."""
    output: WorkspaceOutput | None = None
    """Where documents go; a folder of the team volume when absent."""


class ApprovalGate(Spec):
    """A point where the team waits for a person."""

    model_config = ConfigDict(
        json_schema_extra=rules(("self.channel != 'webhook' || has(self.webhookUrl)", WEBHOOK_NEEDS_URL))
    )

    event: GateEvent
    """``spawn-<teammate>`` or ``finish``."""
    channel: Literal["webhook", "none"] = "none"
    """How people are told that the gate waits."""
    webhook_url: WebAddress | None = None
    """Where the notification of channel ``webhook`` is posted."""

    @model_validator(mode="after")
    def _webhook_has_url(self) -> Self:
        if self.channel == "webhook" and self.webhook_url is None:
            raise refusal(WEBHOOK_NEEDS_URL, field="webhookUrl")
        return self


class PullRequest(Spec):
    """How the pull request of ``onComplete: create-pr`` is made."""

    target_branch: Branch = "main"
    """Branch that the request asks to merge into."""
    title_template: Template | None = None
    """Title of the request; ``{{ .TeamName }}`` and ``{{ .Namespace }}`` are filled in."""
    reviewers: Annotated[tuple[ShortText, ...], Field(max_length=32)] = ()
    """People asked to review."""
    labels: Annotated[tuple[ShortText, ...], Field(max_length=32)] = ()
    """Labels of the request."""
    draft: Flag = False
    """Whether it is made as a draft."""
    provider: Literal["github", "gitlab"] | None = None
    """The forge; told from the repository's host when absent."""
    api_url: WebAddress | None = None
    """Address of the forge's API; the usual one of the repository's host when absent."""
    wait_for_checks: Duration | None = None
    """How long the team waits for the request's checks to end before it completes, at most. When absent it is
    only looked for ten seconds whether there are any, and told how they stand then."""


class Lifecycle(Spec):
    """Limits, gates, and what happens at the end."""

    timeout: Duration = "4h"
    """How long the team may run, suspended time apart; then it is TimedOut."""
    budget_limit: Money | None = None
    """US dollars that the team may spend; then ``onBudget`` says what happens. No limit when absent."""
    on_budget: Literal["end", "suspend"] = "end"
    """What happens when the team's or an agent's budget is spent: the team ends as BudgetExceeded; or the
    team is suspended, or that agent stopped, until the budget is raised."""
    on_complete: OnComplete = "notify"
    """What happens with the result."""
    on_conflict: Literal["report", "lead"] = "report"
    """Who resolves branches that conflict: people, or once the lead, which is started again for it."""
    pull_request: PullRequest | None = None
    """How the pull request is made."""
    approval_gates: Annotated[
        tuple[ApprovalGate, ...], Field(max_length=MOST_TEAMMATES + 1, json_schema_extra=map_list("event"))
    ] = ()
    """Points where the team waits for a person."""
    max_restarts: Annotated[Whole, Field(ge=0, le=100)] = 3
    """How often each agent is started again after a failure."""
    ttl_seconds_after_finished: Annotated[Whole, Field(ge=0, le=2147483647)] | None = None
    """Seconds after which a finished team is deleted; it is kept when absent."""
    idle_timeout: Duration | None = None
    """How long a teammate without an open task may be idle before it is asked to end."""
    github_token_secret: ObjectName | None = None
    """Secret with key ``GITHUB_TOKEN``, for the forge's API; the ``token`` used to push when absent."""
    pr_title_template: Template | None = None
    """Title of the pull request; the older spelling of ``pullRequest.titleTemplate``."""
    git_credentials_secret: ObjectName | None = None
    """Secret used to push, with the keys of ``repository.credentialsSecret``; that one when absent."""
    consolidated_branch_template: BranchTemplate | None = None
    """Name of the branch that holds the merged work; ``kagents/<team>`` when absent."""


class Storage(Spec):
    """The team volume's claim."""

    class_name: ObjectName | None = None
    """Storage class; the cluster's default when absent."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """How the volume is shared; with ``ReadWriteOnce`` all pods of the team run on one node."""
    size: StorageSize = "10Gi"
    """Size of the claim."""


class AgentTeamSpec(Spec):
    """What a person asks for."""

    model_config = ConfigDict(json_schema_extra=rules(*TEAM_RULES))

    repository: Repository | None = None
    """The git repository of a coding team; exactly one of repository and workspace."""
    workspace: Workspace | None = None
    """Inputs and output of a cowork team; exactly one of repository and workspace."""
    auth: Auth | None = None
    """The credential of the model provider; needed by every ``claude-code`` agent."""
    harness: Harness = "claude-code"
    """The harness of every agent that does not name its own."""
    lead: LeadSpec | None = None
    """The agent that coordinates; without it the teammates work independently."""
    teammates: Teammates = ()
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
    storage: Storage = Storage()
    """The team volume's claim."""
    suspend: Flag = False
    """True stops the agents and keeps their files and sessions; false continues them."""
    cancel: Flag = False
    """True ends the team for good; it cannot be taken back."""


class AgentTeam(Spec):
    """One team, as the API server holds it."""

    model_config = ConfigDict(json_schema_extra=rules(*OBJECT_RULES))

    api_version: str
    """``claude.amcheste.io/v1alpha1``."""
    kind: Literal["AgentTeam"]
    """``AgentTeam``."""
    metadata: dict[str, Any]
    """Kubernetes object metadata; the name is a DNS label of at most 63 characters."""
    spec: AgentTeamSpec
    """What a person asks for."""
    status: TeamStatus = TeamStatus()
    """What is known of the team; written by kagents alone."""
