"""The verb ``git-proxy``: serves until the recorder has said that the team is over (0), or SIGTERM (143)."""

import argparse
from collections.abc import Mapping

from aiohttp import web

from kagents_runner.gitproxy.keys import Agents, proxy_folder
from kagents_runner.gitproxy.mirror import Mirror
from kagents_runner.gitproxy.server import Proxy
from kagents_runner.hub_certificate import serving_context
from kagents_runner.hub_serving import LOOPBACK, Place, serve, until_over
from kagents_runner.locations import Locations
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Serves the repository of ``KAGENTS_TEAM`` to its agents. Raises ``RunnerError``."""
    places = Locations(environment)
    host = environment.get("KAGENTS_GIT_PROXY_ADDRESS") or LOOPBACK
    port = environment.get("KAGENTS_GIT_PROXY_PORT", "")
    place = Place("git proxy", host, port, places.git_proxy_dir)
    over = places.over_dir
    runner = web.AppRunner(
        _proxy(places).application(), access_log=None, auto_decompress=False, shutdown_timeout=5.0
    )
    context = serving_context(proxy_folder(places.finish_dir))
    return await serve(runner, place, context, until_over(over))


def _proxy(places: Locations) -> Proxy:
    team = places.team()
    if team.repository is None:
        raise RunnerError("Only a team with a repository has a git proxy.", code=EXIT_NEEDS_A_PERSON)
    folder = proxy_folder(places.finish_dir)
    mirror = Mirror(
        team.repository,
        folder / "repository.git",
        places.git_credentials_dir,
        places.finish_dir / "known_hosts",
        places.environment,
    )
    mirror.clear()
    try:
        return Proxy(team, Agents(folder), mirror)
    except (OSError, ValueError) as error:
        raise RunnerError(f"The agents' keys cannot be read: {type(error).__name__}.") from error
