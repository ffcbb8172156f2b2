"""Submodules: fetched once beside the clone, then checked out in every worktree without the network.

What ``.gitmodules`` says is the repository's word, so its addresses are held to what a person may write in
a manifest, and to the transports that need no file of this machine.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import compile as pattern
from typing import Final

from kagents_core.api.fields import REPOSITORY_PATTERN
from kagents_core.safetext import clean
from kagents_runner.prepare.failures import clone_failure, refuse_password, shown_url
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_SECONDS: Final = 1800.0
_MOST: Final = 100
_DEEPEST: Final = 8
_ADDRESS: Final = pattern(REPOSITORY_PATTERN.replace("$", r"\Z"))
_WAY_OUT: Final = "set spec.repository.submodules to false to do without submodules"

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Submodule:
    """One submodule, and the bare repository that holds it beside the clone."""

    name: str
    path: str
    url: str
    store: str
    """Folder below the clone's ``.git/kagents-submodules``."""
    inner: tuple["Submodule", ...]


async def fetch_submodules(git: Git, clone: Path, base: str, url: str, log: Log) -> tuple[Submodule, ...]:
    """Fetches all of ``base``, those of submodules included. Raises ``RunnerError``."""
    scheme = url.partition("://")[0] if "://" in url else "ssh"
    allowed = ":".join(sorted({"https", "ssh", scheme} - {"ext"}))
    strict = Git(git.environment, {**git.extra, "GIT_ALLOW_PROTOCOL": allowed})
    return await _Fetching(strict, clone / ".git" / "kagents-submodules", log).level(clone, base, url, 0)


class _Fetching:
    """Goes through the levels; the same repository at the same address is fetched once."""

    def __init__(self, git: Git, stores: Path, log: Log) -> None:
        self._git, self._stores, self._log = git, stores, log
        self._count = 0

    async def level(self, repository: Path, commit: str, url: str, depth: int) -> tuple[Submodule, ...]:
        found = []
        for name, path, wanted in await _declared(self._git, repository, commit):
            pinned = await _pinned(self._git, repository, commit, path)
            if pinned is None:
                continue
            self._count += 1
            if self._count > _MOST or depth >= _DEEPEST:
                raise RunnerError(
                    f"The repository has more than {_MOST} submodules, or more than {_DEEPEST} inside each "
                    f"other: {_WAY_OUT}.",
                    code=EXIT_NEEDS_A_PERSON,
                )
            address = _address(url, wanted, path)
            store = hashlib.sha256(address.encode()).hexdigest()[:16]
            await self._fetch(self._stores / store, address, pinned)
            inner = await self.level(self._stores / store, pinned, address, depth + 1)
            found.append(Submodule(name, path, address, store, inner))
        return tuple(found)

    async def _fetch(self, store: Path, url: str, commit: str) -> None:
        git, quiet = self._git, ("--quiet", "--no-tags")
        try:
            if not store.exists():
                self._log(f"fetching the submodule {shown_url(url)}")
                await git.run(
                    "clone", *quiet, "--bare", "--template=", "--", url, str(store), seconds=_SECONDS
                )
            if not await git.succeeds("cat-file", "-e", f"{commit}^{{commit}}", cwd=store):
                spec = f"{commit}:refs/heads/kagents/{commit}"
                await git.run("fetch", *quiet, "--", url, spec, cwd=store, seconds=_SECONDS)
        except GitError as error:
            failure = clone_failure(error, url, commit)
            raise RunnerError(
                f"A submodule cannot be fetched; {_WAY_OUT}. {failure.sentence}", code=failure.code
            ) from error


async def _declared(git: Git, repository: Path, commit: str) -> list[tuple[str, str, str]]:
    """Name, path and address of every submodule that ``.gitmodules`` describes completely."""
    blob = f"{commit}:.gitmodules"
    if not await git.succeeds("cat-file", "-e", blob, cwd=repository):
        return []
    try:
        told = await git.run(
            "config",
            "--blob",
            blob,
            "-z",
            "--get-regexp",
            r"^submodule\..*\.(path|url)$",
            cwd=repository,
            accepted=(0, 1),
        )
    except GitError as error:
        raise RunnerError(
            f"The repository's .gitmodules cannot be read; {_WAY_OUT}.", code=EXIT_NEEDS_A_PERSON
        ) from error
    fields: dict[str, dict[str, str]] = {}
    for entry in told.split("\0"):
        key, _, value = entry.partition("\n")
        name, _, field = key.removeprefix("submodule.").rpartition(".")
        if name:
            fields.setdefault(name, {})[field] = value
    return [
        (name, each["path"], each["url"])
        for name, each in fields.items()
        if "path" in each and "url" in each and ".." not in name.replace("\\", "/").split("/")
    ]


async def _pinned(git: Git, repository: Path, commit: str, path: str) -> str | None:
    """The commit that the repository wants of the submodule at this path; None when there is none."""
    literal = Git(git.environment, {**git.extra, "GIT_LITERAL_PATHSPECS": "1"})
    told = await literal.run("ls-tree", "-z", "--full-tree", commit, "--", path, cwd=repository)
    head, _, found = told.rstrip("\0").partition("\t")
    parts = head.split()
    return parts[2] if len(parts) == 3 and parts[:2] == ["160000", "commit"] and found == path else None


def _address(parent: str, url: str, path: str) -> str:
    """The submodule's address; one that begins with ``./`` or ``../`` starts from its parent's."""
    found = _resolved(parent, url)
    if not _ADDRESS.search(found):
        raise RunnerError(
            f"The submodule {clean(path, limit=200, multiline=False)} has the address {shown_url(found)}, "
            f"which is not allowed: {_WAY_OUT}.",
            code=EXIT_NEEDS_A_PERSON,
        )
    refuse_password(found)
    return found


def _resolved(parent: str, url: str) -> str:
    if not url.startswith(("./", "../")):
        return url
    base, between = parent.rstrip("/"), "/"
    while url.startswith(("./", "../")):
        step, _, url = url.partition("/")
        if step == "..":
            between = "/" if "/" in base else ":"
            base = base.rpartition(between)[0]
    return f"{base}{between}{url}"


async def place_submodules(
    git: Git, clone: Path, tree: Path, submodules: Sequence[Submodule], identity: Mapping[str, str]
) -> None:
    """Checks them out in a new worktree, from beside the clone. Raises ``GitError``."""
    if not submodules:
        return
    stores = clone / ".git" / "kagents-submodules"
    settings = {f"submodule.{each.name}.url": f"file://{stores / each.store}" for each in submodules}
    settings |= {f"submodule.{each.name}.update": "checkout" for each in submodules}
    variables = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_ALLOW_PROTOCOL": "file"}
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    own = Git(git.environment, {**git.extra, **variables, "GIT_LITERAL_PATHSPECS": "1"})
    paths = [each.path for each in submodules]
    await own.run("submodule", "--quiet", "update", "--init", "--", *paths, cwd=tree, seconds=_SECONDS)
    for each in submodules:
        inner = tree / each.path
        await git.run("config", f"submodule.{each.name}.url", each.url, cwd=tree)
        for key, value in {"remote.origin.url": each.url, **identity}.items():
            await git.run("config", key, value, cwd=inner)
        await place_submodules(git, clone, inner, each.inner, identity)
