"""Git LFS: the large files that agents added, taken along by ``merge``, uploaded by ``finish``.

Only the content counts that has the name (SHA-256) by which a merged commit calls it, so nothing else can be
slipped in, wherever a link in the agents' clone may point to.
"""

import hashlib
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Final

from kagents_runner.prepare.git import Git, GitError
from kagents_runner.prepare.large_files import PATIENCE, lfs_server
from kagents_runner.termination import RunnerError

_LIST: Final = "kagents-large-files"
_LISTED: Final = re.compile(r"^push ([0-9a-f]{64}) => ", re.MULTILINE)
_TOGETHER: Final = 100
_SECONDS: Final = 1800.0
_QUIET: Final = ("-c", "lfs.locksverify=false", "-c", "lfs.allowincompletepush=true")


async def take_along(git: Git, clone: Path, bare: Path, base: str, commit: str) -> int:
    """Copies what the commits since ``base`` name; returns how many files. Raises ``RunnerError``."""
    if not (clone / ".git" / "lfs" / "objects").is_dir() or not _installed(git):
        return 0
    try:
        await git.run("update-ref", "refs/remotes/origin/base", base, cwd=bare)
        await git.run("update-ref", "refs/heads/joined-by-kagents", commit, cwd=bare)
        nowhere = ("-c", "remote.origin.url=file:///nonexistent", "-c", "lfs.url=file:///nonexistent")
        told = await git.run(
            *_QUIET, *nowhere, "lfs", "push", "--dry-run", "origin", "joined-by-kagents", cwd=bare
        )
    except GitError as error:
        raise RunnerError(f"The large files (Git LFS) of the work cannot be listed: {error}.") from error
    names = [name for name in dict.fromkeys(_LISTED.findall(told)) if _copied(clone, bare, name)]
    (bare / _LIST).write_text("".join(f"{name}\n" for name in names))
    return len(names)


async def upload(git: Git, bare: Path, url: str) -> int:
    """Gives them to the repository's server; returns how many. Raises ``GitError``."""
    try:
        names = (bare / _LIST).read_text().split()
    except FileNotFoundError:
        return 0
    server = (*PATIENCE, "-c", f"remote.origin.url={url}", "-c", f"lfs.url={lfs_server(url)}")
    for start in range(0, len(names), _TOGETHER):
        some = names[start : start + _TOGETHER]
        await git.run(
            *_QUIET, *server, "lfs", "push", "--object-id", "origin", *some, cwd=bare, seconds=_SECONDS
        )
    return len(names)


def _installed(git: Git) -> bool:
    return shutil.which("git-lfs", path=git.environment.get("PATH")) is not None


def _copied(clone: Path, bare: Path, name: str) -> bool:
    """Whether the clone has the file, and it is what its name says; then ours has it too."""
    place = Path("lfs") / "objects" / name[:2] / name[2:4] / name
    target = bare / place
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        descriptor = os.open(clone / ".git" / place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    with open(descriptor, "rb") as source:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        with target.open("wb") as file:
            while chunk := source.read(1024 * 1024):
                digest.update(chunk)
                file.write(chunk)
    if digest.hexdigest() == name:
        return True
    target.unlink()
    return False
