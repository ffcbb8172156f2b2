"""What ``KAGENTS_AGENT`` says of an agent's skills, plugins and MCP servers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.documentfields import DocumentError, Fields

_SECRET_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class FolderDocument:
    """A skill or plugin, and where it is."""

    name: str
    directory: str = ""
    """The folder of its ConfigMap, or of what was pulled."""
    oci: str | None = None
    """The artifact that is pulled into the folder before the agent's container starts."""
    credentials: str | None = None
    """The folder of the Secret to pull it with; only the container that pulls has it."""
    path: str | None = None
    """A folder of the agent's worktree instead."""
    kind: Literal["skill", "plugin"] = "skill"


@dataclass(frozen=True, slots=True)
class McpServerDocument:
    """An MCP server that the agent connects to, or (with a command) that its pod runs."""

    name: str
    type: str
    url: str = ""
    credentials: str | None = None
    """The folder of what no manifest shows: a file for each header, or for each variable of a command."""
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that are no secrets."""


def folder_document(kind: Literal["skill", "plugin"], value: object) -> FolderDocument:
    """One entry of ``skills`` or ``plugins``. Raises ``DocumentError``."""
    fields = Fields(f"KAGENTS_AGENT.{kind}s", value)
    path = fields.optional("path", str)
    return FolderDocument(
        name=fields.required("name", str),
        directory="" if path is not None else fields.required("dir", str),
        oci=fields.optional("oci", str),
        credentials=fields.optional("credentials", str),
        path=path,
        kind=kind,
    )


def server_document(value: object) -> McpServerDocument:
    """One entry of ``mcpServers``. Raises ``DocumentError``."""
    where = "KAGENTS_AGENT.mcpServers"
    fields = Fields(where, value)
    command = fields.optional("command", str)
    plain: dict[str, Any] = fields.optional("env", dict) or {}
    if not all(isinstance(each, str) for each in plain.values()):
        raise DocumentError(f"{where}.env must be an object of texts.")
    return McpServerDocument(
        name=fields.required("name", str),
        type="stdio" if command is not None else fields.optional("type", str) or "http",
        url="" if command is not None else fields.required("url", str),
        credentials=fields.optional("credentials", str),
        command=command,
        args=fields.strings("args"),
        env=plain,
    )


def mounted_values(folder: Path) -> dict[str, str]:
    """What a mounted Secret or projection holds: a text for each file. Raises ``OSError``."""
    found = {}
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".."):
            found[path.name] = read_bounded(path.resolve(), _SECRET_BYTES).decode(errors="replace")
    return found


def secret_values(servers: Iterable[McpServerDocument]) -> list[str]:
    """The values of headers and variables that no log may show. One that cannot be read is left out."""
    found: list[str] = []
    for server in servers:
        if server.credentials is not None:
            try:
                values = mounted_values(Path(server.credentials)).values()
            except OSError:
                continue
            found += [value.strip() for value in values]
    return found
