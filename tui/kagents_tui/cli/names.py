"""Names for completion, from the API server: in a short time or not at all, and no word about what failed."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from kagents_tui.cli.completing import Candidate, Line

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_core.kube.config import ClientConfig

SECONDS: Final = 2.0
"""How long a person waits for names after a tab, at most."""

MOST: Final = 500


def names(kind: str, line: Line) -> list[Candidate]:
    """The names of a kind; none when they cannot be had. Never raises, never starts the engine."""
    try:
        if kind == "contexts":
            return contexts(line)
        return asyncio.run(asyncio.wait_for(asked(kind, line), SECONDS))
    except Exception:  # a completion has nobody to complain to
        return []


def contexts(line: Line) -> list[Candidate]:
    """Contexts of the kubeconfig."""
    from kagents_core.kube.kubeconfig import read_kubeconfig

    return [Candidate(each) for each in read_kubeconfig(line.options.get("kubeconfig")).contexts]


def server(line: Line) -> "ClientConfig | None":
    """The server that the line means; an engine counts only when it runs already."""
    from kagents_core.kube.config import load_kubeconfig
    from kagents_core.kube.errors import ConfigError
    from kagents_tui.connection import LOCAL_CONTEXT, data_directory, engine_answers

    data = line.options.get("data")
    if data is None and "local" not in line.options:
        try:
            return load_kubeconfig(line.options.get("kubeconfig"), line.options.get("context"))
        except ConfigError:
            if line.options.get("kubeconfig") or line.options.get("context"):
                return None
    directory = data_directory(data)
    return (
        load_kubeconfig(str(directory / "kubeconfig"), LOCAL_CONTEXT) if engine_answers(directory) else None
    )


async def asked(kind: str, line: Line) -> list[Candidate]:
    """Names as the server has them now."""
    from kagents_core.kube.client import Client

    config = server(line)
    if config is None:
        return []
    async with Client(config) as client:
        if kind == "namespaces":
            return await namespaces(client)
        namespace = line.options.get("namespace") or config.namespace
        if kind == "teams":
            scope = None if "all_namespaces" in line.options else namespace
            return await objects(client, line, scope)
        if kind == "artifacts":
            return await artifacts(client, namespace)
        return await of_team(client, namespace, kind, line)


async def namespaces(client: "Client") -> list[Candidate]:
    """All namespaces, or those of the teams where they may not be listed."""
    from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES
    from kagents_core.kube.errors import ApiError

    try:
        found = [each["metadata"]["name"] for each in (await client.list(NAMESPACES)).items]
    except ApiError:
        found = [each["metadata"]["namespace"] for each in (await client.list(AGENT_TEAMS)).items]
    return [Candidate(name) for name in sorted(set(found))[:MOST]]


async def objects(client: "Client", line: Line, scope: str | None) -> list[Candidate]:
    """Teams with their phase, for ``retry`` those it helps; for ``get runs``, templates, budgets those."""
    from kagents_core.api.resources import (
        AGENT_BUDGETS,
        AGENT_TEAM_RUNS,
        AGENT_TEAM_TEMPLATES,
        AGENT_TEAMS,
    )

    what = line.arguments[0] if line.verb == "get" and line.arguments else ""
    kinds = {"run": AGENT_TEAM_RUNS, "template": AGENT_TEAM_TEMPLATES, "budget": AGENT_BUDGETS}
    resource = kinds.get(what.removesuffix("s"), AGENT_TEAMS)
    items = (await client.list(resource, scope)).items
    if line.verb == "retry":
        from kagents_tui.delivery_states import failure_of

        items = [each for each in items if failure_of(each)]
    items = items[:MOST]
    return [
        Candidate(each["metadata"]["name"], str((each.get("status") or {}).get("phase") or ""))
        for each in items
    ]


async def artifacts(client: "Client", namespace: str) -> list[Candidate]:
    """What agents have made, as ``kagents cp`` names it."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui.artifact_states import artifacts_of

    items = (await client.list(AGENT_TEAMS, namespace)).items
    found = [(each["metadata"]["name"], made) for each in items for made in artifacts_of(each)]
    kept = [(team, made) for team, made in found if made.state == "kept"]
    return [Candidate(f"{team}:{made.source}", made.path) for team, made in kept[:MOST]]


async def of_team(client: "Client", namespace: str, kind: str, line: Line) -> list[Candidate]:
    """Agents or gates of the team that the line names."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui.cli.talking import agent_names
    from kagents_tui.gate_states import gates_of

    if not line.arguments:
        return []
    team: Mapping[str, Any] = await client.get(AGENT_TEAMS, namespace, line.arguments[0])
    if kind == "gates":
        return [Candidate(gate.event, gate.state) for gate in gates_of(team) if not gate.decided]
    others = [Candidate("hub", "the team's recorder"), Candidate("finish", "its delivery")]
    return [*(Candidate(each) for each in agent_names(team)), *(others if line.verb == "logs" else ())]
