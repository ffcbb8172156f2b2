"""``kagents-runner supervise``: runs this pod's agent to its end and keeps what it leaves behind.

The harness owns the agent. Here are the pod's duties: the state file with its heartbeat, SIGTERM, the commit
of work that the agent left uncommitted, the exit code and the last sentence.
"""

import argparse
import asyncio
import dataclasses
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from kagents_core.api.constants import EXIT_VOLUME_FULL
from kagents_core.teamfiles.files import replace_file
from kagents_core.teamfiles.layout import HEARTBEAT_SECONDS, TeamLayout
from kagents_core.teamfiles.nativejson import timestamp
from kagents_runner.artifacts.collect import collect
from kagents_runner.documents import AgentDocument, TeamDocument
from kagents_runner.full_volume import full_sentence, is_full, volume_full, what_failed
from kagents_runner.gateway.agent_side import begin_relay
from kagents_runner.gitproxy.agent_side import with_repository
from kagents_runner.harness.protocol import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_TERMINATED,
    EXIT_WORK_FAILED,
    AgentContext,
    Harness,
    HarnessExit,
    HarnessState,
)
from kagents_runner.leftovers import commit_leftovers
from kagents_runner.locations import Locations, branch_of, place_of, working_directory, working_place
from kagents_runner.output import say
from kagents_runner.outside import told_outside
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.results import TooManyResultsError, automatic, report, with_results
from kagents_runner.stopping import until_stopped
from kagents_runner.terminal.place import socket_path
from kagents_runner.terminal.server import TerminalServer
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

NAMED: Final = 20
"""Files outside its scope that the state of an agent names."""
FULL_BEATS: Final = 3
"""Heartbeats in a row that found the volume full, after which the agent is ended: its work would be lost."""


class StateFile:
    """``agents/<agent>.json``: replaced as a whole at every change and every heartbeat."""

    def __init__(self, layout: TeamLayout, agent: AgentDocument, home: Path) -> None:
        self._path = layout.agent_state(agent.name)
        self._home = home
        self._document: dict[str, object] = {
            "agent": agent.name,
            "state": "starting",
            "startedAt": timestamp(),
            "since": timestamp(),
            "heartbeatAt": timestamp(),
            "pid": None,
            "attempt": agent.attempt,
            "sessionId": agent.session_id,
            "harness": agent.harness,
            "transcript": None,
            "message": None,
            "unreachable": [],
            "outsideScope": [],
        }
        self.full = False
        """The last heartbeat found no room on the volume."""

    def report(self, state: HarnessState) -> None:
        """What the harness says of the agent."""
        unreachable = [{"server": server, "reason": reason} for server, reason in state.unreachable]
        told = {"transcript": state.transcript, "message": state.message, "unreachable": unreachable}
        self._enter(state.state, pid=state.pid, **told)

    def ended(self, ending: HarnessExit) -> None:
        """How the agent ended: ``ended`` only for the end that it should have."""
        self._enter(
            "ended" if ending.code == EXIT_DONE else "failed",
            pid=None,
            message=ending.sentence,
            unreachable=[],
        )

    def _enter(self, state: str, **fields: object) -> None:
        if self._document["state"] != state:
            self._document["since"] = timestamp()
        self._document |= {"state": state, **fields}
        self.beat()

    def beat(self) -> None:
        """Write the file. A volume that cannot be written now is written at the next beat."""
        self._document |= {"heartbeatAt": timestamp(), "outsideScope": told_outside(self._home)[:NAMED]}
        try:
            replace_file(self._path, orjson.dumps(self._document))
            self.full = False
        except OSError as error:
            self.full = is_full(error)

    async def beat_until_full(self) -> None:
        """Beat until the volume has been full for ``FULL_BEATS`` beats, or until cancelled."""
        found_full = 0
        while found_full < FULL_BEATS:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.beat()
            found_full = found_full + 1 if self.full else 0


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Run the agent that ``KAGENTS_AGENT`` describes. Raises ``RunnerError`` when it fails."""
    places = Locations(environment)
    team, agent = places.team(), places.agent()
    layout = places.layout(team.name)
    state = StateFile(layout, agent, places.home_dir)
    state.beat()
    try:
        agent = dataclasses.replace(agent, prompt=with_results(layout, agent.name, agent.prompt))
        if state.full:
            raise volume_full("the agent is not started on it")
        context, harness = _context(places, team, agent), choose(agent)
        relay = await begin_relay(places, team, agent)
    except RunnerError as failure:
        state.ended(HarnessExit(failure.code, failure.sentence))
        raise
    terminal = await _terminal(context)
    url = relay.url if relay is not None else None
    ending = await _play(harness, dataclasses.replace(context, show=terminal.show, model_url=url), state)
    if relay is not None:
        await relay.close()
    await terminal.close(_farewell(agent.name, ending))
    # In a shared worktree others may be at work: there ``merge`` keeps what is uncommitted, at the end.
    if team.repository is not None and not team.repository.shared:
        await commit_leftovers(context.cwd, environment, say)
    await _report(context, team, agent)
    if ending.code == EXIT_DONE and agent.artifacts:
        ending = _collected(places, team, agent) or ending
    state.ended(ending)
    if ending.code in (EXIT_DONE, EXIT_TERMINATED):
        return ending.code
    raise RunnerError(ending.sentence or "The agent failed without saying why.", code=ending.code)


async def _terminal(context: AgentContext) -> TerminalServer:
    """Serves the agent's screen. An agent works on also where that cannot be done."""
    about = {
        "agent": context.agent.name,
        "team": context.team.name,
        "simulated": context.agent.harness == "simulated",
    }
    server = TerminalServer(socket_path(context.environment), about)
    try:
        await server.start()
    except OSError as error:
        say(f"nobody can attach to this agent's terminal: {error.strerror or error}", "warn")
    return server


