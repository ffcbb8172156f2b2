"""The agents' branches joined into one, in a repository that no agent has touched and without a work tree.

The branches are fetched from the agents' clone into a bare repository of our own, so their configuration,
hooks and programs have no say. Merging twice gives the same commit: times come from the commits merged.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from kagents_core.api.constants import EXIT_CONFLICT
from kagents_core.safetext import clean
from kagents_runner.finish.documents import AgentWork
from kagents_runner.finish.scopes import NAMED, outside, refuse, revert
from kagents_runner.locations import branch_of
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.scope import Scope
from kagents_runner.termination import RunnerError

_FETCH_SECONDS: Final = 900.0
_MOST_SUBJECTS: Final = 50
_NAMED_FILES: Final = 8
_BASE: Final = "refs/kagents/base"


@dataclass(frozen=True, slots=True)
class Joined:
    """The outcome of merging."""

    base: str
    commit: str
    files: int
    work: tuple[AgentWork, ...]


async def collect(git: Git, clone: Path, bare: Path, base_branch: str) -> None:
    """Fetches the agents' branches and the commit they started from into ``bare``. Raises ``RunnerError``."""
    if bare.exists():
        shutil.rmtree(bare)
    try:
        await git.run("init", "--quiet", "--bare", "--template=", str(bare))
        # The ref of an agent's clone that prepare checked out from; a tag has no remote-tracking branch.
        base = f"refs/remotes/origin/{base_branch}"
        if not await git.succeeds("rev-parse", "--verify", "--quiet", base, cwd=clone):
            base = f"refs/tags/{base_branch}"
        specs = ["+refs/heads/kagents/*:refs/heads/kagents/*", f"+{base}:{_BASE}"]
        arguments = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        # The clone's history may end early, and so does ours then.
        source = ("--update-shallow", f"file://{clone}")
        await git.run(*arguments, *source, *specs, cwd=bare, seconds=_FETCH_SECONDS)
    except GitError as error:
        raise RunnerError(f"The agents' branches cannot be read: {error}.") from error


async def join(
    git: Git,
    bare: Path,
    team: str,
    order: Sequence[str],
    *,
    saved: frozenset[str] = frozenset(),
    scopes: Mapping[str, Scope] = MappingProxyType({}),
) -> Joined:
    """Merges every agent's branch in this order. Raises ``RunnerError`` (64) that names what conflicts."""
    try:
        base = await _commit(git, bare, f"{_BASE}^{{commit}}")
        head = base
        merged: list[str] = []
        work: list[AgentWork] = []
        for agent in order:
            branch = branch_of(team, agent)
            tip = await _tip(git, bare, branch)
            if tip is None or await _contains(git, bare, head, tip):
                continue
            done = await _work(git, bare, base, tip, agent, agent in saved)
            if agent in scopes and (files := await outside(git, bare, head, tip, scopes[agent])):
                tip, done = await _judged(git, bare, head, tip, scopes[agent], files, done)
            head = await _merge(git, bare, head, tip, branch, merged)
            merged.append(branch)
            work.append(done)
        changed = await git.run("diff", "--name-only", "-z", "--no-ext-diff", base, head, cwd=bare)
    except GitError as error:
        raise RunnerError(f"The agents' branches cannot be merged: {error}.") from error
    return Joined(base, head, changed.count("\0"), tuple(work))


async def _judged(
    git: Git, bare: Path, head: str, tip: str, scope: Scope, files: Sequence[str], work: AgentWork
) -> tuple[str, AgentWork]:
    """What the spec wants for changes outside the scope."""
    if scope.on_violation == "fail":
        raise refuse(work.agent, files)
    reverted = scope.on_violation == "revert"
    if reverted:
        tip = await revert(git, bare, head, tip, work.agent, files)
    names = tuple(clean(name, limit=200, multiline=False) for name in files[:NAMED])
    return tip, work.model_copy(update={"outside": names, "reverted": reverted})


async def _merge(git: Git, bare: Path, head: str, tip: str, branch: str, merged: Sequence[str]) -> str:
    """The commit that joins ``tip`` into ``head``; the first branch needs none when nothing else moved."""
    if await _contains(git, bare, tip, head):
        return tip
    try:
        told = await git.run(
            "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", head, tip, cwd=bare
        )
    except GitError as error:
        if error.code != 1:
            raise
        raise await _conflict(git, bare, head, tip, branch, merged) from error
    tree = told.split("\0", 1)[0].strip()
    when = await git.run("log", "-1", "--format=%cd", "--date=raw", tip, cwd=bare)
    joined = Git(
        git.environment,
        {
            **git.extra,
            "GIT_AUTHOR_NAME": "kagents",
            "GIT_AUTHOR_EMAIL": "kagents@kagents.invalid",
            "GIT_COMMITTER_NAME": "kagents",
            "GIT_COMMITTER_EMAIL": "kagents@kagents.invalid",
            "GIT_AUTHOR_DATE": when.strip(),
            "GIT_COMMITTER_DATE": when.strip(),
        },
    )
    message = f"Merge {branch}"
    return (await joined.run("commit-tree", "-p", head, "-p", tip, "-m", message, tree, cwd=bare)).strip()


async def _conflict(
    git: Git, bare: Path, head: str, tip: str, branch: str, merged: Sequence[str]
) -> RunnerError:
    """Which files, and against which of the branches merged before."""
    files = await _conflicting(git, bare, head, tip)
    against = [other for other in merged if await _conflicting(git, bare, f"refs/heads/{other}", tip)]
    names = [clean(name, limit=200, multiline=False) for name in files[:_NAMED_FILES]]
    more = f" and {len(files) - _NAMED_FILES} more" if len(files) > _NAMED_FILES else ""
    other = " and ".join(against) or "the branches merged before it"
    return RunnerError(
        f"{branch} conflicts with {other} in {', '.join(names)}{more}. "
        "Every branch is kept in the team's volume (work/repo): resolve it on one of them, then retry.",
        code=EXIT_CONFLICT,
    )


async def _conflicting(git: Git, bare: Path, one: str, other: str) -> list[str]:
    """Names of the files that conflict; merge-tree prints them after the tree, and exits with 1."""
    told = await git.run(
        "merge-tree",
        "--write-tree",
        "-z",
        "--name-only",
        "--no-messages",
        one,
        other,
        cwd=bare,
        accepted=(0, 1),
    )
    return [name for name in told.split("\0")[1:] if name]


async def _work(git: Git, bare: Path, base: str, tip: str, agent: str, saved: bool) -> AgentWork:
    span = f"{base}..{tip}"
    own = (await git.run("log", "--reverse", "--no-merges", "--format=%s", span, cwd=bare)).splitlines()
    subjects = tuple(clean(subject, limit=200, multiline=False) for subject in own[:_MOST_SUBJECTS])
    return AgentWork(agent=agent, commit=tip, subjects=subjects, commits=len(own), saved=saved)


async def _commit(git: Git, bare: Path, name: str) -> str:
    return (await git.run("rev-parse", "--verify", name, cwd=bare)).strip()


async def _tip(git: Git, bare: Path, branch: str) -> str | None:
    if not await git.succeeds("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", cwd=bare):
        return None
    return await _commit(git, bare, f"refs/heads/{branch}^{{commit}}")


async def _contains(git: Git, bare: Path, whole: str, part: str) -> bool:
    """Whether ``part`` is an ancestor of ``whole``."""
    return await git.succeeds("merge-base", "--is-ancestor", part, whole, cwd=bare)
