"""Work that an agent left uncommitted is committed to its branch: nothing of it is ever lost.

The agent's supervisor does it when the agent ends, and ``merge`` once more for those that were killed. The
repository's configuration was in agents' hands: programs that it names for filters are switched off.
"""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from kagents_runner.prepare.git import Git, GitError

MESSAGE: Final = "Keep work that was uncommitted when the agent ended"
SECONDS: Final = 20.0
"""Time limit of each git command: it all happens within the pod's grace period."""

_FILTER: Final = re.compile(r"^filter\.(.+)\.(clean|smudge|process|required)$", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"^lfs\.extension\.(.+)\.[a-z]+$", re.IGNORECASE)
_NO_SUCH_SETTING: Final = 1
LARGE_FILES: Final = "lfs"
"""The filter that ``prepare`` sets up for Git LFS."""


async def commit_leftovers(
    worktree: Path, environment: Mapping[str, str], log: Callable[[str], None]
) -> None:
    """Commits everything in the worktree that is not ignored. A failure is logged; the files stay."""
    try:
        saved = await save_leftovers(Git(environment), worktree)
    except GitError as error:
        log(f"uncommitted work stays in {worktree}: {error}")
        return
    if saved:
        log("committed the work that was left uncommitted")


async def save_leftovers(git: Git, worktree: Path, *, seconds: float = SECONDS) -> bool:
    """The same; whether there was anything. Raises ``GitError``."""
    await _forget_stale_lock(git, worktree)
    quiet = await without_filters(git, worktree)
    changed = await git.run(*quiet, "status", "--porcelain", cwd=worktree, seconds=seconds)
    if not changed.strip():
        return False
    await git.run(*quiet, "add", "--all", "--", ".", cwd=worktree, seconds=seconds)
    if await git.succeeds(*quiet, "diff", "--cached", "--quiet", "--no-ext-diff", cwd=worktree):
        return False
    await git.run(
        *quiet, "commit", "--quiet", "--no-verify", "--message", MESSAGE, cwd=worktree, seconds=seconds
    )
    return True


async def without_filters(git: Git, directory: Path) -> Sequence[str]:
    """Options of git that make every filter of the repository's configuration do nothing.

    But for that of large files, without which each of them would look changed: it runs ``git-lfs``, found
    where ours are, and none of the programs that the configuration names for it.
    """
    names = await _names(git, directory, r"^(filter|lfs\.extension)\.")
    drivers = {found[1] for line in names if (found := _FILTER.match(line))}
    settings: dict[str, str] = {}
    for driver in sorted(drivers):
        settings |= {f"filter.{driver}.{key}": "" for key in ("clean", "smudge", "process")}
        settings[f"filter.{driver}.required"] = "false"
    if LARGE_FILES in drivers and shutil.which("git-lfs", path=git.environment.get("PATH")) is not None:
        settings |= {"filter.lfs.process": "git-lfs filter-process", "lfs.storage": "lfs"}
        for name in {found[1] for line in names if (found := _EXTENSION.match(line))}:
            settings |= {f"lfs.extension.{name}.{key}": "cat" for key in ("clean", "smudge")}
    return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]


async def _names(git: Git, directory: Path, pattern: str) -> list[str]:
    """Names of the settings that match."""
    arguments = ("config", "--name-only", "--get-regexp", pattern)
    accepted = (0, _NO_SUCH_SETTING)
    return (await git.run(*arguments, cwd=directory, seconds=SECONDS, accepted=accepted)).splitlines()


async def _forget_stale_lock(git: Git, worktree: Path) -> None:
    """A killed git command leaves its lock behind; the agent has ended, so nobody holds it."""
    found = (await git.run("rev-parse", "--git-path", "index.lock", cwd=worktree, seconds=SECONDS)).strip()
    lock = Path(found) if Path(found).is_absolute() else worktree / found
    lock.unlink(missing_ok=True)
