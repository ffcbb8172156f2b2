"""Archives: skills and plugins that are pulled, artifacts and whole teams that a pod sends."""

import contextlib
import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from fuzzing.harness import Harness, demand

from harnesses.places import scratch
from kagents_runner.archives import MOST_BYTES, UNUSABLE, files_of_tar, files_of_zip, fill
from kagents_tui.artifact_states import Artifact
from kagents_tui.cli.export_archive import BrokenArchiveError, TeamArchive
from kagents_tui.cli.unpacking import BrokenArtifactError, OccupiedError, unpack

_HELLO = hashlib.sha256(b"hello").hexdigest()
_LISTING = f"{_HELLO}  a.txt\n{_HELLO}  b/c.txt\n".encode()
_FILE = Artifact("one", "report", "docs/report.md", "kept", False, 1, 5, _HELLO)
_FOLDER = Artifact("one", "site", "site", "kept", True, 2, 10, hashlib.sha256(_LISTING).hexdigest())


def _emptied(name: str) -> Path:
    """An empty folder, beside which nothing may appear."""
    import shutil

    outer = scratch() / "archives"
    shutil.rmtree(outer, ignore_errors=True)
    folder = outer / name
    folder.mkdir(parents=True)
    return folder


def _nothing_outside(folder: Path) -> None:
    demand(sorted(folder.parent.iterdir()) == [folder], "something was written beside the folder")
    for each in folder.rglob("*"):
        demand(not each.is_symlink(), "a link was made")


def _skill(data: bytes) -> None:
    for files in (
        lambda: files_of_tar(data),
        lambda: files_of_tar(data, compressed=False),
        lambda: files_of_zip(data),
    ):
        folder = _emptied("skill")
        with contextlib.suppress(UNUSABLE):
            fill(folder, files())
        _nothing_outside(folder)


def _artifact(data: bytes) -> None:
    for artifact in (_FILE, _FOLDER):
        folder = _emptied("target")
        target = folder / artifact.base
        try:
            unpack(io.BytesIO(data), artifact, target)
            demand(target.exists(), "what was accepted is not there")
        except (BrokenArtifactError, OccupiedError, OSError):
            demand(not target.exists(), "what was refused is there")
        _nothing_outside(folder)
        demand(len(list(folder.iterdir())) <= 1, "something was left behind")


def _export(data: bytes) -> None:
    kept = io.BytesIO()
    archive = TeamArchive(kept, "demo", MOST_BYTES)
    try:
        archive.take(io.BytesIO(data))
        archive.close()
    except BrokenArchiveError:
        return
    with tarfile.open(fileobj=io.BytesIO(kept.getvalue()), mode="r:gz") as written:
        for member in written:
            demand(
                member.isreg() and member.name.startswith("demo/"), "something else than a file of the folder"
            )
            demand(".." not in member.name.split("/"), "a path that leads elsewhere")


def _tar(*members: tuple[str, bytes], links: tuple[tuple[str, str], ...] = (), **options: Any) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=options.get("format", tarfile.PAX_FORMAT)) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, target in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return packed.getvalue()


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("SKILL.md", "# hello")
        archive.writestr("a/b.txt", "x" * 1000)
    return packed.getvalue()


def _skills() -> list[bytes]:
    plain = _tar(("./SKILL.md", b"# hello"), ("a/b.txt", b"x" * 700))
    bad = _tar(("../up", b"x"), links=(("link", "/etc"),), format=tarfile.GNU_FORMAT)
    bomb = gzip.compress(bytes(4 * 1024 * 1024), mtime=0)
    return [gzip.compress(plain, mtime=0), plain, bad, _zip(), gzip.compress(bad, mtime=0), bomb]


def _sent() -> list[bytes]:
    summary = ("export.json", b'{"files":1,"bytes":5,"omitted":[]}')
    one = _tar(("artifact/report.md", b"hello"), summary)
    two = _tar(("artifact/site/a.txt", b"hello"), ("artifact/site/b/c.txt", b"hello"), summary)
    bad = _tar(("artifact/site/../../x", b"hello"), links=(("artifact/site/l", "/etc/passwd"),))
    return [gzip.compress(each, mtime=0) for each in (one, two, bad)]


HARNESSES = (
    Harness(
        "skill-archive",
        "archives of skills and plugins",
        "runner.archives",
        _skill,
        _skills,
        "bytes",
        (b"../", b"/etc/passwd", b"ustar", b"PK\x03\x04", b"PK\x05\x06"),
    ),
    Harness(
        "artifact-archive",
        "artifacts that a pod sends (kagents cp)",
        "cli.unpacking",
        _artifact,
        _sent,
        "bytes",
    ),
    Harness(
        "team-archive",
        "a whole team that a pod sends (kagents export)",
        "cli.export_archive",
        _export,
        _sent,
        "bytes",
    ),
    Harness(
        "artifact-tar",
        "the same, with its compression good",
        "cli.unpacking, cli.export_archive",
        lambda data: (_artifact(gzip.compress(data, 1, mtime=0)), _export(gzip.compress(data, 1, mtime=0)))[
            0
        ],
        lambda: [gzip.decompress(each) for each in _sent()],
        "bytes",
        (b"../", b"artifact/", b"export.json", b"ustar", b"path=../x\n", b"size=99999999999\n"),
    ),
    Harness(
        "skill-tar",
        "the same of skills",
        "runner.archives",
        lambda data: _skill(gzip.compress(data, 1, mtime=0)),
        lambda: [gzip.decompress(each) for each in _skills() if each[:2] == b"\x1f\x8b"][:2],
        "bytes",
        (b"../", b"/etc/passwd", b"ustar", b"path=../x\n", b"size=99999999999\n"),
    ),
)
