"""What is kept of an agent's checks, in its home: outputs, one line a check, and how it stands now.

``quality/state.json``, ``quality/checks.jsonl`` and ``quality/<number>-<gate>.log``. They lie where the agent
can write, as its tests do: checks find mistakes, they do not stop an agent that wants to cheat.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.safetext import clean
from kagents_core.teamfiles.events import append_line
from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.lines import read_lines
from kagents_core.teamfiles.nativejson import timestamp
from kagents_runner.quality.shell import Outcome
from kagents_runner.quality.wanted import Check
from kagents_runner.secret_values import hidden

LOGS_KEPT: Final = 20
_STATE_LIMIT: Final = 256 * 1024
_LOCK_POLL: Final = 0.1


@dataclass
class Standing:
    """How the agent's work stands."""

    passed: list[str] = field(default_factory=list)
    """What the work was like when it passed, before and after the checks ran."""
    failures: int = 0
    """Failed inspections in a row."""
    count: int = 0
    """Checks so far, of all attempts."""
    failed: str | None = None
    """What the work was like when it last failed."""
    failed_at: float = 0.0
    told: str = ""
    """What the agent was told then."""
    over: str | None = None
    """Why the agent must end, once its rounds are over."""


class Ledger:
    """The files of one agent."""

    def __init__(self, home: Path, secrets: Sequence[str] = (), lock: Path | None = None) -> None:
        """``secrets`` are starred out of outputs; ``lock`` stands for a worktree that others check too."""
        self.folder = home / "quality"
        self._secrets = secrets
        self._lock = lock or self.folder / "lock"

    @property
    def lines(self) -> Path:
        """One line of JSON a check."""
        return self.folder / "checks.jsonl"

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Only one inspection at a time: hooks of parallel tool calls wait for each other."""
        self.folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._lock, flags, 0o600)
        try:
            while not _locked(descriptor):  # noqa: ASYNC110 - another process holds it
                await asyncio.sleep(_LOCK_POLL)
            yield
        finally:
            os.close(descriptor)

    def load(self) -> Standing:
        """How it stands; as at the beginning when nothing readable is there."""
        try:
            kept = orjson.loads(read_bounded(self.folder / "state.json", _STATE_LIMIT))
            return _standing(kept)
        except (OSError, ValueError, KeyError, TypeError):
            return Standing()

    def save(self, standing: Standing) -> None:
        """Keeps it. Raises ``OSError``."""
        replace_file(self.folder / "state.json", orjson.dumps(standing), mode=0o600)

    def keep(self, number: int, check: Check, outcome: Outcome) -> tuple[Path, str]:
        """Keeps an output and a line about it; returns the output's file and text."""
        text = hidden(outcome.output.decode(errors="replace"), self._secrets)
        path = self.folder / f"{number:04d}-{check.gate}.log"
        replace_file(path, text.encode(errors="replace"), mode=0o600)
        line: dict[str, Any] = {
            "at": timestamp(),
            "gate": check.gate,
            "runs": check.shown[:200],
            "log": path.name,
        }
        line |= {"code": outcome.code, "seconds": round(outcome.seconds, 1), "passed": outcome.passed}
        append_line(self.lines, line)
        for old in sorted(self.folder.glob("[0-9]*-*.log"))[:-LOGS_KEPT]:
            old.unlink(missing_ok=True)
        return path, text


class Follower:
    """Reads what is new in a ledger, for the process that watches the agent."""

    def __init__(self, home: Path) -> None:
        self._ledger = Ledger(home)
        self._offset = read_lines(self._ledger.lines, 0).offset

    def news(self) -> list[str]:
        """A sentence for each check since the last call. Raises ``OSError``."""
        found = read_lines(self._ledger.lines, self._offset)
        self._offset = found.offset
        return [sentence for line in found.lines if (sentence := _sentence(line))]

    def over(self) -> str | None:
        """Why the agent must end, if it must."""
        return self._ledger.load().over


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a volume without locks: two checks at once are better than none
        return True
    return True


def _standing(kept: Any) -> Standing:
    over, failed = kept["over"], kept["failed"]
    return Standing(
        passed=[str(mark) for mark in kept["passed"]],
        failures=int(kept["failures"]),
        count=int(kept["count"]),
        failed=None if failed is None else str(failed),
        failed_at=float(kept["failed_at"]),
        told=str(kept["told"]),
        over=None if over is None else str(over),
    )


def _sentence(line: bytes) -> str | None:
    try:
        told = orjson.loads(line)
        ended = "passed" if told["passed"] else ended_words(told["code"])
        words = (
            f"check {told['gate']} ({told['runs']}): {ended}, {told['seconds']} s, output in {told['log']}"
        )
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return clean(words, limit=400, multiline=False)


def ended_words(code: int | None) -> str:
    """How a check that failed has ended."""
    if code is None:
        return "did not end in time or could not be run"
    return f"ended with status {code}" if code >= 0 else f"was ended by signal {-code}"
