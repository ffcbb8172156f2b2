"""One clone a team, and in it a branch and a worktree for every agent.

Each step can be killed at any point and done again: the clone appears by ``rename`` once it is complete, and
a worktree counts only once its mark is there. Once there is a clone, nothing goes to the network again, so
that a repository which agents have changed never meets the credential.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from kagents_runner.documents import Repository
from kagents_runner.locations import worktree
from kagents_runner.prepare.credentials import git_environment
from kagents_runner.prepare.failures import clone_failure, refuse_password, shown_url
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import RunnerError

CLONE_SECONDS: Final = 1800.0
_MARK: Final = "kagents-prepared"
_UNFINISHED: Final = ".repo.unfinished"

Log = Callable[[str], None]


async def prepare_repository(
    repository: Repository,
    team: str,
    agents: Sequence[str],
    work_dir: Path,
    *,
    credentials: Path | None,
    known_hosts: Path,
    environment: Mapping[str, str],
    log: Log,
) -> None:
    """Clones the repository unless it is there, and completes the worktrees. Raises ``RunnerError``."""
    clone = work_dir / "repo"
    if clone.exists():
        log("the repository is cloned already")
    else:
        with git_environment(credentials, known_hosts) as extra:
            await _clone(Git(environment, extra), repository, clone, log)
    git = Git(environment)
    try:
        base = await _base(git, clone, repository.branch)
        for agent in agents:
            await _worktree(git, clone, team, agent, worktree(work_dir, agent), base, log)
    except GitError as error:
        raise RunnerError(f"The worktrees cannot be made: {error}.") from error


def branch_of(team: str, agent: str) -> str:
    """The branch that an agent works on."""
    return f"kagents/{team}/{agent}"


async def _clone(git: Git, repository: Repository, clone: Path, log: Log) -> None:
    refuse_password(repository.url)
    unfinished = clone.with_name(_UNFINISHED)
    if unfinished.exists():
        shutil.rmtree(unfinished)
    log(f"cloning {shown_url(repository.url)}, branch {repository.branch}")
    try:
        await git.run(
            "clone",
            "--quiet",
            "--no-checkout",
            "--origin=origin",
            "--template=",
            f"--branch={repository.branch}",
            "--",
            repository.url,
            str(unfinished),
            seconds=CLONE_SECONDS,
        )
    except GitError as error:
        raise clone_failure(error, repository.url, repository.branch) from error
    await git.run("config", "extensions.worktreeConfig", "true", cwd=unfinished)
    unfinished.rename(clone)
    log("cloned")


async def _base(git: Git, clone: Path, branch: str) -> str:
    """The commit that agents start from: the branch as it was cloned."""
    for name in (f"refs/remotes/origin/{branch}", f"refs/tags/{branch}"):
        if await git.succeeds("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=clone):
            return (await git.run("rev-parse", "--verify", f"{name}^{{commit}}", cwd=clone)).strip()
    raise RunnerError(f"The clone has no branch {branch!r}: it was made for another one.", code=64)


async def _worktree(git: Git, clone: Path, team: str, agent: str, path: Path, base: str, log: Log) -> None:
    mark = clone / ".git" / "worktrees" / agent / _MARK
    if mark.is_file() and path.is_dir():
        return
    # Without its mark nobody has worked here yet: agents start only after all marks are there.
    if path.exists():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    await git.run("worktree", "prune", cwd=clone)
    branch = branch_of(team, agent)
    known = await git.succeeds("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", cwd=clone)
    start = [branch] if known else ["--no-track", "-b", branch]
    commit = [] if known else [base]
    await git.run(
        "-c", "checkout.workers=0", "worktree", "add", "--quiet", *_order(start, path, commit), cwd=clone
    )
    await git.run("config", "--worktree", "user.name", f"{agent} (kagents)", cwd=path)
    await git.run("config", "--worktree", "user.email", f"{agent}@{team}.kagents.invalid", cwd=path)
    mark.touch()
    log(f"worktree of {agent} on branch {branch}")


def _order(start: list[str], path: Path, commit: list[str]) -> list[str]:
    """``worktree add`` takes options, the path, then what to check out."""
    if commit:
        return [*start, str(path), *commit]
    return [str(path), *start]
