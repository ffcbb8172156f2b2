"""What an agent is equipped with beside its prompt: skills and MCP servers, as volumes and in words.

Only the real CLI can use them, so only its agents get them; a simulated agent starts without their objects.
"""

from typing import Any

from kagents_core.api.agents import McpServer
from kagents_core.reconcile.roster import Agent

SKILLS_DIR = "/kagents/skills"
MCP_DIR = "/kagents/mcp"


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
    for index, server in enumerate(agent.spec.mcp_servers):
        if server.credentials_secret:
            secret = {"secretName": server.credentials_secret, "defaultMode": 0o440}
            volumes.append({"name": f"mcp-{index}", "secret": secret})
            path = f"{MCP_DIR}/{server.name}"
            mounts.append({"name": f"mcp-{index}", "mountPath": path, "readOnly": True})
    return volumes, mounts


def equipment_of(agent: Agent) -> dict[str, Any]:
    """The part of ``KAGENTS_AGENT`` that tells of them."""
    if not equipped(agent):
        return {"skills": [], "mcpServers": []}
    skills = [
        {"name": skill.name, "dir": f"{SKILLS_DIR}/{skill.name}"}
        for skill in agent.spec.skills
        if skill.source.config_map
    ]
    return {"skills": skills, "mcpServers": [_server(server) for server in agent.spec.mcp_servers]}


def _server(server: McpServer) -> dict[str, Any]:
    path = server.url.split("?", 1)[0].rstrip("/")
    return {
        "name": server.name,
        "url": server.url,
        "type": server.type or ("sse" if path.endswith("/sse") else "http"),
        "credentials": f"{MCP_DIR}/{server.name}" if server.credentials_secret else None,
    }
