"""``kagents-runner await``: an agent's pod waits until ``prepare`` has written ``ready``.

Every agent's pod runs it, often many at once, so it needs neither an event loop nor a watch: it looks.
"""

import argparse
import time
from collections.abc import Mapping
from typing import Final

from kagents_runner.locations import Locations
from kagents_runner.output import say
from kagents_runner.termination import RunnerError

LOOK_SECONDS: Final = 0.1


def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Returns 0 once the team is prepared; raises ``RunnerError`` after ``KAGENTS_AWAIT_TIMEOUT`` seconds."""
    places = Locations(environment)
    ready = places.layout(places.team().name).ready
    limit = places.await_seconds
    deadline = time.monotonic() + limit
    if not ready.exists():
        say("waiting for the team to be prepared")
    while not ready.exists():
        left = deadline - time.monotonic()
        if left <= 0:
            raise RunnerError(
                f"The team was not prepared within {limit:g} seconds; "
                "the hub pod's prepare container says why."
            )
        time.sleep(min(LOOK_SECONDS, left))
    say("the team is prepared")
    return 0
