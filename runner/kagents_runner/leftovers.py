"""Work that an agent left uncommitted is committed to its branch: nothing of it is ever lost.

The agent's supervisor does it when the agent ends, and ``merge`` once more for those that were killed. The
repository's configuration was in agents' hands: programs that it names for filters are switched off.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from kagents_runner.prepare.git import Git, GitError

MESSAGE: Final = "Keep work that was uncommitted when the agent ended"
SECONDS: Final = 20.0
"""Time limit of each git command: it all happens within the pod's grace period."""

_FILTER: Final = re.compile(r"^filter\.(.+)\.(clean|smudge|process|required)$", re.IGNORECASE)
_NO_SUCH_SETTING: Final = 1


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
    """Options of git that make every filter of the repository's configuration do nothing."""
    names = await git.run(
        "config",
        "--name-only",
        "--get-regexp",
        r"^filter\.",
        cwd=directory,
        seconds=SECONDS,
        accepted=(0, _NO_SUCH_SETTING),
    )
    drivers = {found[1] for line in names.splitlines() if (found := _FILTER.match(line))}
    options: list[str] = []
    for driver in sorted(drivers):
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")):
            options += ["-c", f"filter.{driver}.{key}={value}"]
    return options


async def _forget_stale_lock(git: Git, worktree: Path) -> None:
    """A killed git command leaves its lock behind; the agent has ended, so nobody holds it."""
    found = (await git.run("rev-parse", "--git-path", "index.lock", cwd=worktree, seconds=SECONDS)).strip()
    lock = Path(found) if Path(found).is_absolute() else worktree / found
    lock.unlink(missing_ok=True)
