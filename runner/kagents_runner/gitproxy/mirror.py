"""The hub's own copy of the repository: what agents fetch comes from it, what they push goes through it.

No agent can write it but by a push that was looked at, so git may have the credential here. It is brought
up to date before anybody is told what there is, with the credential that ``prepare`` and ``finish`` use.
"""

import asyncio
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kagents_core.safetext import clean
from kagents_runner.documents import Repository
from kagents_runner.prepare.clone import CLONE_SECONDS
from kagents_runner.prepare.credentials import git_environment
from kagents_runner.prepare.failures import clone_failure, refuse_password, shown_url
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import RunnerError

PUSH_SECONDS: Final = 900.0
_BEHIND: Final = re.compile(r"non-fast-forward|fetch first|stale info", re.IGNORECASE)
_REJECTED: Final = re.compile(r"\[remote rejected\]|hook declined|protected branch|denied", re.IGNORECASE)
_SETTINGS: Final = {
    "receive.denyDeletes": "true",
    "receive.denyNonFastForwards": "true",
    "receive.advertiseAtomic": "false",
    "receive.advertisePushOptions": "false",
    "receive.maxInputSize": str(2 * 1024**3),
    "receive.autogc": "false",
    "transfer.advertiseSID": "false",
}


@dataclass
class Mirror:
    """A bare repository in ``directory``, made and filled at its first use."""

    repository: Repository
    directory: Path
    credentials: Path | None
    known_hosts: Path
    environment: Mapping[str, str]
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)
    _made: bool = False
    _begun: float = 0.0
    _failure: RunnerError | None = None
    _pushing: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def git(self) -> Git:
        """Git without a credential."""
        return Git(self.environment)

    async def refresh(self) -> None:
        """Fetches everything, at least as it was when this was called. Raises ``RunnerError``.

        Those that come while a fetch runs share the next one.
        """
        clock = asyncio.get_running_loop().time
        asked = clock()
        async with self._fetching:
            if self._begun < asked:
                begun = clock()
                try:
                    await self._fetch()
                    self._failure = None
                except RunnerError as failure:
                    self._failure = failure
                self._begun = begun  # not of one that was broken off
            if self._failure is not None:
                raise self._failure

    async def _fetch(self) -> None:
        repository = self.repository
        refuse_password(repository.url)
        try:
            await self._make()
            async with git_environment(
                self.credentials, self.known_hosts, repository.url, self.environment, reading=True
            ) as extra:
                await Git(self.environment, extra).run(
                    "fetch",
                    "--quiet",
                    "--prune",
                    "--no-write-fetch-head",
                    "--no-recurse-submodules",
                    *([f"--depth={repository.depth}"] if repository.depth else ()),
                    "--",
                    repository.url,
                    "+refs/heads/*:refs/heads/*",
                    "+refs/tags/*:refs/tags/*",
                    cwd=self.directory,
                    seconds=CLONE_SECONDS,
                )
        except GitError as error:
            raise clone_failure(error, repository.url, repository.branch) from error

    async def _make(self) -> None:
        """Once a process, also where one is: another process may have ended half way."""
        if self._made:
            return
        head = f"--initial-branch={self.repository.branch}"
        await self.git.run("init", "--quiet", "--bare", "--template=", head, "--", str(self.directory))
        for key, value in _SETTINGS.items():
            await self.git.run("config", key, value, cwd=self.directory)
        self._made = True

    def clear(self) -> None:
        """Removes what pushes have left that ended with the proxy; before it serves."""
        for left in (self.directory / "objects").glob("tmp_objdir-*"):
            shutil.rmtree(left, ignore_errors=True)

    def pushing(self, branch: str) -> asyncio.Lock:
        """Held by whoever pushes this branch: one at a time."""
        return self._pushing[branch]

    async def push(self, branch: str, commit: str) -> None:
        """Gives the repository a branch that has come here. Raises ``RunnerError``."""
        url = self.repository.url
        try:
            async with git_environment(self.credentials, self.known_hosts, url, self.environment) as extra:
                await Git(self.environment, extra).run(
                    "push",
                    "--quiet",
                    "--no-verify",
                    "--no-signed",
                    "--recurse-submodules=no",
                    "--",
                    url,
                    f"{commit}:refs/heads/{branch}",
                    cwd=self.directory,
                    seconds=PUSH_SECONDS,
                )
        except GitError as error:
            raise _failure(error, url, branch) from error

    async def take_back(self, branch: str, before: str) -> None:
        """The branch as it was here; the next ``refresh`` would do the same."""
        name = f"refs/heads/{branch}"
        gone = not before.strip("0")
        await self.git.succeeds("update-ref", *(("-d", name) if gone else (name, before)), cwd=self.directory)


def _failure(error: GitError, url: str, branch: str) -> RunnerError:
    shown = shown_url(url)
    if _BEHIND.search(error.stderr):
        return RunnerError(f"{shown} has other commits on {branch}: fetch, merge them, and push again")
    if _REJECTED.search(error.stderr):
        said = [line.strip() for line in error.stderr.splitlines() if "rejected" in line or "remote:" in line]
        return RunnerError(f"{shown} refused it: {clean('; '.join(said[:3]), limit=300, multiline=False)}")
    return RunnerError(clone_failure(error, url, branch).sentence)
