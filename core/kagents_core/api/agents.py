"""The agents of a team: the lead, the teammates, and what each may be given."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from kagents_core.api.artifacts import MOST_ARTIFACTS, MOST_INPUTS, AgentInput, Artifact
from kagents_core.api.constants import RESERVED_NAMES
from kagents_core.api.equipment import EnvironmentVariable, McpServer, Plugins, Skill
from kagents_core.api.fields import (
    Amounts,
    Duration,
    Image,
    Instructions,
    Label,
    LongText,
    ModelName,
    Money,
    PathText,
    Prompt,
)
from kagents_core.api.model import SET_LIST, Spec, map_list, refusal, rules

Harness = Literal["claude-code", "simulated"]
"""What runs an agent: the real Claude Code CLI, or a script that speaks the same native files."""

PermissionMode = Literal["auto-accept", "plan", "default"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]

SCRIPT_NEEDS_SIMULATED = "only an agent with harness simulated takes a script"


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
    instructions: Instructions | None = None
    """What this agent is to heed at all times, after the team's ``instructions``: its own ``CLAUDE.md``."""
    harness: Harness | None = None
    """What runs this agent; the team's ``harness`` when absent."""
    permission_mode: PermissionMode = "auto-accept"
    """How the agent asks before it uses a tool."""
    effort: Effort | None = None
    """How much the model thinks; its own default when absent."""
    skills: Annotated[tuple[Skill, ...], Field(max_length=32, json_schema_extra=map_list("name"))] = ()
    """Skills of the agent."""
    plugins: Plugins = ()
    """Plugins of the agent, beside the team's."""
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
    budget: Money | None = None
    """US dollars that this agent may spend; then ``lifecycle.onBudget`` says what happens. No limit of its
    own when absent."""
    artifacts: Annotated[
        tuple[Artifact, ...], Field(max_length=MOST_ARTIFACTS, json_schema_extra=map_list("name"))
    ] = ()
    """Files and folders that are kept, with check sums, when the agent has ended."""
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
    """Paths of the repository, or of a workspace's output, that an agent should keep to."""

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
            ("!has(self.inputs) || self.inputs.all(i, !i.from.startsWith(self.name + '/'))", NOT_ITSELF),
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
    inputs: Annotated[
        tuple[AgentInput, ...], Field(max_length=MOST_INPUTS, json_schema_extra=map_list("from"))
    ] = ()
    """Artifacts of other teammates; like ``dependsOn``, this one starts when those have completed."""
    scope: Scope | None = None
    """Paths of the repository, or of the workspace's output, that this teammate should keep to."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Whom it waits for: the teammates of ``dependsOn``, then those whose artifacts it takes."""
        return tuple(dict.fromkeys((*self.depends_on, *(each.agent for each in self.inputs))))

    @model_validator(mode="after")
    def _own_name(self) -> Self:
        if self.name in RESERVED_NAMES:
            raise refusal(RESERVED_NAME, field="name", value=self.name)
        if self.name in self.depends_on:
            field = f"dependsOn[{self.depends_on.index(self.name)}]"
            raise refusal(NOT_ITSELF, field=field, value=self.name)
        for index, each in enumerate(self.inputs):
            if each.agent == self.name:
                raise refusal(NOT_ITSELF, field=f"inputs[{index}].from", value=each.source)
        return self
