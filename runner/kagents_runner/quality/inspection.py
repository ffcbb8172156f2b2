"""Inspects an agent's work: runs the team's checks in its worktree and counts the rounds.

What has passed and has not changed since is not run again, and an agent of a coding team that has changed
nothing has nothing to check.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kagents_core.safetext import clean
from kagents_runner.prepare.git import Git
from kagents_runner.quality.ledger import Ledger, Standing, ended_words
from kagents_runner.quality.likeness import begun_from, mark_of, tree_of
from kagents_runner.quality.shell import Outcome, run_check
from kagents_runner.quality.wanted import Check, Quality, checks, nothing_to_run
from kagents_runner.secret_values import secrets_of

SHOWN: Final = 3_000
"""Characters of a failed check's output that the agent is told; the file has more."""
_LAST_WORDS: Final = 200
_LONGEST_VISIBLE: Final = 16
"""Characters of the visible form of one that must not be shown raw, at most."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of an inspection."""

    passed: bool
    told: str = ""
    """What the agent is told of a failure, with the output."""
    over: str | None = None
    """Why the agent must end, in a sentence for people, once its rounds are over."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent works."""

    worktree: Path
    home: Path
    base: str | None
    """The branch of the repository that it began from; None for a folder without git."""
    lock: Path | None = None
    """Locked while checks run, in a worktree that is shared."""


class Inspector:
    """Inspects one agent's work."""

    def __init__(self, quality: Quality, place: Place, environment: Mapping[str, str]) -> None:
        self._quality, self._place, self._environment = quality, place, environment
        self._git = Git(environment)
        self._ledger = Ledger(place.home, secrets_of(environment), place.lock)

    async def inspect(self) -> Finding:
        """Runs what must be run. Raises ``OSError`` when the agent's home cannot be written."""
        if not self._quality.gates:
            return Finding(True)
        began = time.time()
        async with self._ledger.alone():
            standing = self._ledger.load()
            mark = await self._mark()
            if standing.over is None and mark is not None:
                if mark in standing.passed or mark == await self._beginning():
                    return Finding(True)
                if mark == standing.failed and standing.failed_at >= began:  # found out while we waited
                    return Finding(False, standing.told)
            if standing.over is not None:
                return Finding(False, standing.told, standing.over)
            return await self._run(standing, mark)

    async def _run(self, standing: Standing, mark: str | None) -> Finding:
        failed: list[tuple[Check, Outcome, str]] = []
        parts: list[str] = []
        for check in checks(self._quality, self._place.worktree):
            outcome = await self._check(check)
            standing.count += 1
            path, output = self._ledger.keep(standing.count, check, outcome)
            if not outcome.passed:
                failed.append((check, outcome, output))
                parts.append(_told(check, outcome, output, path))
        if not failed:
            after = await self._mark()
            standing.passed = [each for each in {mark, after} if each is not None]
            standing.failures, standing.failed, standing.told = 0, None, ""
        else:
            standing.failures += 1
            standing.failed, standing.failed_at = mark, time.time()
            standing.over = self._over(standing.failures, failed)
            standing.told = self._round(standing, parts)
        self._ledger.save(standing)
        return Finding(not failed, standing.told, standing.over)

    async def _check(self, check: Check) -> Outcome:
        if check.shell is None:
            return Outcome(None, 0.0, nothing_to_run(check.gate).encode())
        place, seconds = self._place, self._quality.seconds
        return await run_check(check.shell, place.worktree, place.home, self._environment, seconds)

    async def _mark(self) -> str | None:
        if self._place.base is None:
            return mark_of(self._place.worktree)
        return await tree_of(self._git, self._place.worktree)

    async def _beginning(self) -> str | None:
        if self._place.base is None:
            return None
        return await begun_from(self._git, self._place.worktree, self._place.base)

    def _over(self, failures: int, failed: list[tuple[Check, Outcome, str]]) -> str | None:
        if failures <= self._quality.rounds:
            return None
        gates = " and ".join(check.gate for check, _, _ in failed)
        check, outcome, output = failed[0]
        last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
        how = f"{_runs(check)} {ended_words(outcome.code)}"
        words = clean(last, limit=_LAST_WORDS, multiline=False)
        return f"its work failed {gates} {failures} times in a row: {how}" + (f": {words}" if words else "")

    def _round(self, standing: Standing, parts: list[str]) -> str:
        left = self._quality.rounds - standing.failures
        if standing.over is not None:
            rest = "It has failed too often: kagents ends you now."
        else:
            more = f"{left + 1} more failures" if left else "one more failure"
            rest = f"Mend it and do again what you were about to do; after {more} in a row kagents ends you."
        head = "Your work does not pass the checks of this team, so this was not done."
        return "\n\n".join([head, *parts, rest])


def _told(check: Check, outcome: Outcome, output: str, path: Path) -> str:
    end = output.strip()[-SHOWN:]
    shown = clean(end, limit=SHOWN * _LONGEST_VISIBLE, multiline=True)
    cut = f"…{shown}" if len(end) == SHOWN else shown
    words = f"Its output (all of it is in {path}):\n{cut}" if cut else "It printed nothing."
    return f"{check.gate}: {_runs(check)} {ended_words(outcome.code)}. {words}"


def _runs(check: Check) -> str:
    return f"`{clean(check.shown, limit=200, multiline=False)}`"
