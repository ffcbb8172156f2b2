"""The work of a simulated agent: files in its working directory, committed where there is a repository."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kagents_runner.harness.protocol import AgentContext
from kagents_runner.locations import worktree
from kagents_runner.prepare.git import Git, GitError

_LOCKED: Final = re.compile(r"\.lock': File exists|cannot lock ref")
_CONFLICT: Final = re.compile(r"(\S+) conflicts with (\S+(?: and \S+)*) in ")
"""How the delivery says it (finish/merge.py)."""
LOCKED_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def write_inside(folder: Path, name: str, content: str) -> Path | None:
    """Writes a file below ``folder``; None when a link leads out of it. Raises ``OSError``."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


async def resolve(context: AgentContext, conflict: str) -> str:
    """Merges as a lead would, with the branch's own lines where both have changed the same; the outcome."""
    found = _CONFLICT.match(conflict)
    if found is None:
        return "does not understand the conflict"
    git, folder = Git(context.environment), worktree(context.work_dir, found[1].rpartition("/")[2])
    for other in found[2].split(" and "):
        try:
            await git.run("merge", "--quiet", "--no-edit", "--strategy-option=ours", other, cwd=folder)
        except GitError as error:
            await git.succeeds("merge", "--abort", cwd=folder)
            return f"could not resolve the conflict: {error}"
    return f"merged {found[2]} into {found[1]}"


async def commit_files(git: Git, folder: Path, names: Sequence[str]) -> bool:
    """Commits these files; whether there was anything to commit. Raises ``GitError``.

    In a worktree that agents share, another may hold git's lock for a moment.
    """
    for pause in (*LOCKED_PAUSES, None):
        try:
            return await _commit(git, folder, names)
        except GitError as error:
            if pause is None or not _LOCKED.search(error.stderr):
                raise
            await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


async def _commit(git: Git, folder: Path, names: Sequence[str]) -> bool:
    await git.run("add", "--", *names, cwd=folder)
    if await git.succeeds("diff", "--cached", "--quiet", "--", *names, cwd=folder):
        return False
    message = f"Simulate: write {', '.join(names)[:60]}"
    await git.run("commit", "--quiet", "--message", message, "--", *names, cwd=folder)
    return True
