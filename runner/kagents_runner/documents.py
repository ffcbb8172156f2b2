"""The two JSON documents that the controller hands to every pod: ``KAGENTS_TEAM`` and ``KAGENTS_AGENT``.

The shapes are those of docs/internals.md, section 1. Unknown fields are ignored, so that a newer controller
can run an older runner; a missing or wrong one is a ``DocumentError`` of one sentence that names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kagents_runner.documentfields import DocumentError, Fields, document_object
from kagents_runner.equipment import FolderDocument, McpServerDocument, folder_document, server_document
from kagents_runner.quality.wanted import NO_CHECKS, Quality
from kagents_runner.scope import Scope

__all__ = [
    "AgentDocument",
    "DocumentError",
    "GatewayDocument",
    "Repository",
    "RosterEntry",
    "TeamDocument",
    "parse_agent",
    "parse_team",
]


@dataclass(frozen=True, slots=True)
class Repository:
    """The git repository of a coding team."""

    url: str
    branch: str
    """Branch, tag or commit."""
    worktree_strategy: str
    depth: int | None = None
    remotes: tuple[tuple[str, str], ...] = ()
    """Names and addresses of further repositories."""
    submodules: bool = True
    lfs: bool = True
    agent_access: str = "none"
    """What agents may do with it while they work: ``none``, ``fetch``, or ``push`` their own branch."""
    setup_command: tuple[str, ...] = ()

    @property
    def shared(self) -> bool:
        """Whether all agents work in one worktree."""
        return self.worktree_strategy == "shared"


@dataclass(frozen=True, slots=True)
class GatewayDocument:
    """How the team's gateway reaches the model."""

    provider: str
    """``anthropic``, ``bedrock`` or ``vertex``."""
    base_url: str | None = None
    region: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One declared agent as every other part of the team may know it."""

    name: str
    role: str
    model: str | None
    harness: str
    depends_on: tuple[str, ...]
    gate: str | None
    prompt: str
    artifacts: tuple[str, ...] = ()
    """Names of what it makes for others."""
    budget_micros: int | None = None
    """Micro-dollars that it may spend; None: no limit of its own."""


@dataclass(frozen=True, slots=True)
class TeamDocument:
    """``KAGENTS_TEAM``: what every part must know of the team."""

    name: str
    namespace: str
    uid: str
    mode: str
    repository: Repository | None
    output_dir: str | None
    inputs: tuple[str, ...]
    idle_timeout_seconds: float | None
    agents: tuple[RosterEntry, ...]
    gateway: GatewayDocument | None = None
    """None: agents that speak to a model do so themselves."""
    budget_micros: int | None = None
    """Micro-dollars that all agents may spend; None: no limit."""

    def agent(self, name: str) -> RosterEntry:
        """The declared agent of this name; ``KeyError`` when there is none."""
        for entry in self.agents:
            if entry.name == name:
                return entry
        raise KeyError(name)

    @property
    def teammates(self) -> tuple[RosterEntry, ...]:
        """The declared agents that are not the lead."""
        return tuple(entry for entry in self.agents if entry.role != "lead")


@dataclass(frozen=True, slots=True)
class ArtifactDocument:
    """What the agent makes: its name, and where in the working directory it is."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class InputDocument:
    """What the agent takes from another, and the place where it finds it."""

    agent: str
    artifact: str
    path: str

    def __str__(self) -> str:
        return f"{self.agent}/{self.artifact}"


@dataclass(frozen=True, slots=True)
class AgentDocument:
    """``KAGENTS_AGENT``: the agent of this pod."""

    name: str
    role: str
    model: str | None
    prompt: str
    harness: str
    permission_mode: str
    effort: str | None
    script: str | None
    attempt: int
    session_id: str
    timeout_seconds: float | None
    scope: Scope | None = None
    """The paths that it may change; None: all."""
    skills: tuple[FolderDocument, ...] = ()
    plugins: tuple[FolderDocument, ...] = ()
    mcp_servers: tuple[McpServerDocument, ...] = ()
    quality: Quality = NO_CHECKS
    """The checks that its work has to pass."""
    conflict: str | None = None
    """The conflict of branches that it is started for, in words."""
    artifacts: tuple[ArtifactDocument, ...] = ()
    inputs: tuple[InputDocument, ...] = ()
    instructions: str = ""
    """What it is to heed at all times: the team's text, then its own."""


def parse_team(text: str | bytes) -> TeamDocument:
    """Reads ``KAGENTS_TEAM`` (or ``roster.json``). Raises ``DocumentError``."""
    fields = Fields("KAGENTS_TEAM", document_object("KAGENTS_TEAM", text))
    agents = tuple(_roster_entry(Fields("KAGENTS_TEAM.agents", item)) for item in fields.items("agents"))
    repository: dict[str, Any] | None = fields.optional("repository", dict)
    return TeamDocument(
        name=fields.required("name", str),
        namespace=fields.required("namespace", str),
        uid=fields.required("uid", str),
        mode=fields.required("mode", str),
        repository=None if repository is None else _repository(repository),
        output_dir=fields.optional("outputDir", str),
        inputs=fields.strings("inputs"),
        idle_timeout_seconds=fields.number("idleTimeoutSeconds"),
        agents=agents,
        gateway=_gateway(fields.optional("gateway", dict)),
        budget_micros=fields.optional("budgetMicros", int),
    )


