"""``kagents-runner simulate SCRIPT``: play a script by hand, in a team of its own without other agents."""

import argparse
import asyncio
import signal
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from kagents_core.simulation import SCRIPT_LIMIT, check_script
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.documents import AgentDocument, RosterEntry, TeamDocument
from kagents_runner.harness.protocol import EXIT_DONE, EXIT_TERMINATED, AgentContext
from kagents_runner.output import say
from kagents_runner.simulate.harness import SPEED_VARIABLE, SimulatedHarness
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

TEAM = "by-hand"


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Check the script, and play it unless only the check was asked for. Raises ``RunnerError``."""
    text = _read(arguments.script)
    problems = check_script(text)
    if problems:
        raise RunnerError("; ".join(problems), code=EXIT_NEEDS_A_PERSON)
    if arguments.check:
        say("the script can be played")
        return EXIT_DONE
    if arguments.dir:
        return await _play(arguments, text, environment, Path(arguments.dir).resolve())
    with tempfile.TemporaryDirectory(prefix="kagents-simulate-") as folder:
        return await _play(arguments, text, environment, Path(folder))


def _read(name: str) -> str:
    try:
        if name == "-":
            return sys.stdin.read(SCRIPT_LIMIT + 1)
        with Path(name).open(encoding="utf-8") as file:
            return file.read(SCRIPT_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise RunnerError(f"{name} cannot be read: {reason}.", code=EXIT_NEEDS_A_PERSON) from error


async def _play(arguments: argparse.Namespace, text: str, environment: Mapping[str, str], root: Path) -> int:
    context = _context(arguments.agent, text, {**environment, SPEED_VARIABLE: str(arguments.speed)}, root)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ending = await SimulatedHarness(say, rest=False).run(context, lambda _: None, stop)
    if ending.code in (EXIT_DONE, EXIT_TERMINATED):
        return ending.code
    raise RunnerError(ending.sentence or "The script failed.", code=ending.code)


def _context(name: str, script: str, environment: Mapping[str, str], root: Path) -> AgentContext:
    try:
        layout = TeamLayout(root / "team", TEAM)
        layout.requests(name)
    except ValueError as error:
        raise RunnerError(f"The agent cannot have this name: {error}.", code=EXIT_NEEDS_A_PERSON) from error
    work, home = root / "work" / "output", root / "home" / name
    for directory in (*layout.directories(), layout.requests(name), work, home):
        directory.mkdir(parents=True, exist_ok=True)
    entry = RosterEntry(name, "lead", None, "simulated", (), None, "")
    team = TeamDocument(TEAM, "default", str(uuid.uuid4()), "cowork", None, str(work), (), None, (entry,))
    session = str(uuid.uuid5(uuid.NAMESPACE_URL, str(root)))
    agent = AgentDocument(name, "lead", None, "", "simulated", "auto-accept", None, script, 0, session, None)
    return AgentContext(team, agent, layout.root, home, root / "work", work, environment)
