"""``kagents-runner record``: the hub's program. Without a service account it records and writes no status."""

import argparse
import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kagents_core.journal import JournalError
from kagents_runner.documents import TeamDocument
from kagents_runner.full_volume import is_full
from kagents_runner.locations import Locations
from kagents_runner.output import say
from kagents_runner.record.books import Books
from kagents_runner.record.metrics import served
from kagents_runner.record.recorder import Recorder
from kagents_runner.record.tracing import Tracing, tracing
from kagents_runner.stopping import OVER
from kagents_runner.termination import RunnerError

STDOUT: Final = 1
TERMINATED: Final = 143


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Records until the team is over (0) or SIGTERM (143). Raises RunnerError when it cannot start."""
    over = Locations(environment).over_dir / OVER if environment.get("KAGENTS_OVER_DIR") else None
    code = await _record(environment, over)
    if code == 0 and over is not None:
        # The hub's pod ends well only when its other container does too.
        over.touch()
    return code


async def _record(environment: Mapping[str, str], over: Path | None) -> int:
    team = Locations(environment).team()
    async with tracing(team, environment) as trace:
        return await _keep(team, environment, trace, over)


async def _keep(team: TeamDocument, environment: Mapping[str, str], trace: Tracing, over: Path | None) -> int:
    locations = Locations(environment)
    try:
        books = Books(team, locations.layout(team.name), output=STDOUT, tracing=trace)
    except JournalError as error:
        raise RunnerError(str(error)) from error
    books.print_again()
    recorder = Recorder(
        books,
        locations.homes_dir,
        locations.artifacts_dir,
        gateway=locations.gateway_dir,
        limits=locations.limits_dir,
        over=over,
    )
    try:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, recorder.stop)
        async with served(books.numbers, recorder.status, environment):
            if environment.get("KUBERNETES_SERVICE_HOST"):
                await _record_with_status(recorder, books)
            else:
                await recorder.run()
        books.close()
    except (JournalError, OSError) as error:
        if recorder.team_over and is_full(error):
            # A finished team's journal is this pod's log, which stays only when the pod ends well.
            say(f"not everything at the team's end could be written: {error}", "warn")
            return 0
        raise RunnerError(str(error)) from error
    return 0 if books.state.over or recorder.team_deleted else TERMINATED


async def _record_with_status(recorder: Recorder, books: Books) -> None:
    from kagents_core.kube.client import Client
    from kagents_core.kube.config import load_in_cluster
    from kagents_core.kube.errors import ConfigError
    from kagents_runner.record.teamlink import TeamLink

    try:
        config = load_in_cluster()
    except ConfigError as error:
        raise RunnerError(str(error)) from error
    async with Client(config) as client:
        team = books.team
        link = TeamLink(client, team.name, team.namespace, team.uid, urgent=recorder.limits.reached)
        tasks = [
            asyncio.create_task(link.watch(recorder.observe_team, recorder.team_is_gone)),
            asyncio.create_task(link.publish(recorder.status, recorder.stepped)),
        ]
        for task in tasks:  # what ends one of them, such as a full volume, must not go unnoticed
            task.add_done_callback(lambda _: recorder.stop())
        try:
            await recorder.run()
        finally:
            ended = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()
        if not recorder.team_deleted:
            await link.write_last(recorder.status())
