"""``kagents-runner await``: waits for ``ready``, checks what others hand on, pulls skills and plugins.

Every agent's pod runs it, often many at once, so it needs neither an event loop nor a watch: it looks.
"""

import argparse
import time
from collections.abc import Mapping
from typing import Final

from kagents_runner.documents import TeamDocument
from kagents_runner.locations import Locations, place_of
from kagents_runner.output import say
from kagents_runner.termination import RunnerError

LOOK_SECONDS: Final = 0.1
_REPOSITORY_SECONDS: Final = 1800.0
"""As long as a clone may take, and a setup command in one worktree."""


def allowed_seconds(places: Locations, team: TeamDocument) -> float:
    """How long the wait may take; a shorter one would count as a failure of an agent that never started."""
    if places.environment.get("KAGENTS_AWAIT_TIMEOUT") or team.repository is None:
        return places.await_seconds
    worktrees = len({place_of(team, entry.name) for entry in team.agents})
    steps = 1 + (worktrees if team.repository.setup_command else 0)
    return places.await_seconds + steps * _REPOSITORY_SECONDS


def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Returns 0 once the team is prepared and the agent's inputs are what others have made.

    Raises ``RunnerError`` after ``KAGENTS_AWAIT_TIMEOUT`` seconds, or for an input that is not there.
    """
    places = Locations(environment)
    team = places.team()
    ready = places.layout(team.name).ready
    limit = allowed_seconds(places, team)
    deadline = time.monotonic() + limit
    if not ready.exists():
        say("waiting for the team to be prepared")
    while not ready.exists():
        left = deadline - time.monotonic()
        if left <= 0:
            raise RunnerError(
                f"The team was not prepared within {limit:g} seconds; "
                "the hub pod's containers prepare and setup say why."
            )
        time.sleep(min(LOOK_SECONDS, left))
    say("the team is prepared")
    if places.environment.get("KAGENTS_ARTIFACTS_DIR"):
        from kagents_runner.artifacts.inputs import check_inputs

        check_inputs(places.artifacts_dir, places.agent(), say)
    agent = places.agent() if places.environment.get("KAGENTS_AGENT") else None
    folders = [*agent.skills, *agent.plugins] if agent else []
    if any(folder.oci for folder in folders):
        # Only such an agent pays for an event loop and a client.
        from kagents_runner.registry.fetch import fetch_folders

        fetch_folders(folders, environment)
    return 0
