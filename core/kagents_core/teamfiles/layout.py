"""Where each file of a team lies below ``KAGENTS_TEAM_DIR`` (docs/internals.md, section 2)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_TASK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

FORMAT: Final = 1
"""Of everything on a team's volume. To be counted up when the release before could not go on with it."""

HEARTBEAT_SECONDS: Final = 10.0
"""How often a supervisor writes an agent's state anew, also when nothing of it has changed."""


@dataclass(frozen=True, slots=True)
class TeamLayout:
    """The paths of one team. Names that could leave their directory are refused with ``ValueError``."""

    root: Path
    team: str

    def __post_init__(self) -> None:
        checked_name(self.team)

    @property
    def team_dir(self) -> Path:
        """The native directory of the team: ``config.json`` and ``inboxes/``."""
        return self.root / "teams" / self.team

    @property
    def config(self) -> Path:
        """The native list of members, written once by ``prepare``."""
        return self.team_dir / "config.json"

    @property
    def inboxes(self) -> Path:
        """The directory of the mailboxes."""
        return self.team_dir / "inboxes"

    def inbox(self, agent: str) -> Path:
        """The mailbox of an agent."""
        return self.inboxes / f"{checked_name(agent)}.json"

    @property
    def tasks(self) -> Path:
        """The directory of the tasks."""
        return self.root / "tasks" / self.team

    def task(self, task_id: str) -> Path:
        """The file of a task."""
        if not _TASK_ID.fullmatch(task_id):
            raise ValueError(f"not a task id: {task_id[:80]!r}")
        return self.tasks / f"{task_id}.json"

    @property
    def task_creation(self) -> Path:
        """The empty file whose lock guards the creation of tasks."""
        return self.tasks / ".lock"

    @property
    def high_water_mark(self) -> Path:
        """The highest id of a deleted task."""
        return self.tasks / ".highwatermark"

    @property
    def roster(self) -> Path:
        """The ``KAGENTS_TEAM`` document."""
        return self.root / "roster.json"

    @property
    def ready(self) -> Path:
        """The empty file that says that ``prepare`` is done."""
        return self.root / "ready"

    @property
    def format(self) -> Path:
        """The number of the form in which everything of the team is kept."""
        return self.root / "format"

    @property
    def events_dir(self) -> Path:
        """The directory of the hooks' event files."""
        return self.root / "events"

    def events(self, agent: str) -> Path:
        """The hook payloads of an agent, one a line."""
        return self.events_dir / f"{checked_name(agent)}.jsonl"

    @property
    def agents_dir(self) -> Path:
        """The directory of the agents' states."""
        return self.root / "agents"

    def agent_state(self, agent: str) -> Path:
        """The state and heartbeat of an agent, written by its supervisor."""
        return self.agents_dir / f"{checked_name(agent)}.json"

    @property
    def requests_dir(self) -> Path:
        """The directory of the agents' requests to the recorder."""
        return self.root / "requests"

    def requests(self, agent: str) -> Path:
        """The directory of one agent's requests."""
        return self.requests_dir / checked_name(agent)

    @property
    def results_dir(self) -> Path:
        """The directory of the agents' results."""
        return self.root / "results"

    def results(self, agent: str) -> Path:
        """What one agent has reported, written by its own pod."""
        return self.results_dir / f"{checked_name(agent)}.json"

    @property
    def outgoing(self) -> Path:
        """The directory of a person's messages on their way to an agent."""
        return self.root / "send"

    @property
    def answers(self) -> Path:
        """The directory of people's answers to what agents ask, and of what became of them."""
        return self.root / "answers"

    @property
    def journal(self) -> Path:
        """The numbered record of everything that happened."""
        return self.root / "journal.jsonl"

    @property
    def recorder_state(self) -> Path:
        """Where the recorder stands in the files it reads."""
        return self.root / "recorder.json"

    @property
    def digest(self) -> Path:
        """What the recorder has learned from the beginning of the journal."""
        return self.root / "recorder.digest"

    def directories(self) -> tuple[Path, ...]:
        """Every directory that ``prepare`` makes, parents first."""
        return (
            self.root,
            self.team_dir,
            self.inboxes,
            self.tasks,
            self.events_dir,
            self.agents_dir,
            self.requests_dir,
            self.results_dir,
            self.outgoing,
            self.answers,
        )


def checked_name(name: str) -> str:
    """The name, if it can be a file's name; raises ``ValueError`` for one with a slash or a leading dot."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name: {name[:80]!r}")
    return name
