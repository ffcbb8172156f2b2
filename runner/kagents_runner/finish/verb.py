"""The verb ``finish``: pushes the joined branch, makes the request, tells the outcome in its last words."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from kagents_runner.documents import TeamDocument
from kagents_runner.finish.body import body_of
from kagents_runner.finish.checks import Checks
from kagents_runner.finish.documents import (
    AgentWork,
    FinishDocument,
    Intents,
    Merged,
    PullRequestWish,
    outcome,
    read_merged,
)
from kagents_runner.finish.forge import Forge, ForgeError, Request
from kagents_runner.finish.opening import opened
from kagents_runner.finish.places import REPOSITORY, credentials, finish_dir, last_words, wish
from kagents_runner.finish.push import push
from kagents_runner.finish.request import ensure
from kagents_runner.finish.watch import glance
from kagents_runner.locations import Locations
from kagents_runner.output import say
from kagents_runner.prepare.credentials import git_environment
from kagents_runner.prepare.failures import refuse_password
from kagents_runner.prepare.git import Git
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Delivers what ``merge`` has made. Raises ``RunnerError``."""
    team, document, directory = Locations(environment).team(), wish(environment), finish_dir(environment)
    if team.repository is None:
        raise RunnerError("Only a team with a repository can be delivered.", code=EXIT_NEEDS_A_PERSON)
    merged = read_merged(directory)
    if merged.empty:
        say("no agent committed anything; there is nothing to push")
        last_words(environment, outcome({"commit": merged.commit}))
        return 0
    await _push(environment, directory, team.repository.url, document.branch, merged.commit)
    say(f"pushed {merged.commit[:12]} as {document.branch}")
    told: dict[str, object] = {"branch": document.branch, "commit": merged.commit}
    warnings = [_outside(work) for work in merged.work if work.outside]
    for each in warnings:
        say(each)
    if document.pull_request is not None:
        made, missing, seen = await _request(
            environment, directory, team, document, document.pull_request, merged
        )
        warnings += missing
        say(f"request {made.url}")
        told |= {"url": made.url, "state": made.shown_state, "checks": seen}
    last_words(environment, outcome(told, warnings))
    return 0


def _outside(work: AgentWork) -> str:
    fate = "taken out" if work.reverted else "kept"
    return f"{work.agent} changed files outside its scope ({fate}): {', '.join(work.outside)}"


async def _push(environment: Mapping[str, str], directory: Path, url: str, branch: str, commit: str) -> None:
    refuse_password(url)
    hosts = directory / "known_hosts"
    async with git_environment(credentials(environment), hosts, url, environment) as extra:
        await push(Git(environment, extra), directory / REPOSITORY, url, branch, commit)


async def _request(
    environment: Mapping[str, str],
    directory: Path,
    team: TeamDocument,
    document: FinishDocument,
    wanted: PullRequestWish,
    merged: Merged,
) -> tuple[Request, list[str], Mapping[str, object] | None]:
    """The request, what could not be added to it, and its checks as far as there are any yet."""
    assert team.repository is not None
    async with opened(environment, team.repository.url, wanted) as forge:
        made = await ensure(forge, Intents(directory), document, wanted, team.uid, body_of(team, merged))
        warnings = []
        for what, names, act in (
            ("labels", wanted.labels, forge.label),
            ("reviewers", wanted.reviewers, forge.ask),
        ):
            if not names:
                continue
            try:
                await act(made, names)
            except ForgeError as error:
                say(f"{what} not set: {error}", "warn")
                warnings.append(f"{what} not set: {error}")
        return made, warnings, await _glance(forge, made, merged.commit, wanted.glance_seconds)


async def _glance(forge: Forge, made: Request, commit: str, seconds: float) -> Mapping[str, object] | None:
    """The checks of a request that was just made; what fails is for the log, as nobody asked to wait."""
    if not seconds:
        return None

    async def look() -> tuple[Request, Checks]:
        return made, await forge.checks(made, commit)

    seen = await glance(look, seconds)
    if seen.problem:
        say(f"checks not read: {seen.problem}", "warn")
    return seen.checks.as_fields() if seen.checks else None
