"""The verb ``merge``: saves what agents left uncommitted, joins their branches, writes ``merged.json``."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from kagents_runner.finish.documents import Merged, write_merged
from kagents_runner.finish.facts import facts_of
from kagents_runner.finish.large_files import take_along
from kagents_runner.finish.merge import collect, join
from kagents_runner.finish.places import REPOSITORY, finish_dir, wish
from kagents_runner.leftovers import save_leftovers
from kagents_runner.locations import Locations, worktree
from kagents_runner.output import say
from kagents_runner.prepare.git import LOCAL_SECONDS, Git, GitError
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Joins the work of the team that ``KAGENTS_TEAM`` describes. Raises ``RunnerError``."""
    places = Locations(environment)
    team, document, directory = places.team(), wish(environment), finish_dir(environment)
    if team.repository is None:
        raise RunnerError("Only a team with a repository can be merged.", code=EXIT_NEEDS_A_PERSON)
    git = Git(environment)
    saved = set()
    for agent in document.order:
        if await _saved(git, worktree(places.work_dir, agent), agent):
            say(f"committed what {agent} had left uncommitted")
            saved.add(agent)
    bare = directory / REPOSITORY
    await collect(git, places.work_dir / "repo", bare, team.repository.branch)
    joined = await join(
        git,
        bare,
        team.name,
        document.order,
        saved=frozenset(saved),
        scopes={agent: wanted.scope() for agent, wanted in document.scopes.items()},
    )
    if team.repository.lfs:
        clone = places.work_dir / "repo"
        if count := await take_along(git, clone, bare, joined.base, joined.commit):
            say(f"took {count} large files along (Git LFS)")
    summary, tasks, cost = facts_of(places.layout(team.name).journal)
    write_merged(
        directory,
        Merged(
            base=joined.base,
            commit=joined.commit,
            files=joined.files,
            work=joined.work,
            summary=summary,
            tasks=tasks,
            cost=cost,
        ),
    )
    say(f"merged {len(joined.work)} branches: {joined.files} files changed")
    return 0


async def _saved(git: Git, folder: Path, agent: str) -> bool:
    """A killed agent could not commit its last work itself."""
    if not folder.is_dir():
        return False
    try:
        if await git.run("ls-files", "--unmerged", "-z", cwd=folder):
            # To commit it would keep the marks of a conflict as if they were work.
            raise RunnerError(
                f"A merge is unfinished in the worktree of {agent} (work/worktrees/{agent} of the team's "
                "volume): finish or abort it there, then retry.",
                code=EXIT_NEEDS_A_PERSON,
            )
        return await save_leftovers(git, folder, seconds=LOCAL_SECONDS)
    except GitError as error:
        raise RunnerError(f"What {agent} left uncommitted cannot be saved: {error}.") from error
