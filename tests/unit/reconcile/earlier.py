"""Objects that an earlier release wrote (tests/fixtures/upgrade/record.py), as worlds for the reconciler."""

import copy
import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from world import World

RECORDED = Path(__file__).parents[2] / "fixtures/upgrade/earlier.jsonl"


@cache
def _recorded() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in RECORDED.read_text().splitlines()[1:]:
        each = json.loads(line)
        found.setdefault(each["kind"], []).append(each)
    return found


def names() -> list[str]:
    """The teams that were recorded."""
    return sorted(team["metadata"]["name"] for team in _recorded()["AgentTeam"])


def world_of(name: str) -> World:
    """One of them with what it owns, half a minute after it was recorded."""
    found = copy.deepcopy(_recorded())
    [team] = [each for each in found["AgentTeam"] if each["metadata"]["name"] == name]
    team["metadata"].setdefault("annotations", {})
    uid = team["metadata"]["uid"]

    def owned(kind: str) -> dict[str, Any]:
        return {
            each["metadata"]["name"]: each
            for each in found[kind]
            if uid in [owner["uid"] for owner in each["metadata"]["ownerReferences"]]
        }

    latest = max(entry["lastTransitionTime"] for entry in team["status"]["conditions"])
    now = datetime.fromisoformat(latest) + timedelta(seconds=30)
    return World(team, now, owned("Pod"), owned("PersistentVolumeClaim"))