def parse_agent(text: str | bytes) -> AgentDocument:
    """Reads ``KAGENTS_AGENT``. Raises ``DocumentError``."""
    fields = Fields("KAGENTS_AGENT", document_object("KAGENTS_AGENT", text))
    return AgentDocument(
        name=fields.required("name", str),
        role=fields.required("role", str),
        model=fields.optional("model", str),
        prompt=fields.required("prompt", str),
        harness=fields.required("harness", str),
        permission_mode=fields.optional("permissionMode", str) or "auto-accept",
        effort=fields.optional("effort", str),
        script=fields.optional("script", str),
        attempt=fields.optional("attempt", int) or 0,
        session_id=fields.required("sessionId", str),
        conflict=fields.optional("conflict", str),
        timeout_seconds=fields.number("timeoutSeconds"),
        scope=_scope(fields.optional("scope", dict)),
        skills=tuple(folder_document("skill", item) for item in fields.items("skills")),
        plugins=tuple(folder_document("plugin", item) for item in fields.items("plugins")),
        mcp_servers=tuple(server_document(item) for item in fields.items("mcpServers")),
        quality=_quality(fields.optional("quality", dict)),
        artifacts=tuple(_artifact(item) for item in fields.items("artifacts")),
        inputs=tuple(_input(item) for item in fields.items("inputs")),
        instructions=fields.optional("instructions", str) or "",
    )


def _gateway(value: dict[str, Any] | None) -> GatewayDocument | None:
    if value is None:
        return None
    fields = Fields("KAGENTS_TEAM.gateway", value)
    return GatewayDocument(
        provider=fields.required("provider", str),
        base_url=fields.optional("baseUrl", str),
        region=fields.optional("region", str),
        project=fields.optional("project", str),
    )


def _artifact(value: object) -> ArtifactDocument:
    fields = Fields("KAGENTS_AGENT.artifacts", value)
    return ArtifactDocument(fields.required("name", str), fields.required("path", str))


def _input(value: object) -> InputDocument:
    fields = Fields("KAGENTS_AGENT.inputs", value)
    return InputDocument(
        fields.required("agent", str), fields.required("artifact", str), fields.required("path", str)
    )


def _scope(value: dict[str, Any] | None) -> Scope | None:
    if value is None:
        return None
    fields = Fields("KAGENTS_AGENT.scope", value)
    return Scope(
        fields.strings("include"), fields.strings("exclude"), fields.optional("onViolation", str) or "report"
    )


def _quality(value: dict[str, Any] | None) -> Quality:
    fields = Fields("KAGENTS_AGENT.quality", value or {})
    rounds, seconds = fields.optional("rounds", int), fields.number("seconds")
    return Quality(
        tests=fields.optional("tests", bool) or False,
        lint=fields.optional("lint", bool) or False,
        test_command=fields.optional("testCommand", str),
        lint_command=fields.optional("lintCommand", str),
        script=fields.optional("script", str),
        rounds=NO_CHECKS.rounds if rounds is None else rounds,
        seconds=seconds or NO_CHECKS.seconds,
    )


def _roster_entry(fields: Fields) -> RosterEntry:
    return RosterEntry(
        name=fields.required("name", str),
        role=fields.required("role", str),
        model=fields.optional("model", str),
        harness=fields.required("harness", str),
        depends_on=fields.strings("dependsOn"),
        gate=fields.optional("gate", str),
        prompt=fields.optional("prompt", str) or "",
        artifacts=fields.strings("artifacts"),
        budget_micros=fields.optional("budgetMicros", int),
    )


def _repository(value: Mapping[str, Any]) -> Repository:
    fields = Fields("KAGENTS_TEAM.repository", value)
    return Repository(
        url=fields.required("url", str),
        branch=fields.optional("branch", str) or "main",
        worktree_strategy=fields.optional("worktreeStrategy", str) or "per-teammate",
        depth=fields.optional("depth", int),
        remotes=tuple(_remote(item) for item in fields.items("remotes")),
        submodules=fields.optional("submodules", bool) is not False,
        lfs=fields.optional("lfs", bool) is not False,
        agent_access=fields.optional("agentAccess", str) or "none",
        setup_command=fields.strings("setupCommand"),
    )


def _remote(value: object) -> tuple[str, str]:
    fields = Fields("KAGENTS_TEAM.repository.remotes", value)
    return fields.required("name", str), fields.required("url", str)
