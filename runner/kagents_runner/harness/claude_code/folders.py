"""Files of skills and plugins from ConfigMaps, the repository and registries, put where the CLI reads them.

A key of a ConfigMap is a file; a key that ends with ``.tar.gz``, ``.tgz`` or ``.zip`` is unpacked, so that
there can be folders. Of a folder plain files are taken. Nothing leaves the target, and no link, device or
mode is taken over.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.archives import MOST_BYTES, UNUSABLE, Files, files_of_tar, files_of_zip, fill
from kagents_runner.equipment import FolderDocument
from kagents_runner.export.walk import files_below
from kagents_runner.harness.claude_code.executable import UnusableError

Root = Callable[[Path], Path | None]
"""Which folder of what was unpacked is wanted: itself, one below it, or none as something is missing."""


def install(folder: FolderDocument, target: Path, worktree: Path, manifest: str, root: Root) -> None:
    """Makes ``target`` equal to what the folder holds now. Raises ``UnusableError``."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        fill(unfinished, _files(folder, worktree))
    except UNUSABLE as error:
        raise wrong(folder, f"cannot be unpacked: {error}") from error
    found = root(unfinished)
    if found is None:
        raise wrong(folder, f"has no file {manifest}")
    if target.is_symlink():
        target.unlink()
    shutil.rmtree(target, ignore_errors=True)
    found.rename(target)
    shutil.rmtree(unfinished, ignore_errors=True)


def wrong(folder: FolderDocument, why: str) -> UnusableError:
    """It cannot be used, and a person must change something."""
    source = folder.path or folder.oci or "its ConfigMap"
    return UnusableError(f"The {folder.kind} {folder.name} {why}: look at {source}.")


def _files(folder: FolderDocument, worktree: Path) -> Files:
    if folder.path is not None:
        place = (worktree / folder.path).resolve()
        if not place.is_relative_to(worktree.resolve()):
            raise ValueError(f"{folder.path!r} leads out of the repository")
        return _tree(place)
    return _tree(Path(folder.directory)) if folder.oci is not None else _keys(Path(folder.directory))


def _tree(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The plain files below a folder; an error for what is left out: it is whole or is none."""
    left_out: list[str] = []
    for name, descriptor in files_below(folder, lambda path, why: left_out.append(f"{path!r}: {why}")):
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(MOST_BYTES + 1)
        yield name, data
    if left_out:
        raise ValueError("; ".join(left_out[:3]))


def _keys(source: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents. A mounted ConfigMap's keys are links into a folder that begins with two dots."""
    for path in sorted(source.iterdir()):
        name = path.name
        if name.startswith(".."):
            continue
        data = read_bounded(path.resolve(), MOST_BYTES)
        if name.endswith((".tar.gz", ".tgz")):
            yield from files_of_tar(data)
        elif name.endswith(".zip"):
            yield from files_of_zip(data)
        else:
            yield name, data
