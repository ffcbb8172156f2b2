"""Skills from ConfigMaps, the repository and registries, put into the agent's own folder at its start.

A key of a ConfigMap is a file; a key that ends with ``.tar.gz``, ``.tgz`` or ``.zip`` is unpacked, so that a
skill can have folders. Of a folder plain files are taken. Nothing leaves the skill's folder, and no link,
device or mode is taken over.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.archives import MOST_BYTES, UNUSABLE, Files, files_of_tar, files_of_zip, fill
from kagents_runner.equipment import SkillDocument
from kagents_runner.export.walk import files_below
from kagents_runner.harness.claude_code.executable import UnusableError

_MANIFEST: Final = "SKILL.md"


def install_skills(home: Path, skills: Sequence[SkillDocument], worktree: Path) -> None:
    """Makes ``<home>/skills/<name>`` equal to what each skill holds now. Raises ``UnusableError``."""
    folder = home / "skills"
    for skill in skills:
        target = folder / skill.name
        unfinished = folder / f".{skill.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            fill(unfinished, _files(skill, worktree))
        except UNUSABLE as error:
            raise _wrong(skill, f"cannot be unpacked: {error}") from error
        if not (unfinished / _MANIFEST).is_file():
            raise _wrong(skill, f"has no file {_MANIFEST}")
        if target.is_symlink():
            target.unlink()
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)


def _files(skill: SkillDocument, worktree: Path) -> Files:
    if skill.path is not None:
        place = (worktree / skill.path).resolve()
        if not place.is_relative_to(worktree.resolve()):
            raise ValueError(f"{skill.path!r} leads out of the repository")
        return _tree(place)
    return _tree(Path(skill.directory)) if skill.oci is not None else _keys(Path(skill.directory))


def _tree(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The plain files below a folder; an error for what is left out, as a skill is whole or is none."""
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


def _wrong(skill: SkillDocument, why: str) -> UnusableError:
    source = skill.path or skill.oci or "its ConfigMap"
    return UnusableError(f"The skill {skill.name} {why}: look at {source}.")
