"""How a server of the hub listens for its team's agents, says where it is, and ends with the team."""

import asyncio
import errno
import signal
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from kagents_core.teamfiles.watch import DirectoryWatcher
from kagents_runner.hub_address import ADDRESS, write_address
from kagents_runner.output import say
from kagents_runner.stopping import OVER, until_stopped
from kagents_runner.termination import RunnerError

LOOPBACK: Final = "127.0.0.1"
_TERMINATED: Final = 143


@dataclass(frozen=True, slots=True)
class Place:
    """Where it listens, and where it says so."""

    what: str
    """What people call it, such as ``git proxy``."""
    host: str
    port: str
    """The port that it should have, as text; where that one is taken, or none is named, any other."""
    folder: Path
    """Where agents read its address."""


async def serve(
    runner: web.BaseRunner, place: Place, context: ssl.SSLContext, until: Coroutine[Any, Any, None]
) -> int:
    """Serves until ``until`` returns (0) or the process is told to end (143). Raises ``RunnerError``."""
    address = place.folder / ADDRESS
    address.unlink(missing_ok=True)  # who asks meanwhile waits, and is not sent to where we were
    await runner.setup()
    try:
        port = await _listen(runner, place, context)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):  # before anybody can know that we are there
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        write_address(place.folder, place.host, port)
        say(f"agents reach the {place.what} through port {port}")
        return _TERMINATED if await until_stopped(_true(until), stop) is None else 0
    finally:
        until.close()
        address.unlink(missing_ok=True)
        await runner.cleanup()


async def until_over(folder: Path) -> None:
    """Returns once the recorder has left its mark in this folder."""
    async with DirectoryWatcher([folder]) as watcher:
        while not (folder / OVER).exists():
            await watcher.wait()


async def _true(until: Coroutine[Any, Any, None]) -> bool:
    await until
    return True


async def _listen(runner: web.BaseRunner, place: Place, context: ssl.SSLContext) -> int:
    """Starts to serve. Where pods share an address, another team may have the port already."""
    for port in (int(place.port) if place.port.isdecimal() else 0, 0):
        try:
            await web.TCPSite(runner, place.host, port, ssl_context=context).start()
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port == 0:
                raise RunnerError(f"The {place.what} cannot listen: {error.strerror or error}.") from error
    return int(runner.addresses[0][1])
