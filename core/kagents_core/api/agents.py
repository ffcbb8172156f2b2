"""The agents of a team: the lead, the teammates, and what each may be given."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from kagents_core.api.constants import RESERVED_NAMES
from kagents_core.api.fields import (
    Amounts,
    Duration,
    Flag,
    Image,
    Key,
    Label,
    LongText,
    ModelName,
    ObjectName,
    PathText,
    Prompt,
    VariableName,
    WebAddress,
)
from kagents_core.api.model import SET_LIST, Spec, map_list, refusal, rules

Harness = Literal["claude-code", "simulated"]
"""What runs an agent: the real Claude Code CLI, or a script that speaks the same native files."""

PermissionMode = Literal["auto-accept", "plan", "default"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]

ONE_SKILL_SOURCE = "a skill comes from exactly one of configMap and oci"
ONE_VALUE_SOURCE = "a value comes from exactly one of secretKeyRef and configMapKeyRef"
ONE_VALUE = "a variable has value or valueFrom, not both"
SCRIPT_NEEDS_SIMULATED = "only an agent with harness simulated takes a script"


class SkillSource(Spec):
    """Where a skill comes from; exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.configMap) != has(self.oci)", ONE_SKILL_SOURCE))
    )

    config_map: ObjectName | None = None
    """ConfigMap whose keys are the skill's files."""
    oci: Image | None = None
    """Reference of an OCI artifact that holds the skill."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.config_map is None) == (self.oci is None):
            raise refusal(ONE_SKILL_SOURCE)
        return self


class Skill(Spec):
    """A Claude Code skill mounted into the agent's skills folder."""

    name: Label
    """Folder name of the skill."""
    source: SkillSource
    """Where its files come from."""


class McpServer(Spec):
    """A Model Context Protocol server that the agent connects to."""

    name: Label
    """Name under which the agent knows the server."""
    url: WebAddress
    """Address of the server."""
    type: Literal["http", "sse"] | None = None
    """How it is spoken to; told from the address when absent: ``sse`` if its path ends with ``/sse``."""
    credentials_secret: ObjectName | None = None
    """Secret whose key ``token`` is sent as bearer token, and every other key as the header of its name."""


class KeyReference(Spec):
    """A key of a Secret or ConfigMap in the team's namespace."""

    name: ObjectName
    """Name of the Secret or ConfigMap."""
    key: Key
    """The key in it."""
    optional: Flag | None = None
    """True when the agent may start without it."""


class EnvironmentSource(Spec):
    """Where a variable's value comes from; exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.secretKeyRef) != has(self.configMapKeyRef)", ONE_VALUE_SOURCE))
    )

    secret_key_ref: KeyReference | None = None
    """A key of a Secret."""
    config_map_key_ref: KeyReference | None = None
    """A key of a ConfigMap."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.secret_key_ref is None) == (self.config_map_key_ref is None):
            raise refusal(ONE_VALUE_SOURCE)
        return self


class EnvironmentVariable(Spec):
    """One environment variable of an agent, in the shape of a container's ``env`` entry."""

    model_config = ConfigDict(
        json_schema_extra=rules(("!(has(self.value) && has(self.valueFrom))", ONE_VALUE))
    )

    name: VariableName
    """Name of the variable; those that kagents sets itself are refused."""
    value: Annotated[str, Field(max_length=32768)] | None = None
    """The value in plain text; secrets belong in ``valueFrom``."""
    value_from: EnvironmentSource | None = None
    """Where the value comes from."""

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if self.value is not None and self.value_from is not None:
            raise refusal(ONE_VALUE, value=self.name)
        return self


class Resources(Spec):
    """Requests and limits of an agent's container, as Kubernetes quantities."""

    requests: Amounts = Field(default_factory=dict)
    """What the scheduler keeps free for the agent."""
    limits: Amounts = Field(default_factory=dict)
    """What the agent may use at most."""


_AGENT_RULES = (
    (
        "!(has(self.script) && has(self.harness)) || self.harness == 'simulated'",
        SCRIPT_NEEDS_SIMULATED,
    ),
)


