"""The verb ``merge``: saves what agents left uncommitted, joins their branches, writes ``merged.json``."""

import argparse
from collections.abc import Mapping

from kagents_runner.finish.documents import Merged, write_merged
from kagents_runner.finish.facts import facts_of
from kagents_runner.finish.leftovers import save_leftovers
from kagents_runner.finish.merge import collect, join
from kagents_runner.finish.places import REPOSITORY, finish_dir, wish
from kagents_runner.locations import Locations, worktree
from kagents_runner.output import say
from kagents_runner.prepare.git import Git
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
        if await save_leftovers(git, worktree(places.work_dir, agent), agent):
            say(f"committed what {agent} had left uncommitted")
            saved.add(agent)
    bare = directory / REPOSITORY
    await collect(git, places.work_dir / "repo", bare, team.repository.branch)
    joined = await join(git, bare, team.name, document.order, frozenset(saved))
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
