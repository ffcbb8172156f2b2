"""An artifact out of the archive that a pod has sent: checked, and put in its place only when it is right.

The pod is not trusted: every path is looked at, nothing but files is taken, no more than was announced, and
the check sum is worked out here and compared with the one in the team's status.
"""

import contextlib
import gzip
import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Final

from kagents_tui.artifact_states import Artifact

PREFIX: Final = "artifact"
_SUMMARY: Final = "export.json"
_PIECE: Final = 256 * 1024
_LONGEST: Final = 4096


class BrokenArtifactError(Exception):
    """What was sent is not the artifact; the text says why."""


class OccupiedError(Exception):
    """Something that must not be replaced stands at the target; the text says what."""


def target_of(destination: str, artifact: Artifact, *, force: bool) -> Path:
    """Where the artifact goes: into a folder, or under the name that was given. Raises ``OccupiedError``."""
    if artifact.base in ("", ".", "..") or not artifact.base.isprintable():
        raise OccupiedError("the name of the artifact's file is none that it can have here")
    path = Path(destination)
    target = path / artifact.base if path.is_dir() or destination.endswith("/") else path
    if not os.path.lexists(target):
        return target
    if not force:
        raise OccupiedError(f"{target} is there already; name another place, or use --force")
    if target.is_symlink() or target.is_dir() != artifact.folder or not (target.is_dir() or target.is_file()):
        what = "folder" if artifact.folder else "file"
        raise OccupiedError(f"{target} is no {what}, so it is not replaced by one")
    return target


def unpack(sent: IO[bytes], artifact: Artifact, target: Path) -> None:
    """Puts the artifact at ``target``. Raises ``BrokenArtifactError``, ``OccupiedError`` or ``OSError``."""
    holder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:100]}."))
    try:
        digests = _extract(sent, artifact, holder)
        _check(digests, artifact)
        _place(holder / artifact.base, target, holder)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _extract(sent: IO[bytes], artifact: Artifact, holder: Path) -> dict[str, str]:
    """Writes every file below ``holder``; returns the check sum of each by its path below the artifact."""
    digests: dict[str, str] = {}
    left, whole = artifact.size, False
    try:
        with tarfile.open(fileobj=sent, mode="r|gz") as files:
            for member in files:
                if member.name == _SUMMARY:
                    whole = True
                    continue
                source = files.extractfile(member) if member.isreg() else None
                if source is None or member.size > left or len(digests) >= artifact.files:
                    raise BrokenArtifactError("the pod sent more, or something else, than was recorded")
                left -= member.size
                path = _inside(member.name, artifact)
                digests[path] = _write(
                    source, holder / artifact.base / path, executable=bool(member.mode & 0o100)
                )
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, TypeError) as error:
        # A TypeError is what tarfile makes of a compressed stream that ends in its first bytes.
        raise BrokenArtifactError(f"what the pod sent is no whole archive: {error}") from error
    if not whole:
        raise BrokenArtifactError("the pod's archive ended before it was complete")
    return digests


def _inside(name: str, artifact: Artifact) -> str:
    """The path below the artifact, "" for a single file; it stays where it is unpacked."""
    path = PurePosixPath(name)
    below = path.parts[2:]
    if path.parts[:2] != (PREFIX, artifact.base) or bool(below) != artifact.folder:
        raise BrokenArtifactError(f"the pod sent a file that is not of this artifact: {name[:200]!r}")
    if ".." in below or len(name) > _LONGEST or not name.isprintable():
        raise BrokenArtifactError(f"the pod sent a file with a name that leads elsewhere: {name[:200]!r}")
    return "/".join(below)


def _write(source: IO[bytes], place: Path, *, executable: bool) -> str:
    place.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    digest = hashlib.sha256()
    try:
        descriptor = os.open(place, flags, 0o777 if executable else 0o666)  # less the person's umask
    except FileExistsError:
        raise BrokenArtifactError("the pod sent a file twice") from None
    with open(descriptor, "wb") as file:
        while data := source.read(_PIECE):
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


def _check(digests: dict[str, str], artifact: Artifact) -> None:
    if artifact.folder:
        listing = hashlib.sha256()
        for path in sorted(digests, key=os.fsencode):
            listing.update(f"{digests[path]}  ".encode() + os.fsencode(path) + b"\n")
        found = listing.hexdigest()
    else:
        found = digests.get("", "")
    if found != artifact.sha256:
        raise BrokenArtifactError("its check sum is not the recorded one, so it is not kept")


def _place(made: Path, target: Path, holder: Path) -> None:
    """Puts what was made in its place in one step; what may be replaced is removed after that."""
    if os.path.lexists(target) and stat.S_ISDIR(target.lstat().st_mode):
        target.rename(holder / "before")
        try:
            made.rename(target)
        except OSError:
            with contextlib.suppress(OSError):
                (holder / "before").rename(target)
            raise
        return
    made.rename(target)
