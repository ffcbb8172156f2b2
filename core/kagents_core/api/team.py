"""``AgentTeam``: a lead and teammates, the place they work in, and the limits they work within."""

from typing import Any, Literal

from pydantic import Field

from kagents_core.api.agents import Harness, LeadSpec, TeammateSpec
from kagents_core.api.model import Spec
from kagents_core.api.status import TeamStatus

OnComplete = Literal["create-pr", "push-branch", "notify", "none"]


class Repository(Spec):
    """The git repository of a coding team."""

    url: str
    branch: str = "main"
    credentials_secret: str | None = None
    """Secret with key ``token`` (https) or ``ssh-privatekey`` (ssh)."""
    worktree_strategy: Literal["per-teammate", "shared"] = "per-teammate"


class WorkspaceInput(Spec):
    """Read-only material of a cowork team; exactly one source."""

    config_map: str | None = None
    pvc: str | None = None
    mount_path: str


class WorkspaceOutput(Spec):
    """Where a cowork team leaves its documents."""

    pvc: str | None = None
    storage_class: str | None = None
    size: str = "5Gi"
    mount_path: str = "/workspace/output"


class Workspace(Spec):
    """Inputs and output of a cowork team."""

    inputs: tuple[WorkspaceInput, ...] = ()
    output: WorkspaceOutput | None = None


class Auth(Spec):
    """The credential of the model provider; at most one of the two."""

    api_key_secret: str | None = None
    """Secret with key ``ANTHROPIC_API_KEY``."""
    oauth_secret: str | None = None
    """Secret with key ``CLAUDE_CODE_OAUTH_TOKEN`` (or ``CLAUDE_OAUTH_TOKEN``)."""


class ApprovalGate(Spec):
    """A point where the team waits for a person."""

    event: str
    """``spawn-<teammate>`` or ``finish``."""
    channel: Literal["webhook", "none"] = "none"
    webhook_url: str | None = None


class PullRequest(Spec):
    """How the pull request of ``onComplete: create-pr`` is made."""

    target_branch: str = "main"
    title_template: str | None = None
    reviewers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class Lifecycle(Spec):
    """Limits, gates, and what happens at the end."""

    timeout: str = "4h"
    budget_limit: str | None = None
    on_complete: OnComplete = "notify"
    pull_request: PullRequest | None = None
    approval_gates: tuple[ApprovalGate, ...] = ()
    max_restarts: int = Field(default=3, ge=0, le=100)
    ttl_seconds_after_finished: int | None = Field(default=None, ge=0)
    idle_timeout: str | None = None
    github_token_secret: str | None = None
    pr_title_template: str | None = None
    git_credentials_secret: str | None = None
    consolidated_branch_template: str | None = None


class QualityGates(Spec):
    """Checks an agent's work has to pass."""

    require_tests: bool = False
    require_lint: bool = False
    validation_script: str | None = None


class Beads(Spec):
    """Settings of the described system's alternative task backend."""

    enabled: bool = False
    dolt_server_service: str | None = None
    dolt_server_port: int = 3306


class Coordination(Spec):
    """Backends of mail and tasks; only the shared volume is supported."""

    mailbox_backend: Literal["shared-volume", "redis", "nats"] = "shared-volume"
    task_backend: Literal["shared-volume", "beads"] = "shared-volume"
    beads: Beads | None = None


class ObservabilityMetrics(Spec):
    """Metrics endpoint of a team."""

    enabled: bool = False
    port: int = 9090


class ObservabilityWebhook(Spec):
    """Where a team's events are posted."""

    url: str
    events: tuple[str, ...] = ()


class Observability(Spec):
    """Logs, metrics and webhooks of a team."""

    metrics: ObservabilityMetrics | None = None
    log_level: Literal["debug", "info", "warn", "error"] = "info"
    webhook: ObservabilityWebhook | None = None


class Storage(Spec):
    """The team volume's claim."""

    class_name: str | None = None
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    size: str = "10Gi"


class AgentTeamSpec(Spec):
    """What a person asks for."""

    repository: Repository | None = None
    workspace: Workspace | None = None
    auth: Auth | None = None
    harness: Harness = "claude-code"
    """The harness of every agent that does not name its own."""
    lead: LeadSpec | None = None
    teammates: tuple[TeammateSpec, ...] = ()
    coordination: Coordination | None = None
    lifecycle: Lifecycle = Lifecycle()
    quality_gates: QualityGates | None = None
    observability: Observability | None = None
    storage: Storage = Storage()
    suspend: bool = False
    cancel: bool = False


class AgentTeam(Spec):
    """One team, as the API server holds it."""

    api_version: str
    kind: Literal["AgentTeam"]
    metadata: dict[str, Any]
    spec: AgentTeamSpec
    status: TeamStatus = TeamStatus()