async def _report(context: AgentContext, team: TeamDocument, agent: AgentDocument) -> None:
    """What an agent of a coding team leaves, for the people and for those that start after it."""
    if team.repository is None:
        return
    branch = branch_of(team.name, place_of(team, agent.name))
    try:
        found = await automatic(Git(context.environment), context.cwd, branch, team.repository.branch)
        report(
            TeamLayout(context.team_dir, team.name), agent.name, found, identity=f"end-{agent.attempt:04d}"
        )
    except (GitError, OSError, TooManyResultsError) as error:
        say(f"branch and commit are not recorded as results: {error}")


def _collected(places: Locations, team: TeamDocument, agent: AgentDocument) -> HarnessExit | None:
    """Keeps what the agent was to make. The agent has not ended well when there is no room for it.

    What is missing is recorded with the reason: the team's status says it, and whoever takes it cannot start.
    """
    if places.artifacts_dir is None:
        return HarnessExit(EXIT_FAILED, "KAGENTS_ARTIFACTS_DIR is not set, so no artifact can be kept.")
    try:
        root, place = working_place(team, agent.name, places.work_dir)
        for kept in collect(places.artifacts_dir, root, place, agent.artifacts):
            if kept.problem:
                say(f"the artifact {kept.name} ({kept.path}) is not kept: {kept.problem}", "warn")
            else:
                say(f"kept the artifact {kept.name} ({kept.path}): {kept.size} bytes, sha256 {kept.sha256}")
    except OSError as error:
        if is_full(error):
            return HarnessExit(EXIT_VOLUME_FULL, full_sentence(what_failed(error)))
        return HarnessExit(EXIT_FAILED, f"Artifacts cannot be kept: {error.strerror or error}.")
    return None


def _farewell(agent: str, ending: HarnessExit) -> str:
    if ending.code == EXIT_DONE:
        return f"{agent} has ended"
    if ending.code == EXIT_TERMINATED:
        return f"{agent} was stopped"
    return f"{agent} has failed: {ending.sentence or 'it did not say why'}"


async def _play(harness: Harness, context: AgentContext, state: StateFile) -> HarnessExit:
    """The harness beside its heartbeat; SIGTERM and SIGINT ask it to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    beating = asyncio.create_task(state.beat_until_full())
    beating.add_done_callback(lambda _: stop.set())
    try:
        ending = await _inspected(await harness.run(context, state.report, stop), context, stop)
    except Exception as error:  # whatever went wrong, the work is kept and the state told
        if is_full(error):
            return HarnessExit(EXIT_VOLUME_FULL, full_sentence(what_failed(error)))
        return HarnessExit(EXIT_FAILED, f"The harness failed: {type(error).__name__}: {error}")
    else:
        gave_up = beating.done() and ending.code == EXIT_TERMINATED
        return HarnessExit(EXIT_VOLUME_FULL, full_sentence("the agent was ended")) if gave_up else ending
    finally:
        beating.cancel()
        await asyncio.wait({beating})


async def _inspected(ending: HarnessExit, context: AgentContext, stop: asyncio.Event) -> HarnessExit:
    """An agent that ended well has not done so while its work fails the team's checks.

    The harness has held it back until they passed, so this finds nothing new, and runs nothing, unless the
    agent went another way.
    """
    if ending.code != EXIT_DONE or not context.agent.quality.gates:
        return ending
    finding = await until_stopped(context.inspector().inspect(), stop)
    if finding is None:
        return HarnessExit(EXIT_TERMINATED)
    if finding.passed:
        return ending
    gates = " and ".join(context.agent.quality.gates)
    over = finding.over or f"it ended although its work does not pass {gates}"
    return HarnessExit(EXIT_WORK_FAILED, f"{context.agent.name}: {over}")


def _context(places: Locations, team: TeamDocument, agent: AgentDocument) -> AgentContext:
    cwd = working_directory(team, agent.name, places.work_dir)
    if not cwd.is_dir():
        raise RunnerError(
            f"The working directory of {agent.name} is not there: {cwd}.", code=EXIT_NEEDS_A_PERSON
        )
    return AgentContext(
        team=team,
        agent=agent,
        team_dir=places.team_dir,
        home_dir=places.home_dir,
        work_dir=places.work_dir,
        cwd=cwd,
        environment=with_repository(places, team, agent),
    )


def choose(agent: AgentDocument) -> Harness:
    """The harness that the agent names; imported only now, as each agent needs one of them."""
    if agent.harness == "claude-code":
        from kagents_runner.harness.claude_code import ClaudeCodeHarness

        return ClaudeCodeHarness(say)
    if agent.harness == "simulated":
        from kagents_runner.simulate.harness import SimulatedHarness

        return SimulatedHarness(say)
    raise RunnerError(
        f"This runner has no harness {agent.harness[:40]!r}; it has claude-code and simulated.",
        code=EXIT_NEEDS_A_PERSON,
    )
