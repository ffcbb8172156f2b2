"""The agents of a team: the lead, the teammates, and what each may be given."""

from typing import Literal

from pydantic import Field

from kagents_core.api.model import Spec

Harness = Literal["claude-code", "simulated"]
"""What runs an agent: the real Claude Code CLI, or a script that speaks the same native files."""

PermissionMode = Literal["auto-accept", "plan", "default"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]


class SkillSource(Spec):
    """Where a skill comes from; exactly one of the two."""

    config_map: str | None = None
    oci: str | None = None


class Skill(Spec):
    """A Claude Code skill mounted into the agent's skills folder."""

    name: str
    source: SkillSource


class McpServer(Spec):
    """A Model Context Protocol server that the agent connects to."""

    name: str
    url: str
    credentials_secret: str | None = None


class KeyReference(Spec):
    """A key of a Secret or ConfigMap in the team's namespace."""

    name: str
    key: str
    optional: bool | None = None


class EnvironmentSource(Spec):
    """Where a variable's value comes from; exactly one of the two."""

    secret_key_ref: KeyReference | None = None
    config_map_key_ref: KeyReference | None = None


class EnvironmentVariable(Spec):
    """One environment variable of an agent, in the shape of a container's ``env`` entry."""

    name: str
    value: str | None = None
    value_from: EnvironmentSource | None = None


class Resources(Spec):
    """Requests and limits of an agent's container, as Kubernetes quantities."""

    requests: dict[str, str] = Field(default_factory=dict)
    limits: dict[str, str] = Field(default_factory=dict)


class AgentSpec(Spec):
    """What a lead and a teammate have in common."""

    model: str | None = None
    prompt: str
    harness: Harness | None = None
    permission_mode: PermissionMode = "auto-accept"
    effort: Effort | None = None
    skills: tuple[Skill, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    env: tuple[EnvironmentVariable, ...] = ()
    image: str | None = None
    resources: Resources | None = None
    timeout: str | None = None
    script: str | None = None
    """YAML steps of a ``simulated`` agent; without it the agent plays a default part."""


class LeadSpec(AgentSpec):
    """The agent that coordinates; in the native files it is the ordinary member ``lead``."""

    model: str | None = "opus"


class Scope(Spec):
    """Paths of the repository that an agent should keep to."""

    include_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()


class TeammateSpec(AgentSpec):
    """A worker agent."""

    name: str
    model: str | None = "sonnet"
    depends_on: tuple[str, ...] = ()
    scope: Scope | None = None
