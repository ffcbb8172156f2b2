"""What an agent left uncommitted in its worktree becomes a commit on its branch, so that nothing is lost.

The repository's configuration was in the agents' hands: programs that it names for filters are switched off.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import RunnerError

_FILTER: Final = re.compile(r"^filter\.(.+)\.(clean|smudge|process|required)$")
_MOST_FILTERS: Final = 200


async def save_leftovers(git: Git, worktree: Path, agent: str) -> bool:
    """Commits what is changed or new in the worktree; whether there was anything. Raises ``RunnerError``."""
    if not worktree.is_dir():
        return False
    try:
        quiet = await without_filters(git, worktree)
        status = await git.run(
            *quiet,
            "status",
            "--porcelain",
            "--untracked-files=normal",
            "--ignore-submodules=all",
            cwd=worktree,
        )
        if not status.strip():
            return False
        await git.run(*quiet, "add", "--all", "--", ".", cwd=worktree)
        if await git.succeeds(*quiet, "diff", "--cached", "--quiet", "--no-ext-diff", cwd=worktree):
            return False
        identity = [f"user.name={agent} (kagents)", f"user.email={agent}@kagents.invalid"]
        settings = [part for setting in identity for part in ("-c", setting)]
        message = f"Save what {agent} left uncommitted"
        await git.run(*quiet, *settings, "commit", "--quiet", "--no-verify", "-m", message, cwd=worktree)
    except GitError as error:
        raise RunnerError(f"What {agent} left uncommitted cannot be saved: {error}.") from error
    return True


async def without_filters(git: Git, directory: Path) -> Sequence[str]:
    """Options of git that make every filter of the repository's configuration do nothing."""
    try:
        names = await git.run("config", "--name-only", "--get-regexp", r"^filter\.", cwd=directory)
    except GitError as error:
        if error.code == 1:  # no such setting
            return ()
        raise
    drivers = {found[1] for line in names.splitlines() if (found := _FILTER.match(line))}
    if len(drivers) > _MOST_FILTERS:
        raise RunnerError(f"The repository's configuration names {len(drivers)} filters.")
    options: list[str] = []
    for driver in sorted(drivers):
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")):
            options += ["-c", f"filter.{driver}.{key}={value}"]
    return options
