"""Computes the changes with real git, in a repository of our own that only borrows the agent's objects.

Nothing that an agent can write is obeyed: not its configuration, filters, text converters, hooks, attributes'
programs, file system monitor or submodules, and not the marks in its index that would hide a change.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import open_regular
from kagents_runner.diff.large_files import as_committed
from kagents_runner.diff.references import branch_of_head, commit_of, plain_directory
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import RunnerError

MOST_FILES: Final = 2000
_TOGETHER: Final = 100
UNTRACKED_BYTES: Final = 256 * 1024
"""What is shown of one new file."""
ALL_UNTRACKED_BYTES: Final = 2 * 1024 * 1024
SECONDS: Final = 60.0

_PLAIN: Final = (
    "-c",
    "core.quotePath=false",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "diff.renameLimit=400",
)
_SAFE: Final = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all", "-M")
_STATUSES: Final = {
    "A": "added",
    "D": "deleted",
    "M": "modified",
    "R": "renamed",
    "C": "copied",
    "T": "type changed",
}
_ATTRIBUTES: Final = "* !diff !filter !text !eol !ident !working-tree-encoding\n"
"""Stands above the repository's own attributes, which could hide a change or convert it."""

_NEXT_FILE: Final = re.compile(r"^diff --git ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """One file."""

    path: str
    status: str
    """``added``, ``modified``, ``deleted``, ``renamed``, ``copied``, ``type changed``, or ``untracked``."""
    before: str | None = None
    """Its old name."""
    uncommitted: bool = False
    """At least a part of the change is in no commit."""
    additions: int | None = None
    deletions: int | None = None
    """Lines; None for a binary file."""
    patch: str | None = None
    """Hunks, each from its ``@@`` line on; None where nothing is shown."""
    cut: bool = False
    """More was changed than is shown."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that an agent changed."""

    branch: str | None
    base: str
    head: str
    files: tuple[Change, ...]
    omitted: int = 0
    """Files beyond the limit, which are not even named."""


async def changes_of(
    work_dir: Path, agent: str, branch: str, environment: Mapping[str, str], *, patches: bool
) -> Changes:
    """What an agent's worktree holds that ``branch``, as it was cloned, does not. Raises ``RunnerError``."""
    clone = plain_directory(work_dir / "repo" / ".git", "The team's clone")
    own = plain_directory(clone / "worktrees" / agent, f"The git directory of {agent}")
    tree = plain_directory(work_dir / "worktrees" / agent, f"The worktree of {agent}")
    head = commit_of("HEAD", own, clone)
    base = commit_of(f"refs/remotes/origin/{branch}", clone) or commit_of(f"refs/tags/{branch}", clone)
    if head is None or base is None:
        missing = f"branch {branch}" if base is None else f"commit of {agent}"
        raise RunnerError(f"The clone does not say which {missing} there is, so nothing can be compared.")
    with _private(clone, tree, head, environment) as (git, plain):
        try:
            base = await _beginning(git, base, head, tree)
            files, omitted = await _compare(git, plain, tree, base, patches=patches)
        except GitError as error:
            raise RunnerError(f"The changes of {agent} cannot be computed: {error}.") from error
    return Changes(branch_of_head(own), base, head, tuple(files), omitted)


@contextmanager
def _private(clone: Path, tree: Path, head: str, environment: Mapping[str, str]) -> Iterator[tuple[Git, Git]]:
    """Git on a repository of our own: its objects are borrowed, its index is new; and one that knows the
    worktree's attributes, only to ask for them.
    """
    objects = plain_directory(clone / "objects", "The clone's object store")
    with tempfile.TemporaryDirectory(
        prefix="kagents-diff-", dir=environment.get("TMPDIR") or None
    ) as directory:
        own, plain = (Path(directory) / name for name in ("own", "plain"))
        for each in (own, plain):
            _make(each, head)
        (own / "info").mkdir()
        (own / "info" / "attributes").write_text(_ATTRIBUTES)
        variables = {
            "GIT_WORK_TREE": str(tree),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_LITERAL_PATHSPECS": "1",
        }
        yield (
            Git(environment, {**variables, "GIT_DIR": str(own)}),
            Git(environment, {**variables, "GIT_DIR": str(plain)}),
        )


def _make(directory: Path, head: str) -> None:
    """A repository without anything."""
    for name in ("objects", "refs"):
        (directory / name).mkdir(parents=True)
    (directory / "HEAD").write_text(f"{head}\n")
    is_sha256 = len(head) == 64
    extension = "[extensions]\nobjectformat = sha256\n" if is_sha256 else ""
    (directory / "config").write_text(f"[core]\nrepositoryformatversion = {int(is_sha256)}\n{extension}")


async def _beginning(git: Git, base: str, head: str, tree: Path) -> str:
    """Where the agent's work left the branch."""
    base = (await git.run("rev-parse", "--verify", f"{base}^{{commit}}", cwd=tree, seconds=SECONDS)).strip()
    try:
        common = (await git.run("merge-base", base, head, cwd=tree, seconds=SECONDS)).strip()
    except GitError as error:
        if error.code != 1:
            raise
        return base
    return common or base


async def _compare(git: Git, plain: Git, tree: Path, base: str, *, patches: bool) -> tuple[list[Change], int]:
    await _run(git, tree, "read-tree", "HEAD")
    try:
        await _run(git, tree, "update-index", "-q", "--really-refresh", "--ignore-submodules")
    except GitError as error:
        if error.code != 1:  # 1: something differs, which is what we want to know
            raise
    pending = ("diff-index", *_SAFE, "--no-renames", "--raw", "-z", "HEAD", "--")
    found = await _run(git, tree, *pending)
    if same := await as_committed(git, plain, tree, found, SECONDS):
        for start in range(0, len(same), _TOGETHER):
            some = same[start : start + _TOGETHER]
            await _run(git, tree, "update-index", "--assume-unchanged", "--", *some)
        found = await _run(git, tree, *pending)
    uncommitted = {each.path for each in _listed(found)}
    changed = _listed(await _run(git, tree, "diff-index", *_SAFE, "--raw", "--numstat", "-z", base, "--"))
    changed = [replace(each, uncommitted=each.path in uncommitted) for each in changed]
    found = await _run(git, tree, "ls-files", "--others", "--exclude-standard", "-z")
    untracked = [name for name in found.split("\0") if name]
    omitted = max(0, len(changed) + len(untracked) - MOST_FILES)
    changed = changed[:MOST_FILES]
    if patches and changed:
        text = await _run(git, tree, "diff-index", *_SAFE, "-p", base, "--")
        changed = _with_patches(changed, text)
    left = ALL_UNTRACKED_BYTES
    for name in untracked[: MOST_FILES - len(changed)]:
        change, size = _untracked(tree, name, min(UNTRACKED_BYTES, left), patches=patches)
        left -= size
        changed.append(change)
    return sorted(changed, key=lambda each: each.path), omitted


async def _run(git: Git, tree: Path, *arguments: str) -> str:
    return await git.run(*_PLAIN, *arguments, cwd=tree, seconds=SECONDS)


def _listed(text: str) -> list[Change]:
    """The records of ``--raw [--numstat] -z``, joined by path."""
    fields = text.split("\0")
    found: dict[str, Change] = {}
    at = 0
    while at < len(fields) and fields[at]:
        field = fields[at]
        if field.startswith(":"):
            letter = field.split(" ")[-1][:1]
            two = letter in "RC"
            before, path = (fields[at + 1], fields[at + 2]) if two else (None, fields[at + 1])
            found[path] = Change(path, _STATUSES.get(letter, "modified"), before)
            at += 3 if two else 2
            continue
        additions, deletions, path = field.split("\t", 2)
        if not path:
            path = fields[at + 2]
            at += 2
        at += 1
        if path in found and additions != "-":
            found[path] = replace(found[path], additions=int(additions), deletions=int(deletions))
    return list(found.values())


def _with_patches(changed: list[Change], text: str) -> list[Change]:
    """Each change with its part of the patch. Git prints them in the order of the list."""
    parts = [part for part in _NEXT_FILE.split(text) if part]
    result = []
    for change in changed:
        own = [_hunks(parts.pop(0)) for _ in range(2 if change.status == "type changed" else 1) if parts]
        patch = "".join(own)
        if change.additions is None:
            result.append(change)
            continue
        lines = patch.split("\n")
        shown = sum(line[:1] == "+" for line in lines), sum(line[:1] == "-" for line in lines)
        cut = shown != (change.additions, change.deletions) or (not own)
        result.append(replace(change, patch=patch, cut=cut))
    return result


def _hunks(part: str) -> str:
    """The part without its header: from the first ``@@`` on."""
    start = part.find("\n@@ ")
    return part[start + 1 :] if start >= 0 else ""


def _untracked(tree: Path, name: str, limit: int, *, patches: bool) -> tuple[Change, int]:
    """A file that git does not know, as if it were added; and the bytes that were read."""
    path = tree / name
    try:
        if path.is_symlink():
            data, size = os.fsencode(path.readlink()), 0
        elif name.endswith("/"):
            return Change(name, "untracked", uncommitted=True), 0
        else:
            with open(open_regular(path), "rb") as file:
                data, size = file.read(limit), os.fstat(file.fileno()).st_size
    except OSError:
        return Change(name, "untracked", uncommitted=True), 0
    if b"\0" in data[:8000]:
        return Change(name, "untracked", uncommitted=True), len(data)
    lines = data.decode(errors="replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    patch = f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)
    shown = patch if patches and lines else None
    change = Change(name, "untracked", None, True, len(lines), 0, shown, cut=size > len(data))
    return change, len(data)
