"""``kagents-runner diff``: what an agent has changed, as JSON lines; in any pod of the team."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kagents_runner.diff.changes import Change, Changes, changes_of
from kagents_runner.locations import Locations, place_of
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Prints ``{"kind": "diff", …}``, a ``{"kind": "file", …}`` for each file, and ``{"kind": "end"}``.

    Raises ``RunnerError`` with one sentence when there is nothing that could be compared.
    """
    places = Locations(environment)
    team = places.team()
    names = [each.name for each in team.agents]
    agent = arguments.agent or (places.agent().name if environment.get("KAGENTS_AGENT") else "lead")
    if agent not in names:
        raise RunnerError(
            f"{team.name} has no agent {agent[:80]!r}; its agents: {', '.join(names)}.",
            code=EXIT_NEEDS_A_PERSON,
        )
    if team.mode != "coding" or team.repository is None:
        raise RunnerError(
            f"{team.name} works on documents, not on a repository: there is nothing to compare with.",
            code=EXIT_NEEDS_A_PERSON,
        )
    with suppress(OSError):
        os.nice(5)
    found = await changes_of(
        places.work_dir,
        place_of(team, agent),
        team.repository.branch,
        environment,
        patches=not arguments.stat,
    )
    lines = [_summary(agent, found), *(_file(each) for each in found.files), {"kind": "end"}]
    sys.stdout.write("".join(json.dumps(line) + "\n" for line in lines))
    sys.stdout.flush()
    return 0


def _summary(agent: str, found: Changes) -> dict[str, Any]:
    return {
        "kind": "diff",
        "agent": agent,
        "branch": found.branch,
        "base": found.base,
        "head": found.head,
        "files": len(found.files),
        "additions": sum(each.additions or 0 for each in found.files),
        "deletions": sum(each.deletions or 0 for each in found.files),
        "omitted": found.omitted,
    }


def _file(change: Change) -> dict[str, Any]:
    return {
        "kind": "file",
        "path": change.path,
        "before": change.before,
        "status": change.status,
        "uncommitted": change.uncommitted,
        "binary": change.additions is None,
        "additions": change.additions,
        "deletions": change.deletions,
        "patch": change.patch,
        "cut": change.cut,
    }
