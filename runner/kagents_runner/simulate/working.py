"""The work of a simulated agent: files in its working directory, committed where there is a repository."""

from collections.abc import Sequence
from pathlib import Path

from kagents_runner.prepare.git import Git


def write_inside(folder: Path, name: str, content: str) -> Path | None:
    """Writes a file below ``folder``; None when a link leads out of it. Raises ``OSError``."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


async def commit_files(git: Git, folder: Path, names: Sequence[str]) -> bool:
    """Commits these files; whether there was anything to commit. Raises ``GitError``."""
    await git.run("add", "--", *names, cwd=folder)
    if await git.succeeds("diff", "--cached", "--quiet", cwd=folder):
        return False
    await git.run("commit", "--quiet", "--message", f"Simulate: write {', '.join(names)[:60]}", cwd=folder)
    return True
