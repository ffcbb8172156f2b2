"""Git LFS: the large files of the commit to start from, fetched once beside the clone."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kagents_runner.prepare.failures import clone_failure
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_SECONDS: Final = 1800.0
PATIENCE: Final = ("-c", "lfs.transfer.maxretries=4")
"""Git LFS waits longer each time, and whoever calls us tries again: a refusal is told within seconds."""
_SETTINGS: Final = {
    "filter.lfs.clean": "git-lfs clean -- %f",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.required": "true",
}

Log = Callable[[str], None]


async def fetch_large_files(git: Git, clone: Path, base: str, url: str, log: Log) -> None:
    """Fetches them when ``base`` has any, and sets the clone up for them. Raises ``RunnerError``."""
    arguments = ("grep", "--quiet", "--fixed-strings", "-e", "filter=lfs", base, "--")
    if not await git.succeeds(*arguments, ":(glob)**/.gitattributes", cwd=clone):
        return
    if shutil.which("git-lfs", path=git.environment.get("PATH")) is None:
        raise RunnerError(
            "The repository keeps large files with Git LFS, and there is no git-lfs here: install it, use an "
            "image that has it, or set spec.repository.lfs to false to work without these files.",
            code=EXIT_NEEDS_A_PERSON,
        )
    log("fetching large files (Git LFS)")
    # Said here, so that a .lfsconfig in the repository cannot name another place.
    settings = (*PATIENCE, "-c", f"lfs.url={lfs_server(url)}", "-c", "lfs.locksverify=false")
    try:
        await git.run(*settings, "lfs", "fetch", "origin", base, cwd=clone, seconds=_SECONDS)
    except GitError as error:
        failure = clone_failure(error, url, base)
        raise RunnerError(
            f"The large files (Git LFS) cannot be fetched; spec.repository.lfs: false does without them. "
            f"{failure.sentence}",
            code=failure.code,
        ) from error
    for key, value in _SETTINGS.items():
        await git.run("config", key, value, cwd=clone)


def lfs_server(url: str) -> str:
    """Where Git LFS asks by its own convention."""
    if urlsplit(url).scheme not in ("http", "https"):
        return url
    plain = url.rstrip("/")
    return f"{plain if plain.endswith('.git') else plain + '.git'}/info/lfs"
