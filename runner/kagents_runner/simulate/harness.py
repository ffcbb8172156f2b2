"""The harness ``simulated``: a script, or a default part, played in the place of a model."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Final

from kagents_core.api.constants import EXIT_VOLUME_FULL
from kagents_core.safetext import clean
from kagents_core.simulation import ScriptError, Shutdown, parse_script
from kagents_core.teamfiles.locks import LockLostError, LockTimeoutError
from kagents_core.teamfiles.mailbox import MailboxFullError
from kagents_core.teamfiles.tasks import TaskError
from kagents_runner.full_volume import full_sentence, is_full, what_failed
from kagents_runner.harness.protocol import (
    EXIT_FAILED,
    EXIT_NEEDS_A_PERSON,
    AgentContext,
    HarnessExit,
    HarnessState,
    Report,
)
from kagents_runner.output import LINE_LIMIT, Level, loud
from kagents_runner.simulate.parts import default_part
from kagents_runner.simulate.player import Player
from kagents_runner.terminal.screens import LinesScreen

SPEED_VARIABLE: Final = "KAGENTS_SIMULATION_SPEED"
FASTEST: Final = 1000.0


class SimulatedHarness:
    """Runs a simulated agent in this very process."""

    def __init__(self, write: Callable[[str, Level], None], *, rest: bool = True) -> None:
        """``write`` takes each log line. Without ``rest`` the agent ends after its last step, unasked."""
        self._screen = LinesScreen()
        self._log = write
        self._rest = rest

    async def run(self, context: AgentContext, report: Report, stop: asyncio.Event) -> HarnessExit:
        """See ``Harness.run``."""
        context.show(self._screen)
        report(HarnessState("starting"))
        try:
            script = context.agent.script
            steps = parse_script(script) if script else default_part(context.team, context.agent)
            speed = speed_of(context.environment)
        except (ScriptError, KeyError, ValueError) as error:
            return HarnessExit(
                EXIT_NEEDS_A_PERSON, f"The script of {context.agent.name} cannot be played: {error}."
            )
        self._write(f"[simulated] {len(steps)} steps, {speed:g} times as fast", "debug")
        for each in context.agent.inputs:
            self._write(f"[simulated] has the input {each}: {each.path}")
        if not self._rest:
            steps = (*steps, Shutdown("the script is over"))
        try:
            player = Player(context, steps, self._write, stop, speed)
            report(HarnessState("running", pid=os.getpid(), transcript=str(player.native.transcript)))
            async with asyncio.timeout(context.agent.timeout_seconds) as limit:
                return await player.play()
        except TimeoutError as error:
            if isinstance(error, LockTimeoutError) or not limit.expired():
                return HarnessExit(EXIT_FAILED, f"The team's files stay locked: {error}.")
            seconds = context.agent.timeout_seconds or 0
            return HarnessExit(EXIT_FAILED, f"The agent ran longer than its timeout of {seconds:g} seconds.")
        except OSError as error:
            if is_full(error):
                return HarnessExit(EXIT_VOLUME_FULL, full_sentence(what_failed(error)))
            return HarnessExit(EXIT_FAILED, f"The team's files cannot be used: {error.strerror or error}.")
        except (MailboxFullError, TaskError, LockLostError) as error:
            return HarnessExit(EXIT_FAILED, f"The simulated agent could not go on: {error}")

    def _write(self, line: str, level: Level = "info") -> None:
        if loud(level):
            self._log(line, level)
        self._screen.add(clean(line, limit=LINE_LIMIT, multiline=False))


def speed_of(environment: Mapping[str, str]) -> float:
    """How many times faster than real time. Raises ValueError for what is no such number."""
    text = environment.get(SPEED_VARIABLE) or "1"
    speed = float(text)
    if not 0 < speed <= FASTEST:
        raise ValueError(f"{SPEED_VARIABLE} is a number above 0 and up to {FASTEST:g}, not {text[:40]!r}")
    return speed
