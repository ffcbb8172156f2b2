"""Git LFS in a worktree: its files differ from what git keeps of them, and are not changed for that.

Git keeps a pointer, and the agent's git puts the content in its place. We run no filter, so to us such a file
looks changed. It is not where the worktree's attributes give the path to Git LFS, git keeps a pointer
in exactly the form that Git LFS writes, and the content has the size and the SHA-256 that it names.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import open_regular
from kagents_runner.prepare.git import Git

MOST_FILES: Final = 500
"""Of those that look changed, the first ones are looked into."""
MOST_BYTES: Final = 4 * 1024**3
"""Content that is read for it, of all files together."""
_STEP: Final = 1024 * 1024
_TOGETHER: Final = 100
_POINTER: Final = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})\n"
)


async def as_committed(git: Git, plain: Git, tree: Path, listed: str, seconds: float) -> list[str]:
    """Paths of those listed (``diff-index --raw -z HEAD``) whose content is what ``HEAD`` has a pointer to.

    ``plain`` is git that knows the worktree's own attributes. Raises ``GitError``.
    """
    candidates = _modified(listed)[:MOST_FILES]
    given = await _given_to_lfs(plain, tree, [path for path, _ in candidates], seconds)
    same, left = [], MOST_BYTES
    for path, blob in candidates:
        if path not in given:
            continue
        pointer = _POINTER.fullmatch(await git.run("cat-file", "blob", blob, cwd=tree, seconds=seconds))
        if pointer is None or int(pointer[2]) > left:
            continue
        left -= int(pointer[2])
        if await asyncio.to_thread(_is, tree / path, pointer[1], int(pointer[2])):
            same.append(path)
    return same


def _modified(listed: str) -> list[tuple[str, str]]:
    """Path and former object of every plain file that looks modified."""
    fields = listed.split("\0")
    found = []
    for record, path in zip(fields[::2], fields[1::2], strict=False):
        parts = record.split(" ")
        if len(parts) == 5 and parts[4] == "M" and parts[0].startswith(":100") and parts[1].startswith("100"):
            found.append((path, parts[2]))
    return found


async def _given_to_lfs(plain: Git, tree: Path, paths: Sequence[str], seconds: float) -> set[str]:
    given = set()
    for start in range(0, len(paths), _TOGETHER):
        some = paths[start : start + _TOGETHER]
        told = await plain.run("check-attr", "-z", "filter", "--", *some, cwd=tree, seconds=seconds)
        fields = told.split("\0")
        pairs = zip(fields[::3], fields[2::3], strict=False)
        given |= {path for path, value in pairs if value == "lfs"}
    return given


def _is(path: Path, digest: str, size: int) -> bool:
    """Whether the file has this content."""
    try:
        with open(open_regular(path), "rb") as file:
            if os.fstat(file.fileno()).st_size != size:
                return False
            found = hashlib.sha256()
            while chunk := file.read(_STEP):
                found.update(chunk)
    except OSError:
        return False
    return found.hexdigest() == digest
