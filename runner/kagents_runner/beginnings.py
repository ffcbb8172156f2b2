"""Where an agent's branch began."""

from pathlib import Path

from kagents_runner.prepare.git import Git, GitError


async def began_at(git: Git, worktree: Path, base: str) -> str | None:
    """The commit from which the agent began; ``base`` is a branch of the origin, a tag, or a commit."""
    for name in (f"refs/remotes/origin/{base}", f"refs/tags/{base}", base):
        try:
            return (await git.run("merge-base", "HEAD", name, cwd=worktree)).strip()
        except GitError:
            continue
    return None
