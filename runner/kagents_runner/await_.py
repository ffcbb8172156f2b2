"""``kagents-runner await``: an agent's pod waits until ``prepare`` has written ``ready``."""

import argparse
import asyncio
from collections.abc import Mapping

from kagents_core.teamfiles.watch import DirectoryWatcher
from kagents_runner.locations import Locations
from kagents_runner.output import say
from kagents_runner.termination import RunnerError


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Returns 0 once the team is prepared; raises ``RunnerError`` after ``KAGENTS_AWAIT_TIMEOUT`` seconds."""
    places = Locations(environment)
    layout = places.layout(places.team().name)
    limit = places.await_seconds
    try:
        async with asyncio.timeout(limit), DirectoryWatcher([layout.root], safety_seconds=0.5) as watcher:
            if not layout.ready.exists():
                say("waiting for the team to be prepared")
            while not layout.ready.exists():
                await watcher.wait()
    except TimeoutError as error:
        raise RunnerError(
            f"The team was not prepared within {limit:g} seconds; the hub pod's prepare container says why."
        ) from error
    say("the team is prepared")
    return 0
