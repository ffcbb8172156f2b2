"""The clone: its commit to start from, whether named by branch, tag or id, and its further remotes."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kagents_core.safetext import clean
from kagents_runner.documents import Repository
from kagents_runner.prepare.failures import clone_failure, is_missing_branch, refuse_password, shown_url
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

CLONE_SECONDS: Final = 1800.0
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_FULL: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

Log = Callable[[str], None]


async def clone_into(git: Git, repository: Repository, target: Path, log: Log) -> str:
    """Clones without checking out; returns the commit that agents start from. Raises ``RunnerError``.

    Whatever ``branch`` names, the clone then has it as ``refs/remotes/origin/<branch>``.
    """
    for url in (repository.url, *(url for _, url in repository.remotes)):
        refuse_password(url)
    if target.exists():
        shutil.rmtree(target)
    history = f", the last {repository.depth} commits" if repository.depth else ""
    log(f"cloning {shown_url(repository.url)}, {repository.branch}{history}")
    try:
        try:
            await _clone(git, repository, target, f"--branch={repository.branch}")
        except GitError as error:
            if not (is_missing_branch(error) and _COMMIT.fullmatch(repository.branch)):
                raise
            await _clone_commit(git, repository, target)
        base = await _base(git, target, repository)
    except GitError as error:
        raise clone_failure(error, repository.url, repository.branch) from error
    await git.run("config", "extensions.worktreeConfig", "true", cwd=target)
    if repository.agent_access != "none":  # a clone of limited depth would know its one branch only
        every = "+refs/heads/*:refs/remotes/origin/*"
        await git.run("config", "--replace-all", "remote.origin.fetch", every, cwd=target)
    await _remotes(git, repository, target, log)
    return base


async def _clone(git: Git, repository: Repository, target: Path, *more: str) -> None:
    await git.run(
        "clone",
        "--quiet",
        "--no-checkout",
        "--origin=origin",
        "--template=",
        *_depth(repository),
        *more,
        "--",
        repository.url,
        str(target),
        seconds=CLONE_SECONDS,
    )


async def _clone_commit(git: Git, repository: Repository, target: Path) -> None:
    """A commit that is perhaps on no branch: asked for by its id where the clone does not have it."""
    full = bool(_FULL.fullmatch(repository.branch))
    if repository.depth and full:
        await git.run("init", "--quiet", "--template=", str(target))
        await git.run("remote", "add", "origin", repository.url, cwd=target)
    else:
        await _clone(git, Repository(repository.url, repository.branch, ""), target)
    known = await git.succeeds(
        "rev-parse", "--verify", "--quiet", f"{repository.branch}^{{commit}}", cwd=target
    )
    if full and not known:
        await git.run(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            *_depth(repository),
            "origin",
            repository.branch,
            cwd=target,
            seconds=CLONE_SECONDS,
        )


def _depth(repository: Repository) -> tuple[str, ...]:
    return (f"--depth={repository.depth}",) if repository.depth else ()


async def _base(git: Git, clone: Path, repository: Repository) -> str:
    """The commit, recorded under the name that everything later looks it up by."""
    branch = repository.branch
    own = f"refs/remotes/origin/{branch}"
    names = [own, f"refs/tags/{branch}", *([branch] if _COMMIT.fullmatch(branch) else [])]
    for name in names:
        commit = f"{name}^{{commit}}"
        if await git.succeeds("rev-parse", "--verify", "--quiet", commit, cwd=clone):
            base = (await git.run("rev-parse", "--verify", commit, cwd=clone)).strip()
            if name != own:
                await git.run("update-ref", own, base, cwd=clone)
            return base
    raise RunnerError(
        f"The repository {shown_url(repository.url)} has no branch, tag or commit "
        f"{clean(branch, limit=200, multiline=False)!r}.",
        code=EXIT_NEEDS_A_PERSON,
    )


async def _remotes(git: Git, repository: Repository, clone: Path, log: Log) -> None:
    for name, url in repository.remotes:
        log(f"fetching the remote {name}, {shown_url(url)}")
        try:
            await git.run("remote", "add", "--", name, url, cwd=clone)
            await git.run(
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-recurse-submodules",
                *_depth(repository),
                "--",
                name,
                cwd=clone,
                seconds=CLONE_SECONDS,
            )
        except GitError as error:
            failure = clone_failure(error, url, name)
            sentence = (
                f"spec.repository.remotes, {clean(name, limit=63, multiline=False)}: {failure.sentence}"
            )
            raise RunnerError(sentence, code=failure.code) from error
