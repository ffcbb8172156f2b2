"""Skills from ConfigMaps, put into the agent's own skills folder before the CLI starts.

A key is a file; a key that ends with ``.tar.gz``, ``.tgz`` or ``.zip`` is unpacked, so that a skill can have
folders. Nothing leaves the skill's folder, and no link, device or mode is taken over from an archive.
"""

import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.equipment import SkillDocument
from kagents_runner.harness.claude_code.executable import UnusableError

_MOST_FILES: Final = 2_000
_MOST_BYTES: Final = 32 * 1024 * 1024
"""Unpacked; a ConfigMap itself holds at most 1 MiB."""
_MANIFEST: Final = "SKILL.md"


def install_skills(home: Path, skills: Sequence[SkillDocument]) -> None:
    """Makes ``<home>/skills/<name>`` equal to what each skill holds now. Raises ``UnusableError``."""
    folder = home / "skills"
    for skill in skills:
        target = folder / skill.name
        unfinished = folder / f".{skill.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            _fill(unfinished, Path(skill.directory))
        except (OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise _wrong(skill, f"cannot be unpacked: {error}") from error
        if not (unfinished / _MANIFEST).is_file():
            raise _wrong(skill, f"has no file {_MANIFEST}")
        if target.is_symlink():
            target.unlink()
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)


def _fill(target: Path, source: Path) -> None:
    count = size = 0
    for name, data in _files(source):
        count, size = count + 1, size + len(data)
        if count > _MOST_FILES or size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_FILES} files or {_MOST_BYTES // 2**20} MiB")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"{name!r} leads out of the skill's folder")
        file = target.joinpath(*path.parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents. A mounted ConfigMap's keys are links into a folder that begins with two dots."""
    for path in sorted(source.iterdir()):
        name = path.name
        if name.startswith(".."):
            continue
        data = read_bounded(path.resolve(), _MOST_BYTES)
        if name.endswith((".tar.gz", ".tgz")):
            yield from _tar(data)
        elif name.endswith(".zip"):
            yield from _zip(data)
        else:
            yield name, data


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isfile() or member.size > _MOST_BYTES:
                raise ValueError(f"{member.name!r} is no plain file, or too large")
            content = archive.extractfile(member)
            assert content is not None
            yield member.name.removeprefix("./"), content.read()


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            if member.file_size > _MOST_BYTES:
                raise ValueError(f"{member.filename!r} is too large")
            yield member.filename, archive.read(member)


def _wrong(skill: SkillDocument, why: str) -> UnusableError:
    return UnusableError(f"The skill {skill.name} {why}: look at its ConfigMap.")
