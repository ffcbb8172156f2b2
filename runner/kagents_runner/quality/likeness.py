"""Whether two looks at a working directory saw the same work: what has passed once is not run again."""

import hashlib
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from kagents_runner.beginnings import began_at
from kagents_runner.leftovers import without_filters
from kagents_runner.prepare.git import Git, GitError

MOST_FILES: Final = 20_000
"""Files of a folder without git that are looked at; a larger one is never the same."""
_SECONDS: Final = 60.0


async def tree_of(git: Git, worktree: Path) -> str | None:
    """The tree that everything in the worktree would be committed as; the agent's index stays as it is."""
    try:
        found = (await git.run("rev-parse", "--git-path", "index", cwd=worktree)).strip()
        quiet = await without_filters(git, worktree)
        with TemporaryDirectory(prefix="kagents-index-") as private:
            index = Path(private) / "index"
            if (worktree / found).is_file():
                shutil.copyfile(worktree / found, index)
            own = Git(git.environment, {**git.extra, "GIT_INDEX_FILE": str(index)})
            await own.run(*quiet, "add", "--all", "--", ".", cwd=worktree, seconds=_SECONDS)
            # write-tree looks at files of the same second once more, and would run filters as well.
            return (await own.run(*quiet, "write-tree", cwd=worktree, seconds=_SECONDS)).strip()
    except (GitError, OSError):
        return None


async def begun_from(git: Git, worktree: Path, base: str) -> str | None:
    """The tree of the commit from which the agent began."""
    since = await began_at(git, worktree, base)
    if since is None:
        return None
    try:
        return (await git.run("rev-parse", "--verify", f"{since}^{{tree}}", cwd=worktree)).strip()
    except GitError:
        return None


def mark_of(folder: Path) -> str | None:
    """Names, sizes and times of all files of a folder without git, as one short text."""
    digest, count = hashlib.sha256(), 0
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            count += 1
            path = Path(parent) / name
            try:
                state = path.lstat()
            except OSError:
                return None
            digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode(errors="surrogateescape"))
        if count > MOST_FILES:
            return None
    return digest.hexdigest()
