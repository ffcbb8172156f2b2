"""The verb ``finish``: pushes the joined branch, makes the request, tells the outcome in its last words."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from kagents_runner.documents import TeamDocument
from kagents_runner.finish.address import forge_of
from kagents_runner.finish.body import body_of
from kagents_runner.finish.documents import (
    AgentWork,
    FinishDocument,
    Intents,
    Merged,
    PullRequestWish,
    outcome,
    read_merged,
)
from kagents_runner.finish.forge import Forge, ForgeError, Request, Wire
from kagents_runner.finish.github import GitHub, github_headers
from kagents_runner.finish.gitlab import GitLab, gitlab_headers
from kagents_runner.finish.places import REPOSITORY, credentials, finish_dir, forge_token, wish
from kagents_runner.finish.push import push
from kagents_runner.finish.request import ensure
from kagents_runner.locations import Locations
from kagents_runner.output import say
from kagents_runner.prepare.credentials import git_environment
from kagents_runner.prepare.failures import refuse_password
from kagents_runner.prepare.git import Git
from kagents_runner.termination import (
    DEFAULT_TERMINATION_LOG,
    EXIT_NEEDS_A_PERSON,
    RunnerError,
)


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Delivers what ``merge`` has made. Raises ``RunnerError``."""
    team, document, directory = Locations(environment).team(), wish(environment), finish_dir(environment)
    if team.repository is None:
        raise RunnerError("Only a team with a repository can be delivered.", code=EXIT_NEEDS_A_PERSON)
    merged = read_merged(directory)
    if merged.empty:
        say("no agent committed anything; there is nothing to push")
        _tell(environment, outcome({"commit": merged.commit}))
        return 0
    await _push(environment, directory, team.repository.url, document.branch, merged.commit)
    say(f"pushed {merged.commit[:12]} as {document.branch}")
    told = {"branch": document.branch, "commit": merged.commit}
    warnings = [_outside(work) for work in merged.work if work.outside]
    for each in warnings:
        say(each)
    if document.pull_request is not None:
        made, missing = await _request(environment, directory, team, document, document.pull_request, merged)
        warnings += missing
        say(f"request {made.url}")
        told |= {"url": made.url, "state": "draft" if made.draft else made.state}
    _tell(environment, outcome(told, warnings))
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
) -> tuple[Request, list[str]]:
    """The request, and what could not be added to it."""
    assert team.repository is not None
    address = forge_of(team.repository.url, wanted)
    token = await forge_token(environment, team.repository.url, wanted)
    github = address.provider == "github"
    async with Wire(address.api, github_headers(token) if github else gitlab_headers(token)) as wire:
        forge: Forge = GitHub(wire, address) if github else GitLab(wire, address)
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
    return made, warnings


def _tell(environment: Mapping[str, str], message: bytes) -> None:
    Path(environment.get("KAGENTS_TERMINATION_LOG") or DEFAULT_TERMINATION_LOG).write_bytes(message)
