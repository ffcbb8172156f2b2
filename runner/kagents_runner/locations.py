"""Where things lie in this pod: the environment variables of docs/internals.md, section 1, as paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kagents_core.api.constants import SHARED_WORKTREE
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.documents import AgentDocument, DocumentError, TeamDocument, parse_agent, parse_team
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

DEFAULT_AWAIT_SECONDS: Final = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Locations:
    """The directories and files of one container; one that it has not raises ``RunnerError`` when read."""

    environment: Mapping[str, str]

    @property
    def team_dir(self) -> Path:
        """``KAGENTS_TEAM_DIR``: the team's files."""
        return self._path("KAGENTS_TEAM_DIR")

    @property
    def work_dir(self) -> Path:
        """``KAGENTS_WORK_DIR``: ``repo/``, ``worktrees/<agent>/``, ``output/``."""
        return self._path("KAGENTS_WORK_DIR")

    @property
    def home_dir(self) -> Path:
        """``KAGENTS_HOME_DIR``: this agent's home."""
        return self._path("KAGENTS_HOME_DIR")

    @property
    def homes_dir(self) -> Path:
        """``KAGENTS_HOMES_DIR``: every agent's home, in the hub."""
        return self._path("KAGENTS_HOMES_DIR")

    @property
    def git_credentials_dir(self) -> Path | None:
        """``KAGENTS_GIT_CREDENTIALS_DIR``: the repository's Secret, for ``prepare`` alone; or None."""
        return self._optional_path("KAGENTS_GIT_CREDENTIALS_DIR")

    @property
    def artifacts_dir(self) -> Path | None:
        """``KAGENTS_ARTIFACTS_DIR``: what agents have made, in an agent's pod its own; or None."""
        return self._optional_path("KAGENTS_ARTIFACTS_DIR")

    @property
    def finish_dir(self) -> Path:
        """``KAGENTS_FINISH_DIR``: what no agent's pod mounts, for ``prepare``, ``merge`` and ``finish``."""
        return self._path("KAGENTS_FINISH_DIR")

    @property
    def over_dir(self) -> Path:
        """``KAGENTS_OVER_DIR``: where the recorder tells the hub's other container that the team is over."""
        return self._path("KAGENTS_OVER_DIR")

    @property
    def git_proxy_dir(self) -> Path:
        """``KAGENTS_GIT_PROXY_DIR``: where the git proxy says how agents reach it."""
        return self._path("KAGENTS_GIT_PROXY_DIR")

    @property
    def gateway_dir(self) -> Path | None:
        """``KAGENTS_GATEWAY_DIR``: the gateway's key, certificate and ledger; None in a team without one."""
        return self._optional_path("KAGENTS_GATEWAY_DIR")

    @property
    def limits_dir(self) -> Path | None:
        """``KAGENTS_LIMITS_DIR``: where the recorder tells the gateway the limits of today; or None."""
        return self._optional_path("KAGENTS_LIMITS_DIR")

    @property
    def gateway_address_dir(self) -> Path:
        """``KAGENTS_GATEWAY_ADDRESS_DIR``: where the gateway says how agents reach it."""
        return self._path("KAGENTS_GATEWAY_ADDRESS_DIR")

    @property
    def model_credentials_dir(self) -> Path:
        """``KAGENTS_MODEL_CREDENTIALS_DIR``: the model's Secret, for the gateway alone."""
        return self._path("KAGENTS_MODEL_CREDENTIALS_DIR")

    @property
    def prices_file(self) -> Path | None:
        """``KAGENTS_PRICES_FILE``: the team's own price table; or None."""
        return self._optional_path("KAGENTS_PRICES_FILE")

    @property
    def hub_token_file(self) -> Path:
        """``KAGENTS_HUB_TOKEN_FILE``: what an agent's pod proves to the gateway with which agent it is."""
        return self._path("KAGENTS_HUB_TOKEN_FILE")

    @property
    def team_text(self) -> str:
        """``KAGENTS_TEAM``, the JSON text."""
        return self._text("KAGENTS_TEAM")

    def team(self) -> TeamDocument:
        """``KAGENTS_TEAM``."""
        try:
            return parse_team(self.team_text)
        except DocumentError as error:
            raise _wrong(str(error)) from error

    def agent(self) -> AgentDocument:
        """``KAGENTS_AGENT``."""
        try:
            return parse_agent(self._text("KAGENTS_AGENT"))
        except DocumentError as error:
            raise _wrong(str(error)) from error

    @property
    def await_seconds(self) -> float:
        """``KAGENTS_AWAIT_TIMEOUT``: how long ``await`` waits for ``ready``; 15 minutes by default."""
        return self._seconds("KAGENTS_AWAIT_TIMEOUT", DEFAULT_AWAIT_SECONDS)

    def layout(self, team: str) -> TeamLayout:
        """The team's files below ``KAGENTS_TEAM_DIR``."""
        try:
            return TeamLayout(self.team_dir, team)
        except ValueError as error:
            raise _wrong(f"The team's name cannot be a file's name: {team[:80]!r}.") from error

    def _text(self, name: str) -> str:
        value = self.environment.get(name, "")
        if not value:
            raise _wrong(f"The environment variable {name} is not set.")
        return value

    def _path(self, name: str) -> Path:
        path = Path(self._text(name))
        if not path.is_absolute():
            raise _wrong(f"The environment variable {name} must be an absolute path, not {str(path)!r}.")
        return path

    def _optional_path(self, name: str) -> Path | None:
        return self._path(name) if self.environment.get(name) else None

    def _seconds(self, name: str, default: float) -> float:
        text = self.environment.get(name, "")
        if not text:
            return default
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1
        if not 0 < seconds < 10**9:
            raise _wrong(f"The environment variable {name} must be a number of seconds, not {text[:40]!r}.")
        return seconds


def worktree(work_dir: Path, place: str) -> Path:
    """The git worktree of this place: an agent's name, or ``SHARED_WORKTREE``."""
    return work_dir / "worktrees" / place


def place_of(team: TeamDocument, agent: str) -> str:
    """The name of the worktree that an agent of a coding team works in."""
    return SHARED_WORKTREE if team.repository is not None and team.repository.shared else agent


def branch_of(team: str, place: str) -> str:
    """The branch that is worked on in this place."""
    return f"kagents/{team}/{place}"


def working_directory(team: TeamDocument, agent: str, work_dir: Path) -> Path:
    """Where an agent works: its worktree, or the output directory of a cowork team."""
    if team.mode == "coding":
        return worktree(work_dir, place_of(team, agent))
    return Path(team.output_dir) if team.output_dir else work_dir / "output"


def working_place(team: TeamDocument, agent: str, work_dir: Path) -> tuple[Path, tuple[str, ...]]:
    """The same as a folder that no agent can replace, and the parts below it, none of which may be a link."""
    if team.mode == "coding":
        return work_dir, ("worktrees", place_of(team, agent))
    return (Path(team.output_dir), ()) if team.output_dir else (work_dir, ("output",))


def _wrong(sentence: str) -> RunnerError:
    return RunnerError(sentence, code=EXIT_NEEDS_A_PERSON)
