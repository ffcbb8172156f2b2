"""An artifact that a pod has sent: taken only when it is exactly what the status tells of."""

import hashlib
import io
import tarfile
from dataclasses import replace

import pytest

from kagents_tui.artifact_states import Artifact, artifacts_of, starts_after
from kagents_tui.cli.unpacking import BrokenArtifactError, OccupiedError, target_of, unpack

FILE = Artifact("one", "report", "docs/report.md", "kept", False, 1, 5, hashlib.sha256(b"hello").hexdigest())
INNER = {"a.html": b"x", "a/b": b"yy"}
LISTING = "".join(
    f"{hashlib.sha256(INNER[name]).hexdigest()}  {name}\n" for name in ("a.html", "a/b")
).encode()
FOLDER = Artifact("one", "site", "site", "kept", True, 2, 3, hashlib.sha256(LISTING).hexdigest())
WHOLE = ("export.json", b"{}")


def sent(*members, link=None):
    """What a pod sends: pairs of name and content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        if link:
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(entry)
    stream.seek(0)
    return stream


def test_a_file_is_put_in_its_place(tmp_path):
    target = target_of(str(tmp_path), FILE, force=False)
    unpack(sent(("artifact/report.md", b"hello"), WHOLE), FILE, target)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    assert target.read_text() == "hello"


def test_a_folder_is_put_in_its_place(tmp_path):
    target = target_of(f"{tmp_path}/mine", FOLDER, force=False)
    unpack(sent(*((f"artifact/site/{name}", data) for name, data in INNER.items()), WHOLE), FOLDER, target)
    assert (tmp_path / "mine/a/b").read_bytes() == b"yy"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("artifact", "archive", "words"),
    [
        (FILE, sent(("artifact/report.md", b"jello"), WHOLE), "check sum"),
        (FILE, sent(("artifact/report.md", b"hello")), "before it was complete"),
        (FILE, sent(WHOLE), "check sum"),
        (FILE, sent(("artifact/report.md", b"hello!"), WHOLE), "sent more"),
        (FILE, sent(("artifact/report.md", b"h"), ("artifact/report.md", b"h"), WHOLE), "sent more"),
        (FILE, sent(("artifact/other.md", b"hello"), WHOLE), "not of this artifact"),
        (FILE, sent(("report.md", b"hello"), WHOLE), "not of this artifact"),
        (FILE, sent(("artifact/report.md/x", b"hello"), WHOLE), "not of this artifact"),
        (FILE, sent(WHOLE, link="artifact/report.md"), "something else"),
        (FILE, io.BytesIO(b"no archive"), "no whole archive"),
        (FILE, io.BytesIO(sent(("artifact/report.md", b"hello"), WHOLE).read()[:60]), "no whole archive"),
        (FOLDER, sent(("artifact/site/../../x", b"x"), WHOLE), "leads elsewhere"),
        (FOLDER, sent(("artifact/site/a\x1b[2J", b"x"), WHOLE), "leads elsewhere"),
        (FOLDER, sent(("/artifact/site/a", b"x"), WHOLE), "not of this artifact"),
        (FOLDER, sent(("artifact/site", b"x"), WHOLE), "not of this artifact"),
        (FOLDER, sent(("artifact/site/a", b"x"), ("artifact/site/a", b"x"), WHOLE), "twice"),
    ],
)
def test_what_is_not_the_artifact_leaves_nothing(tmp_path, artifact, archive, words):
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(BrokenArtifactError, match=words):
        unpack(archive, artifact, folder / "target")
    assert [path.name for path in tmp_path.rglob("*")] == ["in"]


def test_nothing_is_replaced_unasked(tmp_path):
    (tmp_path / "report.md").write_text("mine")
    with pytest.raises(OccupiedError, match="is there already"):
        target_of(str(tmp_path), FILE, force=False)
    unpack(sent(("artifact/report.md", b"hello"), WHOLE), FILE, target_of(str(tmp_path), FILE, force=True))
    assert (tmp_path / "report.md").read_text() == "hello"


@pytest.mark.parametrize("form", ["link", "folder", "file"])
def test_force_replaces_only_what_is_of_the_same_kind(tmp_path, form):
    target = tmp_path / ("site" if form == "file" else "report.md")
    if form == "link":
        target.symlink_to("/etc/passwd")
    elif form == "folder":
        target.mkdir()
    else:
        target.write_text("mine")
    with pytest.raises(OccupiedError, match="not replaced"):
        target_of(str(tmp_path), FOLDER if form == "file" else FILE, force=True)


@pytest.mark.parametrize("path", ["..", "a/..", "", "a/", ".", "a\x1b"])
def test_a_status_that_names_an_odd_place_is_not_followed(tmp_path, path):
    with pytest.raises(OccupiedError):
        target_of(str(tmp_path), replace(FILE, path=path), force=True)


def test_artifacts_are_those_declared_with_what_became_of_them():
    teammates = [
        {"name": "one", "artifacts": [{"name": "report", "path": "r.md"}, {"name": "site", "path": "site"}]},
        {"name": "two", "dependsOn": ["three"], "inputs": [{"from": "one/report"}, {"from": "three/x"}]},
    ]
    lead = {"artifacts": [{"name": "summary", "path": "s.md"}]}
    told = [
        {"agent": "one", "name": "site", "path": "site", "problem": "it is not there", "at": "t"},
        {"agent": "one", "name": "report", "path": "r.md", "files": 1, "size": 2, "sha256": "0", "at": "t"},
    ]
    team = {"spec": {"lead": lead, "teammates": teammates}, "status": {"artifacts": told}}
    assert [(each.source, each.state, each.problem) for each in artifacts_of(team)] == [
        ("lead/summary", "ahead", ""),
        ("one/report", "kept", ""),
        ("one/site", "missing", "it is not there"),
    ]
    assert starts_after(teammates[1]) == ["three", "one"]
