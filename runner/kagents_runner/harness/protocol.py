"""The small protocol between ``supervise`` and a harness (the real CLI, or a scripted agent).

``supervise`` owns the pod's life: heartbeat, exit code, termination message, uncommitted work.
A harness owns the agent's: it prepares the agent's home, runs it once, logs what it does, and says
how it ended. It never restarts the agent: a new attempt is a new pod.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from kagents_core.api.constants import EXIT_QUALITY_GATE
from kagents_runner.documents import AgentDocument, TeamDocument
from kagents_runner.quality.inspection import Inspector, Place
from kagents_runner.terminal.screens import Screen

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_NEEDS_A_PERSON = 64
EXIT_WORK_FAILED = EXIT_QUALITY_GATE
"""Its work has failed the team's checks too often."""
EXIT_TERMINATED = 143


@dataclass(frozen=True)
class AgentContext:
    """Everything a harness may know of its surroundings; it reads no environment variable itself."""

    team: TeamDocument
    agent: AgentDocument
    team_dir: Path
    """``KAGENTS_TEAM_DIR``: holds ``teams/<team>/``, ``tasks/<team>/``, ``events/`` and so on."""
    home_dir: Path
    """``KAGENTS_HOME_DIR``: this agent's alone (``CLAUDE_CONFIG_DIR`` of the real CLI)."""
    work_dir: Path
    """``KAGENTS_WORK_DIR``: holds ``repo/``, ``worktrees/<agent>/``, ``output/``."""
    cwd: Path
    """Where the agent works: its worktree, or the output directory of a cowork team."""
    environment: Mapping[str, str]
    """The container's whole environment, secrets included; never log it."""
    model_url: str | None = None
    """Where the model's API is found when the team has a gateway: an address of this pod."""
    show: Callable[[Screen], None] = lambda _: None
    """Tells which screen is the agent's own from now on, for people who attach to it."""

    @property
    def place(self) -> Place:
        """Where the agent's work is inspected."""
        repository = self.team.repository
        if repository is None:
            return Place(self.cwd, self.home_dir, None)
        lock = self.team_dir / "quality.lock" if repository.shared else None
        return Place(self.cwd, self.home_dir, repository.branch, lock)

    def inspector(self) -> Inspector:
        """What inspects the agent's work."""
        return Inspector(self.agent.quality, self.place, self.environment)


@dataclass(frozen=True)
class HarnessState:
    """What a harness reports while it runs; ``supervise`` writes it into ``agents/<agent>.json``.

    ``failed`` and ``ended`` are not here: ``supervise`` derives them from the ``HarnessExit``.
    """

    state: Literal["starting", "running"]
    pid: int | None = None
    transcript: str | None = None
    """Path of the agent's transcript, relative to ``home_dir``; None for a harness that keeps none."""
    message: str | None = None
    unreachable: tuple[tuple[str, str], ...] = ()
    """MCP servers that the agent cannot reach, each with the reason in words."""


@dataclass(frozen=True)
class HarnessExit:
    """How the agent ended.

    ``code`` is the runner's exit code: 0 native shutdown, 1 failure, 64 a person must change something,
    143 stopped by ``stop``. ``sentence`` is plain and without secrets; None only for 0 and 143.
    """

    code: int
    sentence: str | None = None


Report = Callable[[HarnessState], None]


class Harness(Protocol):
    """One way of running an agent."""

    async def run(self, context: AgentContext, report: Report, stop: asyncio.Event) -> HarnessExit:
        """Runs the agent to its end. Once ``stop`` is set it ends within seconds, with code 143.

        Prints readable, clean log lines to stdout. Raises nothing but ``CancelledError``, after which
        no process of the agent is left.
        """
        ...
