"""One clone a team, and in it a worktree with a branch for every agent, or one for all of them.

Each step can be killed at any point and done again: the clone appears by ``rename`` once it is complete, and
a worktree counts only once its mark is there. Once all is there, that is recorded where no agent can write,
and from then on neither the network nor git is used: a repository that agents may have changed never meets
the credential.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.api.constants import SHARED_WORKTREE
from kagents_core.teamfiles.files import replace_file
from kagents_runner.documents import Repository
from kagents_runner.locations import branch_of, worktree
from kagents_runner.prepare.clone import Log, clone_into
from kagents_runner.prepare.credentials import git_environment
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.prepare.known_hosts import accepted, recorded
from kagents_runner.prepare.large_files import fetch_large_files
from kagents_runner.prepare.submodules import Submodule, fetch_submodules, place_submodules
from kagents_runner.termination import RunnerError

_MARK: Final = "kagents-prepared"
_UNFINISHED: Final = ".repo.unfinished"
_SEAL: Final = "prepared"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie: all but ``work_dir`` out of the agents' reach."""

    work_dir: Path
    finish_dir: Path
    credentials: Path | None

    @property
    def known_hosts(self) -> Path:
        """Host keys that were accepted; ``finish`` uses them too."""
        return self.finish_dir / "known_hosts"


async def prepare_repository(
    repository: Repository,
    team: str,
    agents: Sequence[str],
    places: Places,
    *,
    environment: Mapping[str, str],
    log: Log,
) -> None:
    """Clones the repository and makes the worktrees, unless all is there. Raises ``RunnerError``."""
    clone, seal = places.work_dir / "repo", places.finish_dir / _SEAL
    if seal.exists():
        log("the repository is prepared already")
        return
    # Without the seal no agent has started: a clone that is here is as an earlier attempt of ours left it.
    if not clone.exists():
        await _clone(repository, clone, places, environment, log)
    base, submodules = _read_plan(clone)
    git = Git(environment)
    try:
        names = {SHARED_WORKTREE: team} if repository.shared else {agent: agent for agent in agents}
        for name, who in names.items():
            tree = _Tree(name, branch_of(team, name), worktree(places.work_dir, name), who, team)
            await _worktree(git, clone, tree, base, submodules, log)
    except GitError as error:
        raise RunnerError(f"The worktrees cannot be made: {error}.") from error
    replace_file(seal, b"", durable=True)


async def _clone(
    repository: Repository, clone: Path, places: Places, environment: Mapping[str, str], log: Log
) -> None:
    unfinished, before = clone.with_name(_UNFINISHED), recorded(places.known_hosts)
    submodules: tuple[Submodule, ...] = ()
    async with git_environment(
        places.credentials, places.known_hosts, repository.url, environment, reading=True
    ) as extra:
        git = Git(environment, extra)
        try:
            base = await clone_into(git, repository, unfinished, log)
            if repository.submodules:
                submodules = await fetch_submodules(git, unfinished, base, repository.url, log)
            if repository.lfs:
                await fetch_large_files(git, unfinished, base, repository.url, log)
        except GitError as error:
            raise RunnerError(f"The clone cannot be completed: {error}.") from error
        finally:
            for sentence in accepted(places.known_hosts, before):
                log(sentence)
    (unfinished / ".git" / _MARK).write_bytes(orjson.dumps({"base": base, "submodules": submodules}))
    unfinished.rename(clone)
    log("cloned")


def _read_plan(clone: Path) -> tuple[str, tuple[Submodule, ...]]:
    """The commit and the submodules that the clone was made for."""
    plan = orjson.loads((clone / ".git" / _MARK).read_bytes())
    return plan["base"], tuple(_submodule(each) for each in plan["submodules"])


def _submodule(told: Mapping[str, Any]) -> Submodule:
    inner = tuple(_submodule(each) for each in told["inner"])
    return Submodule(told["name"], told["path"], told["url"], told["store"], inner)


@dataclass(frozen=True, slots=True)
class _Tree:
    """A worktree to be: whose it is, and where."""

    name: str
    branch: str
    path: Path
    who: str
    team: str

    def identity(self) -> dict[str, str]:
        """Whom git names as the author of what is committed there."""
        return {
            "user.name": f"{self.who} (kagents)",
            "user.email": f"{self.name}@{self.team}.kagents.invalid",
        }


async def _worktree(
    git: Git, clone: Path, tree: _Tree, base: str, submodules: Sequence[Submodule], log: Log
) -> None:
    mark = clone / ".git" / "worktrees" / tree.name / _MARK
    if mark.is_file() and tree.path.is_dir():
        return
    # Without its mark nobody has worked here yet: agents start only after all marks are there.
    if tree.path.exists():
        shutil.rmtree(tree.path)
    tree.path.parent.mkdir(parents=True, exist_ok=True)
    await git.run("worktree", "prune", cwd=clone)
    known = await git.succeeds("rev-parse", "--verify", "--quiet", f"refs/heads/{tree.branch}", cwd=clone)
    order = (
        [str(tree.path), tree.branch] if known else ["--no-track", "-b", tree.branch, str(tree.path), base]
    )
    await git.run("-c", "checkout.workers=0", "worktree", "add", "--quiet", *order, cwd=clone)
    for key, value in tree.identity().items():
        await git.run("config", "--worktree", key, value, cwd=tree.path)
    await place_submodules(git, clone, tree.path, submodules, tree.identity())
    mark.touch()
    log(f"worktree of {tree.who} on branch {tree.branch}")
