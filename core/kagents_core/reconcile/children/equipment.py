"""What an agent is equipped with beside its prompt: skills, plugins, MCP servers, as volumes and in words.

Only the real CLI can use them, so only its agents get them; a simulated agent starts without their objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kagents_core.api.equipment import EnvironmentVariable, FolderSource, McpServer, layered_plugins
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.roster import Agent

SKILLS_DIR = "/kagents/skills"
PLUGINS_DIR = "/kagents/plugins"
MCP_DIR = "/kagents/mcp"
PULLED_DIR = "/kagents-skills"
"""Filled by the init container; outside the team volume, which that mounts as a whole and read-only."""
PULLED_LIMIT = "2560Mi"
"""32 skills and 32 plugins of 32 MiB, and room for what the file system adds."""
REGISTRY_DIR = "/registry-credentials"
_PLUGINS = ".plugins"
"""Folder of plugins among skills: no skill can have this name."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A skill or plugin: where its files come from, and where they are."""

    name: str
    source: FolderSource
    volume: str
    mounted: str
    """Where its ConfigMap is."""
    place: str
    """Below ``PULLED_DIR`` and ``REGISTRY_DIR``."""


def _skills(agent: Agent) -> list[_Folder]:
    return [
        _Folder(each.name, each.source, f"skill-{index}", f"{SKILLS_DIR}/{each.name}", each.name)
        for index, each in enumerate(agent.spec.skills if equipped(agent) else ())
    ]


def _plugins(spec: AgentTeamSpec, agent: Agent) -> list[_Folder]:
    given = layered_plugins(spec.plugins, agent.spec.plugins) if equipped(agent) else ()
    return [
        _Folder(
            each.name, each.source, f"plugin-{index}", f"{PLUGINS_DIR}/{each.name}", f"{_PLUGINS}/{each.name}"
        )
        for index, each in enumerate(given)
    ]


def equipped(agent: Agent) -> bool:
    """Whether this agent can use skills and servers."""
    return agent.harness == "claude-code"


def equipment_volumes(spec: AgentTeamSpec, agent: Agent) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and read-only mounts of the agent's container."""
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    if not equipped(agent):
        return volumes, mounts
    for folder in [*_skills(agent), *_plugins(spec, agent)]:
        if name := folder.source.config_map:
            volumes.append({"name": folder.volume, "configMap": {"name": name}})
            mounts.append({"name": folder.volume, "mountPath": folder.mounted, "readOnly": True})
    if _pulled(spec, agent):
        volumes.append({"name": "pulled-skills", "emptyDir": {"sizeLimit": PULLED_LIMIT}})
        mounts.append({"name": "pulled-skills", "mountPath": PULLED_DIR, "readOnly": True})
    for index, server in enumerate(agent.spec.mcp_servers):
        if (secrets := _secrets(server)) is not None:
            volumes.append({"name": f"mcp-{index}", **secrets})
            path = f"{MCP_DIR}/{server.name}"
            mounts.append({"name": f"mcp-{index}", "mountPath": path, "readOnly": True})
    return volumes, mounts


def fetching(
    spec: AgentTeamSpec, agent: Agent, networks: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Variables, volumes and mounts of the init container that pulls; it alone has the credentials."""
    pulled = _pulled(spec, agent)
    if not pulled:
        return [], [], []
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = [{"name": "pulled-skills", "mountPath": PULLED_DIR}]
    for folder in pulled:
        if name := folder.source.credentials_secret:
            items = [{"key": ".dockerconfigjson", "path": ".dockerconfigjson"}]
            secret = {"secretName": name, "defaultMode": 0o440, "items": items}
            volume = f"registry-{folder.volume}"
            volumes.append({"name": volume, "secret": secret})
            path = f"{REGISTRY_DIR}/{folder.place}"
            mounts.append({"name": volume, "mountPath": path, "readOnly": True})
    told = [{"name": "KAGENTS_REGISTRY_NETWORKS", "value": ",".join(networks)}] if networks else []
    return told, volumes, mounts


def _pulled(spec: AgentTeamSpec, agent: Agent) -> list[_Folder]:
    return [each for each in [*_skills(agent), *_plugins(spec, agent)] if each.source.oci]


def _secrets(server: McpServer) -> dict[str, Any] | None:
    """The volume that holds what no pod's manifest shows: a file for each header, or for each variable."""
    if server.credentials_secret:
        return {"secret": {"secretName": server.credentials_secret, "defaultMode": 0o440}}
    sources = [_source(variable) for variable in server.env if variable.value_from is not None]
    return {"projected": {"sources": sources, "defaultMode": 0o440}} if sources else None


def _source(variable: EnvironmentVariable) -> dict[str, Any]:
    assert variable.value_from is not None
    secret = variable.value_from.secret_key_ref
    reference = secret or variable.value_from.config_map_key_ref
    assert reference is not None
    projection: dict[str, Any] = {
        "name": reference.name,
        "items": [{"key": reference.key, "path": variable.name}],
    }
    if reference.optional is not None:
        projection["optional"] = reference.optional
    return {"secret" if secret else "configMap": projection}


def equipment_of(spec: AgentTeamSpec, agent: Agent) -> dict[str, Any]:
    """The part of ``KAGENTS_AGENT`` that tells of them."""
    servers = agent.spec.mcp_servers if equipped(agent) else ()
    return {
        "skills": [_told(folder) for folder in _skills(agent)],
        "plugins": [_told(folder) for folder in _plugins(spec, agent)],
        "mcpServers": [_server(server) for server in servers],
    }


def _told(folder: _Folder) -> dict[str, Any]:
    source = folder.source
    if source.path is not None:
        return {"name": folder.name, "path": source.path}
    if source.config_map is not None:
        return {"name": folder.name, "dir": folder.mounted}
    credentials = f"{REGISTRY_DIR}/{folder.place}" if source.credentials_secret else None
    pulled = f"{PULLED_DIR}/{folder.place}"
    return {"name": folder.name, "dir": pulled, "oci": source.oci, "credentials": credentials}


def _server(server: McpServer) -> dict[str, Any]:
    folder = f"{MCP_DIR}/{server.name}" if _secrets(server) is not None else None
    if server.command is not None:
        plain = {each.name: each.value or "" for each in server.env if each.value_from is None}
        about = {"command": server.command, "args": list(server.args), "env": plain}
        return {"name": server.name, "type": "stdio", **about, "credentials": folder}
    url = server.url or ""
    path = url.split("?", 1)[0].rstrip("/")
    kind = server.type or ("sse" if path.endswith("/sse") else "http")
    return {"name": server.name, "type": kind, "url": url, "credentials": folder}
