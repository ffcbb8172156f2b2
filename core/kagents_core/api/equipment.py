"""What an agent may be equipped with beside its prompt: skills, plugins, MCP servers, variables."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from kagents_core.api.fields import (
    Artifact,
    CommandPart,
    Flag,
    FolderPath,
    Key,
    Label,
    ObjectName,
    VariableName,
    WebAddress,
)
from kagents_core.api.model import Spec, map_list, refusal, rules

OWN_SERVER: Final = "kagents"
"""The server by which kagents itself gives an agent its tools."""

ONE_FOLDER_SOURCE = "a skill or plugin comes from exactly one of configMap, oci and path"
ONLY_ARTIFACT = "a credential is needed only for an artifact; give it with oci"
ONE_VALUE_SOURCE = "a value comes from exactly one of secretKeyRef and configMapKeyRef"
ONE_VALUE = "a variable has value or valueFrom, not both"
RESERVED_SERVER = "kagents itself is the MCP server of this name; give yours another one"
ONE_SERVER = "an MCP server has a url or a command (which the agent's pod runs), and not both"
STDIO_IS_COMMAND = "stdio is the type of a server with a command, http and sse are those of one with a url"
ONLY_COMMAND = "args and env belong to a server with a command; headers come from credentialsSecret"
ONLY_URL = "credentialsSecret holds the headers of a server with a url; give a command its secrets by env"

_SERVER_RULES: Final = (
    (f"self.name != '{OWN_SERVER}'", RESERVED_SERVER),
    ("has(self.url) != has(self.command)", ONE_SERVER),
    ("!has(self.type) || (self.type == 'stdio') == has(self.command)", STDIO_IS_COMMAND),
    (
        "has(self.command) || "
        "(!has(self.args) || size(self.args) == 0) && (!has(self.env) || size(self.env) == 0)",
        ONLY_COMMAND,
    ),
    ("!(has(self.command) && has(self.credentialsSecret))", ONLY_URL),
)


class FolderSource(Spec):
    """Where a skill or plugin comes from; exactly one of the three."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.configMap) ? 1 : 0) + (has(self.oci) ? 1 : 0) + (has(self.path) ? 1 : 0) == 1",
                ONE_FOLDER_SOURCE,
            ),
            ("!has(self.credentialsSecret) || has(self.oci)", ONLY_ARTIFACT),
        )
    )

    config_map: ObjectName | None = None
    """ConfigMap whose keys are the files; archives among them (``.tar.gz``, ``.tgz``, ``.zip``) are
    unpacked."""
    oci: Artifact | None = None
    """OCI artifact that holds the files, pulled over https when the agent starts."""
    credentials_secret: ObjectName | None = None
    """Secret of type ``kubernetes.io/dockerconfigjson`` to pull ``oci`` with; agents never see it."""
    path: FolderPath | None = None
    """Folder of the repository, as the agent's worktree has it when the agent starts."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(each is not None for each in (self.config_map, self.oci, self.path)) != 1:
            raise refusal(ONE_FOLDER_SOURCE)
        if self.credentials_secret is not None and self.oci is None:
            raise refusal(ONLY_ARTIFACT, field="credentialsSecret", value=self.credentials_secret)
        return self


class Skill(Spec):
    """A Claude Code skill mounted into the agent's skills folder."""

    name: Label
    """Folder name of the skill."""
    source: FolderSource
    """Where its files come from."""


class Plugin(Spec):
    """A Claude Code plugin: a folder with ``.claude-plugin/plugin.json``, skills, commands, hooks …"""

    name: Label
    """Name under which it is kept; an agent's own plugin takes the place of the team's of the same name."""
    source: FolderSource
    """Where its files come from."""


MOST_PLUGINS: Final = 16
Plugins = Annotated[tuple[Plugin, ...], Field(max_length=MOST_PLUGINS, json_schema_extra=map_list("name"))]


def layered_plugins(team: Sequence[Plugin], agent: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """The team's plugins and then the agent's, which take the place of those of the same name."""
    return tuple(({each.name: each for each in team} | {each.name: each for each in agent}).values())


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


class McpServer(Spec):
    """A Model Context Protocol server that the agent connects to, or starts."""

    model_config = ConfigDict(json_schema_extra=rules(*_SERVER_RULES))

    name: Label
    """Name under which the agent knows the server."""
    url: WebAddress | None = None
    """Address of a server that runs elsewhere."""
    type: Literal["http", "sse", "stdio"] | None = None
    """How it is spoken to; when absent ``stdio`` with a command, ``sse`` if the path ends with ``/sse``."""
    credentials_secret: ObjectName | None = None
    """Secret whose key ``token`` is sent as bearer token, and every other key as the header of its name."""
    command: CommandPart | None = None
    """Program of the agent's image that is the server; the agent's pod runs it, without a shell."""
    args: Annotated[tuple[CommandPart, ...], Field(max_length=32)] = ()
    """Its arguments, taken literally."""
    env: Annotated[
        tuple[EnvironmentVariable, ...], Field(max_length=16, json_schema_extra=map_list("name"))
    ] = ()
    """Its variables beside the agent's own, which it gets without the model's credential."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.name == OWN_SERVER:
            raise refusal(RESERVED_SERVER, field="name", value=self.name)
        if (self.url is None) == (self.command is None):
            raise refusal(ONE_SERVER, value=self.name)
        if self.type is not None and (self.type == "stdio") != (self.command is not None):
            raise refusal(STDIO_IS_COMMAND, field="type", value=self.type)
        if self.command is None and (self.args or self.env):
            raise refusal(ONLY_COMMAND, field="args" if self.args else "env", value=self.name)
        if self.command is not None and self.credentials_secret is not None:
            raise refusal(ONLY_URL, field="credentialsSecret", value=self.credentials_secret)
        return self
