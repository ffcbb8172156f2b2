"""The demonstration: a team of simulated agents on the embedded engine, on screen or told in plain lines."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import aclosing
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from kagents_core.kube.errors import AlreadyExists, ApiError, KubeError
from kagents_core.safetext import clean
from kagents_tui.connection import Choice, open_client
from kagents_tui.rows.attention import ENDED_PHASES, why_failed

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

MANIFEST: Final = "demonstration.yaml"
LIMIT_SECONDS: Final = 240.0
GATE_SECONDS: Final = 2.0
"""How long the gate is seen to wait before the demonstration approves it itself."""

LAST_WORDS_SECONDS: Final = 20.0
"""How long the journal may go on after the team has ended."""

_LOOK_SECONDS: Final = 0.5
_TOLD: Final = ("message", "task", "activity", "gate", "phase", "request", "malformed")
_UNTOLD_ACTIVITY: Final = ("working", "idle")
"""States that change too often to be told line by line."""

Key = tuple[str, str]
Say = Callable[[str], None]


def manifest() -> dict[str, Any]:
    """The demonstration team, checked like any other manifest."""
    from kagents_core.api.manifests import read_manifests

    (team,) = read_manifests((files("kagents_tui") / MANIFEST).read_bytes(), source=MANIFEST)
    return team


async def ensure_team(client: "Client") -> Key:
    """The demonstration team that is at work; without one, a new one. Raises ApiError."""
    at_work = [team for team in await _demonstrations(client) if _phase(team) not in ENDED_PHASES]
    if at_work:
        newest = max(at_work, key=lambda team: str(team["metadata"].get("creationTimestamp", "")))
        return _key(newest)
    return _key(await make_team(client))


async def make_team(client: "Client") -> dict[str, Any]:
    """Creates the team under a free name: demonstration, demonstration-2, and so on. Raises ApiError."""
    from kagents_core.api.resources import AGENT_TEAMS

    team = manifest()
    namespace, name = _key(team)
    taken = {_key(each)[1] for each in await _demonstrations(client)}
    number = 1
    while True:
        chosen = name if number == 1 else f"{name}-{number}"
        number += 1
        if chosen in taken:
            continue
        team["metadata"]["name"] = chosen
        try:
            return await client.create(AGENT_TEAMS, namespace, team)
        except AlreadyExists:
            taken.add(chosen)


async def _demonstrations(client: "Client") -> list[dict[str, Any]]:
    from kagents_core.api.resources import AGENT_TEAMS

    namespace, name = _key(manifest())
    teams = (await client.list(AGENT_TEAMS, namespace)).items
    return [team for team in teams if _key(team)[1].startswith(name)]


def _key(team: Mapping[str, Any]) -> Key:
    return team["metadata"]["namespace"], team["metadata"]["name"]


def _phase(team: Mapping[str, Any]) -> str:
    return str((team.get("status") or {}).get("phase") or "Pending")


# In plain lines


def play(choice: Choice) -> int:
    """Plays the demonstration in plain lines; 0 once the team has completed, else 1 and a sentence."""
    try:
        return asyncio.run(_play(choice))
    except TimeoutError:
        return _failed(f"the demonstration was not over after {LIMIT_SECONDS:.0f} s")
    except KubeError as error:
        return _failed(str(error))
    except BrokenPipeError:
        # The reader has gone, which is its right; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _failed(why: str) -> int:
    sys.stderr.write(f"kagents-tui: {clean(why, limit=2000, multiline=False)}\n")
    return 1


def say(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _play(choice: Choice) -> int:
    async with asyncio.timeout(LIMIT_SECONDS), await open_client(choice, say) as client:
        team = await make_team(client)
        namespace, name = _key(team)
        say(f"team {namespace}/{name} is applied; its agents are simulated: no model is called")
        phase, why = await follow(client, team, say)
    if phase != "Completed":
        return _failed(f"the team ended in phase {phase}: {why}")
    say(f"team {namespace}/{name} has completed; the engine keeps running (kagents local down stops it)")
    say("look at it: kagents-tui --local")
    return 0


async def follow(
    client: "Client", team: Mapping[str, Any], say: Say, *, gate_seconds: float = GATE_SECONDS
) -> tuple[str, str]:
    """Tells the journal and approves every gate that waits, until the team has ended; its phase, and why."""
    journal = asyncio.create_task(_tell_journal(client, team, say))
    try:
        ended = await _decide_until_ended(client, team, say, gate_seconds)
        await asyncio.wait({journal}, timeout=LAST_WORDS_SECONDS)
    finally:
        journal.cancel()
        await asyncio.gather(journal, return_exceptions=True)
    if journal.done() and not journal.cancelled() and (error := journal.exception()) is not None:
        raise error
    phase = _phase(ended)
    return phase, why_failed(phase, ended.get("status") or {})


async def _decide_until_ended(
    client: "Client", team: Mapping[str, Any], say: Say, gate_seconds: float
) -> dict[str, Any]:
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui import acts
    from kagents_tui.gate_states import gates_of

    namespace, name = _key(team)
    uid = team["metadata"]["uid"]
    while True:
        now = await client.get(AGENT_TEAMS, namespace, name)
        if _phase(now) in ENDED_PHASES:
            return now
        for gate in gates_of(now):
            if gate.state == "waiting":
                say(f"gate {gate.event} waits: {gate.teammate} starts only when a person approves it")
                await asyncio.sleep(gate_seconds)
                await acts.approve(client, namespace, name, event=gate.event, uid=uid)
                say(f"gate {gate.event} is approved by this demonstration, since no terminal is here to ask")
        await asyncio.sleep(_LOOK_SECONDS)


async def _tell_journal(client: "Client", team: Mapping[str, Any], say: Say) -> None:
    """Every entry of interest once; a broken stream is taken up after the last one."""
    from kagents_tui.cli.lines import entry_line
    from kagents_tui.journal_stream import NoJournalError, stream

    last = 0
    while True:
        try:
            async with aclosing(stream(client, team, after=last)) as entries:
                async for entry in entries:
                    number = entry.get("seq")
                    if entry["kind"] in _TOLD and isinstance(number, int) and number > last:
                        last = number
                        if _of_interest(entry):
                            say(entry_line(entry))
            return
        except (ApiError, NoJournalError):
            await asyncio.sleep(_LOOK_SECONDS)


def _of_interest(entry: Mapping[str, Any]) -> bool:
    if entry["kind"] == "activity":
        return entry.get("state") not in _UNTOLD_ACTIVITY
    return entry.get("type") != "idle_notification"
