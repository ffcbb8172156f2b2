"""Work that an agent left uncommitted is committed to its branch when it ends: nothing of it is ever lost."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from kagents_runner.prepare.git import Git, GitError

MESSAGE: Final = "Keep work that was uncommitted when the agent ended"
SECONDS: Final = 20.0
"""Time limit of each git command: it all happens within the pod's grace period."""


async def commit_leftovers(
    worktree: Path, environment: Mapping[str, str], log: Callable[[str], None]
) -> None:
    """Commit everything in the worktree that is not ignored. A failure is logged; the files stay."""
    git = Git(environment)
    try:
        await _forget_stale_lock(git, worktree)
        if not (await git.run("status", "--porcelain", cwd=worktree, seconds=SECONDS)).strip():
            return
        await git.run("add", "--all", "--", ".", cwd=worktree, seconds=SECONDS)
        await git.run("commit", "--quiet", "--no-verify", "--message", MESSAGE, cwd=worktree, seconds=SECONDS)
    except GitError as error:
        log(f"uncommitted work stays in {worktree}: {error}")
        return
    log("committed the work that was left uncommitted")


async def _forget_stale_lock(git: Git, worktree: Path) -> None:
    """A killed git command leaves its lock behind; the agent has ended, so nobody holds it."""
    found = (await git.run("rev-parse", "--git-path", "index.lock", cwd=worktree, seconds=SECONDS)).strip()
    lock = Path(found) if Path(found).is_absolute() else worktree / found
    lock.unlink(missing_ok=True)
