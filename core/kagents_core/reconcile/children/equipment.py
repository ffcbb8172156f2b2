"""What an agent is equipped with beside its prompt: skills and MCP servers, as volumes and in words.

Only the real CLI can use them, so only its agents get them; a simulated agent starts without their objects.
"""

from collections.abc import Sequence
from typing import Any

from kagents_core.api.equipment import EnvironmentVariable, McpServer, Skill
from kagents_core.reconcile.roster import Agent

SKILLS_DIR = "/kagents/skills"
MCP_DIR = "/kagents/mcp"
PULLED_DIR = "/kagents-skills"
"""Filled by the init container; outside the team volume, which that mounts as a whole and read-only."""
PULLED_LIMIT = "1280Mi"
"""32 skills of 32 MiB, and room for what the file system adds."""
REGISTRY_DIR = "/registry-credentials"


def equipped(agent: Agent) -> bool:
    """Whether this agent can use skills and servers."""
    return agent.harness == "claude-code"


def equipment_volumes(agent: Agent) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and read-only mounts of the agent's container."""
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    if not equipped(agent):
        return volumes, mounts
    for index, skill in enumerate(agent.spec.skills):
        if skill.source.config_map:
            volumes.append({"name": f"skill-{index}", "configMap": {"name": skill.source.config_map}})
            path = f"{SKILLS_DIR}/{skill.name}"
            mounts.append({"name": f"skill-{index}", "mountPath": path, "readOnly": True})
    if _pulled(agent):
        volumes.append({"name": "pulled-skills", "emptyDir": {"sizeLimit": PULLED_LIMIT}})
        mounts.append({"name": "pulled-skills", "mountPath": PULLED_DIR, "readOnly": True})
    for index, server in enumerate(agent.spec.mcp_servers):
        if (secrets := _secrets(server)) is not None:
            volumes.append({"name": f"mcp-{index}", **secrets})
            path = f"{MCP_DIR}/{server.name}"
            mounts.append({"name": f"mcp-{index}", "mountPath": path, "readOnly": True})
    return volumes, mounts


def fetching(
    agent: Agent, networks: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Variables, volumes and mounts of the init container that pulls skills; it alone has the credentials."""
    if not _pulled(agent):
        return [], [], []
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = [{"name": "pulled-skills", "mountPath": PULLED_DIR}]
    for index, skill in enumerate(agent.spec.skills):
        if name := skill.source.credentials_secret:
            items = [{"key": ".dockerconfigjson", "path": ".dockerconfigjson"}]
            secret = {"secretName": name, "defaultMode": 0o440, "items": items}
            volumes.append({"name": f"registry-{index}", "secret": secret})
            path = f"{REGISTRY_DIR}/{skill.name}"
            mounts.append({"name": f"registry-{index}", "mountPath": path, "readOnly": True})
    told = [{"name": "KAGENTS_REGISTRY_NETWORKS", "value": ",".join(networks)}] if networks else []
    return told, volumes, mounts


def _pulled(agent: Agent) -> list[Skill]:
    return [skill for skill in agent.spec.skills if skill.source.oci] if equipped(agent) else []


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


def equipment_of(agent: Agent) -> dict[str, Any]:
    """The part of ``KAGENTS_AGENT`` that tells of them."""
    if not equipped(agent):
        return {"skills": [], "mcpServers": []}
    skills = [_skill(skill) for skill in agent.spec.skills]
    return {"skills": skills, "mcpServers": [_server(server) for server in agent.spec.mcp_servers]}


def _skill(skill: Skill) -> dict[str, Any]:
    source = skill.source
    if source.path is not None:
        return {"name": skill.name, "path": source.path}
    if source.config_map is not None:
        return {"name": skill.name, "dir": f"{SKILLS_DIR}/{skill.name}"}
    folder = f"{REGISTRY_DIR}/{skill.name}" if source.credentials_secret else None
    return {"name": skill.name, "dir": f"{PULLED_DIR}/{skill.name}", "oci": source.oci, "credentials": folder}


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
