"""The verb ``git-proxy``: serves until the recorder has said that the team is over (0), or SIGTERM (143)."""

import argparse
import asyncio
import errno
import signal
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from kagents_core.teamfiles.files import replace_file
from kagents_core.teamfiles.watch import DirectoryWatcher
from kagents_runner.gitproxy.keys import Agents, key_files, proxy_folder
from kagents_runner.gitproxy.mirror import Mirror
from kagents_runner.gitproxy.server import Proxy
from kagents_runner.locations import Locations
from kagents_runner.output import say
from kagents_runner.stopping import OVER, until_stopped
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

ADDRESS: Final = "address"
_TERMINATED: Final = 143
_LOOPBACK: Final = "127.0.0.1"


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Serves the repository of ``KAGENTS_TEAM`` to its agents. Raises ``RunnerError``."""
    places = Locations(environment)
    over, address = places.over_dir, places.git_proxy_dir / ADDRESS
    address.unlink(missing_ok=True)  # who asks meanwhile waits, and is not sent to where we were
    runner = web.AppRunner(
        _proxy(places).application(), access_log=None, auto_decompress=False, shutdown_timeout=5.0
    )
    await runner.setup()
    try:
        host, port = await _listen(runner, places, environment)
        replace_file(address, f"{host} {port}\n".encode())
        say(f"agents reach the repository through port {port}")
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return _TERMINATED if await until_stopped(_over(over), stop) is None else 0
    finally:
        address.unlink(missing_ok=True)
        await runner.cleanup()


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


async def _listen(
    runner: web.AppRunner, places: Locations, environment: Mapping[str, str]
) -> tuple[str, int]:
    """Starts to serve. Where pods share an address, another team's proxy may have the port already."""
    host = environment.get("KAGENTS_GIT_PROXY_ADDRESS") or _LOOPBACK
    wanted = environment.get("KAGENTS_GIT_PROXY_PORT", "")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*key_files(proxy_folder(places.finish_dir)))
    for port in (int(wanted) if wanted.isdecimal() else 0, 0):
        try:
            await web.TCPSite(runner, host, port, ssl_context=context).start()
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port == 0:
                raise RunnerError(f"The git proxy cannot listen: {error.strerror or error}.") from error
    return host, int(runner.addresses[0][1])


async def _over(folder: Path) -> bool:
    """Returns once the recorder has left its mark."""
    async with DirectoryWatcher([folder]) as watcher:
        while not (folder / OVER).exists():
            await watcher.wait()
    return True
