"""A connection to the forge of a repository, with the credential that the pod has for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from kagents_runner.finish.address import forge_of
from kagents_runner.finish.documents import PullRequestWish
from kagents_runner.finish.forge import Forge, Wire
from kagents_runner.finish.github import GitHub, github_headers
from kagents_runner.finish.gitlab import GitLab, gitlab_headers
from kagents_runner.finish.places import forge_token


@asynccontextmanager
async def opened(environment: Mapping[str, str], url: str, wanted: PullRequestWish) -> AsyncIterator[Forge]:
    """The forge of this repository. Raises ``RunnerError`` when it cannot be told, or has no token."""
    address = forge_of(url, wanted)
    token = await forge_token(environment, url, wanted)
    github = address.provider == "github"
    async with Wire(address.api, github_headers(token) if github else gitlab_headers(token)) as wire:
        yield GitHub(wire, address) if github else GitLab(wire, address)
