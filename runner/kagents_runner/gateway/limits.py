"""The limits of today: those that the recorder tells, or else those with which the pod was made."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.teamfiles.files import read_bounded
from kagents_core.teamfiles.watch import DirectoryWatcher
from kagents_runner.documents import TeamDocument
from kagents_runner.gateway.meter import Limits, Meter
from kagents_runner.output import say

FILE: Final = "limits.json"
FIRST_SECONDS: Final = 10.0
"""How long the recorder's first word is waited for."""
_FILE_LIMIT: Final = 1024 * 1024


def declared(team: TeamDocument) -> Limits:
    """The limits with which the pod was made."""
    own = {agent.name: agent.budget_micros for agent in team.agents}
    return Limits(team.budget_micros, {name: micros for name, micros in own.items() if micros is not None})


async def first_limits(folder: Path | None, team: TeamDocument, seconds: float = FIRST_SECONDS) -> Limits:
    """The recorder's, or, if it says nothing for a while, those with which the pod was made."""
    if folder is None:
        return declared(team)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), DirectoryWatcher([folder]) as watcher:
            while (told := _told(folder)) is None:
                await watcher.wait()
            return told
    say("the recorder has told no limits: those of the team's manifest at this pod's start hold", "warn")
    return declared(team)


async def follow(folder: Path | None, meter: Meter) -> None:
    """Tells the meter whatever the recorder tells, until cancelled; without a recorder at once."""
    if folder is None:
        return
    last: Limits | None = None
    async with DirectoryWatcher([folder]) as watcher:
        while True:
            told = _told(folder)
            if told is not None and told != last:
                meter.limit(told)
                last = told
            await watcher.wait()


def _told(folder: Path) -> Limits | None:
    """What the recorder has told; None when it has not, or not what we understand."""
    try:
        document = orjson.loads(read_bounded(folder / FILE, _FILE_LIMIT))
        agents = {str(name): _amount(value) for name, value in dict(document["agents"]).items()}
        team = document["budgetMicros"]
        return Limits(None if team is None else _amount(team), agents)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        say(f"limits cannot be read: {type(error).__name__}: {error}", "warn")
        return None


def _amount(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a limit is a whole number of micro-dollars")
    return value
