"""A team of real agents behind its gateway on an engine, its ledger, and the gateway's process."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from small_team import KEY, MODEL
from whole_team import NAMESPACE, WholeTeam

from kagents_core.api.resources import AGENT_TEAMS, SECRETS


async def apply(team: WholeTeam, model_url: str, prompts: Mapping[str, str]) -> None:
    """Creates the credential and a cowork team of these agents, with the retries of Claude Code itself."""

    def agent(name: str) -> dict[str, Any]:
        return {"model": MODEL, "prompt": prompts[name], "harness": "claude-code"}

    secret = {"metadata": {"name": "model"}, "stringData": {"ANTHROPIC_API_KEY": KEY}}
    await team.client.create(SECRETS, NAMESPACE, {"apiVersion": "v1", "kind": "Secret", **secret})
    manifest = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": team.name},
        "spec": {
            "workspace": {"output": {}},
            "auth": {"mode": "gateway", "apiKeySecret": "model", "baseUrl": model_url},
            "lead": agent("lead"),
            "teammates": [{"name": name, **agent(name)} for name in prompts if name != "lead"],
            "lifecycle": {"timeout": "15m"},
        },
    }
    await team.client.create(AGENT_TEAMS, NAMESPACE, manifest)


def gateways(data: Path) -> list[int]:
    """Processes of this engine's gateways."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, variables = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
        except OSError:
            continue
        if command.endswith(b"kagents_runner\0gateway\0") and str(data).encode() in variables:
            found.append(int(path.name))
    return found


def entries(team: WholeTeam) -> list[dict[str, Any]]:
    """Lines of the ledger."""
    path = team.volume / "gateway/ledger.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def under_way(team: WholeTeam) -> bool:
    """An answer has begun and not ended."""
    found = entries(team)
    return bool(found) and found[-1]["state"] == "open"