class AgentSpec(Spec):
    """What a lead and a teammate have in common."""

    model_config = ConfigDict(json_schema_extra=rules(*_AGENT_RULES))

    model: ModelName | None = None
    """Model that the agent uses: an alias such as ``opus``, or a full id."""
    prompt: Prompt
    """The agent's task, in words; a teammate's may name results: ``{{ results.AGENT.KEY }}``."""
    harness: Harness | None = None
    """What runs this agent; the team's ``harness`` when absent."""
    permission_mode: PermissionMode = "auto-accept"
    """How the agent asks before it uses a tool."""
    effort: Effort | None = None
    """How much the model thinks; its own default when absent."""
    skills: Annotated[tuple[Skill, ...], Field(max_length=32, json_schema_extra=map_list("name"))] = ()
    """Skills of the agent."""
    mcp_servers: Annotated[
        tuple[McpServer, ...], Field(max_length=32, json_schema_extra=map_list("name"))
    ] = ()
    """Model Context Protocol servers of the agent."""
    env: Annotated[
        tuple[EnvironmentVariable, ...], Field(max_length=64, json_schema_extra=map_list("name"))
    ] = ()
    """Further environment variables of the agent."""
    image: Image | None = None
    """Image of the agent's container; the runner's image when absent."""
    resources: Resources | None = None
    """Requests and limits of the agent's container."""
    timeout: Duration | None = None
    """How long one run of the agent may take; no limit of its own when absent."""
    script: LongText | None = None
    """YAML steps of a ``simulated`` agent; without it the agent plays a default part."""

    @model_validator(mode="after")
    def _script_is_simulated(self) -> Self:
        if self.script is not None and self.harness == "claude-code":
            raise refusal(SCRIPT_NEEDS_SIMULATED, field="script")
        return self


class LeadSpec(AgentSpec):
    """The agent that coordinates; in the native files it is the ordinary member ``lead``."""

    model: ModelName | None = "opus"
    """Model that the lead uses: an alias such as ``opus``, or a full id."""


class Scope(Spec):
    """Paths of the repository that an agent should keep to."""

    include_paths: Annotated[tuple[PathText, ...], Field(max_length=128)] = ()
    """Paths that the agent may change: files, folders, or patterns with ``*`` and ``**``; all when empty."""
    exclude_paths: Annotated[tuple[PathText, ...], Field(max_length=128)] = ()
    """Paths that the agent must leave alone."""
    on_violation: Literal["report", "revert", "fail"] = "report"
    """What happens at the end to changes of other paths: they are named, taken out, or stop the delivery."""


MOST_TEAMMATES = 50
"""More would let the rules between teammates exceed the cost that an API server allows."""

NOT_ITSELF = "a teammate cannot wait for itself"
RESERVED_NAME = "this name belongs to kagents; lead, team-lead, hub, finish, export and user are reserved"


class TeammateSpec(AgentSpec):
    """A worker agent."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *_AGENT_RULES,
            (f"!(self.name in {sorted(RESERVED_NAMES)})", RESERVED_NAME),
            ("!has(self.dependsOn) || !(self.name in self.dependsOn)", NOT_ITSELF),
        )
    )

    name: Label
    """Name of the teammate, unique in the team."""
    model: ModelName | None = "sonnet"
    """Model that the teammate uses: an alias such as ``sonnet``, or a full id."""
    depends_on: Annotated[
        tuple[Label, ...], Field(max_length=MOST_TEAMMATES, json_schema_extra=SET_LIST)
    ] = ()
    """Teammates that must have completed before this one starts."""
    scope: Scope | None = None
    """Paths of the repository that this teammate should keep to."""

    @model_validator(mode="after")
    def _own_name(self) -> Self:
        if self.name in RESERVED_NAMES:
            raise refusal(RESERVED_NAME, field="name", value=self.name)
        if self.name in self.depends_on:
            field = f"dependsOn[{self.depends_on.index(self.name)}]"
            raise refusal(NOT_ITSELF, field=field, value=self.name)
        return self


Teammates = Annotated[
    tuple[TeammateSpec, ...], Field(max_length=MOST_TEAMMATES, json_schema_extra=map_list("name"))
]
