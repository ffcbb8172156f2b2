"""What the finishing pod is told, and the files by which its two containers and its attempts hand on.

``KAGENTS_FINISH`` says what is wanted; ``merged.json`` what ``merge`` made; ``intent.json`` that a request
may have been made already. The files lie in ``KAGENTS_FINISH_DIR``, which no agent's pod mounts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_runner.scope import Scope
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_LIMIT: Final = 1024 * 1024
_MESSAGE_BYTES: Final = 4096
"""What Kubernetes keeps of a termination message; JSON that is cut says nothing."""
_WARNING: Final = 500
"""Characters of one warning."""


class _Document(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class PullRequestWish(_Document):
    """How the request is to look."""

    title: str
    target: str
    reviewers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    draft: bool = False
    provider: Literal["github", "gitlab"] | None = None
    api_url: str | None = None
    glance_seconds: float = 0
    """How long ``finish`` looks for checks to appear, once the request is made."""
    wait_seconds: float = 0
    """How long ``checks`` waits for them to end."""


class ScopeWish(_Document):
    """The paths of one agent."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    on_violation: Literal["report", "revert", "fail"] = "report"

    def scope(self) -> Scope:
        """As the rules know it."""
        return Scope(self.include, self.exclude, self.on_violation)


class FinishDocument(_Document):
    """``KAGENTS_FINISH``: the branch to push, and the request to make (None: only push)."""

    branch: str
    order: tuple[str, ...]
    """Agents in the order in which their branches are merged."""
    pull_request: PullRequestWish | None = None
    scopes: Mapping[str, ScopeWish] = {}
    """By agent: those that may not change everything."""
    retry: str = ""
    """The person's word after which an unknown outcome may be tried again."""


class AgentWork(_Document):
    """What one agent contributed."""

    agent: str
    commit: str
    subjects: tuple[str, ...] = ()
    """First lines of its commits, the oldest first; at most fifty."""
    commits: int = 0
    saved: bool = False
    """Whether ``merge`` had to commit what the agent had left uncommitted."""
    outside: tuple[str, ...] = ()
    """Files that it changed outside its scope; at most twenty."""
    reverted: bool = False
    """Whether those changes were taken out."""


class Merged(_Document):
    """``merged.json``: the joined work."""

    base: str
    commit: str
    files: int
    """Files that differ from the base."""
    work: tuple[AgentWork, ...]
    summary: str = ""
    """What the lead reported."""
    tasks: str = ""
    cost: str = ""

    @property
    def empty(self) -> bool:
        """Nobody committed anything."""
        return self.base == self.commit


def read_wish(text: str) -> FinishDocument:
    """``KAGENTS_FINISH``. Raises ``RunnerError``."""
    try:
        return FinishDocument.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RunnerError(f"KAGENTS_FINISH.{where}: {first['msg']}.", code=EXIT_NEEDS_A_PERSON) from error


def write_merged(directory: Path, merged: Merged) -> None:
    """Durably, by rename."""
    replace_file(directory / "merged.json", merged.model_dump_json(by_alias=True).encode(), durable=True)


def read_merged(directory: Path) -> Merged:
    """What ``merge`` made. Raises ``RunnerError``."""
    try:
        return Merged.model_validate_json(read_bounded(directory / "merged.json", _LIMIT))
    except (OSError, ValidationError) as error:
        raise RunnerError(f"The merged work cannot be read: {type(error).__name__}.") from error


@dataclass(frozen=True, slots=True)
class Intent:
    """A request that was about to be made: after a crash nobody knows whether it was."""

    head: str
    target: str
    retry: str


class Intents:
    """The one intent of a team, durable."""

    def __init__(self, directory: Path) -> None:
        """Kept in this directory."""
        self._path = directory / "intent.json"

    def read(self) -> Intent | None:
        """The intent on record; an unreadable one counts as one that differs from every other."""
        try:
            found = orjson.loads(read_bounded(self._path, 65536))
            return Intent(str(found["head"]), str(found["target"]), str(found["retry"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return Intent("", "", "")

    def record(self, intent: Intent) -> None:
        """Before the request is sent."""
        replace_file(self._path, orjson.dumps(asdict(intent)), durable=True)

    def clear(self) -> None:
        """The server has said that it made nothing."""
        self._path.unlink(missing_ok=True)


def outcome(fields: Mapping[str, Any], warnings: Sequence[str] = ()) -> bytes:
    """The termination message of a finished delivery: one JSON object that the controller reads.

    It holds as many warnings as Kubernetes keeps; all of them stand in the log.
    """
    result = {name: value for name, value in fields.items() if value is not None}
    kept: list[str] = []
    for text in warnings:
        shown = text if len(text) <= _WARNING else f"{text[: _WARNING - 1]}…"
        if len(orjson.dumps({**result, "warnings": [*kept, shown]})) > _MESSAGE_BYTES:
            break
        kept.append(shown)
    return orjson.dumps({**result, "warnings": kept} if kept else result)
