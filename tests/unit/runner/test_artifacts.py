"""Artifacts: what is taken out of a working directory, what is not and why, and what a taker is given."""

import hashlib
import json
import os
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runner_places import Place, steps

from kagents_runner.artifacts import store
from kagents_runner.artifacts.collect import collect
from kagents_runner.artifacts.store import Allowance, Kept, measure, records
from kagents_runner.documents import ArtifactDocument


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An agent's working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def kept(tmp_path: Path, path: str, *, name: str = "report") -> Kept:
    [found] = collect(tmp_path / "store", tmp_path, ["work"], [ArtifactDocument(name, path)])
    return found


def listing(folder: Path) -> str:
    """What a person gets who checks a folder by hand."""
    command = (
        "find . -type f -printf '%P\\n' | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum"
    )
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.split()[0]


def test_a_file_is_kept_with_its_check_sum_and_cannot_be_written_any_more(tmp_path: Path, work: Path) -> None:
    (work / "docs").mkdir()
    (work / "docs/report.md").write_text("found it\n")
    found = kept(tmp_path, "docs/report.md")
    digest = hashlib.sha256(b"found it\n").hexdigest()
    assert found == Kept("report", "docs/report.md", False, 1, 9, digest)
    copy = tmp_path / "store/report/report.md"
    assert copy.read_text() == "found it\n"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o444
    assert records(tmp_path, "store") == [found]


def test_a_folder_has_the_check_sum_that_a_person_can_work_out(tmp_path: Path, work: Path) -> None:
    for name in ("site/b.html", "site/a/x.html", "site/a.html", "site/ä ö"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(name)
    (work / "site/b.html").chmod(0o755)
    found = kept(tmp_path, "site")
    assert (found.folder, found.files, found.problem) == (True, 4, "")
    copy = tmp_path / "store/report/site"
    assert found.sha256 == listing(copy) == listing(work / "site")
    assert stat.S_IMODE((copy / "b.html").stat().st_mode) == 0o555
    assert stat.S_IMODE((copy / "a").stat().st_mode) == 0o555


def link_to_a_file(work: Path) -> None:
    (work / "out").symlink_to("/etc/passwd")


def link_in_the_way(work: Path) -> None:
    (work / "real").mkdir()
    (work / "real/report.md").write_text("x")
    (work / "docs").symlink_to("real")


def link_in_a_folder(work: Path) -> None:
    (work / "out").mkdir()
    (work / "out/fine").write_text("x")
    (work / "out/latest").symlink_to("fine")


def pipe(work: Path) -> None:
    os.mkfifo(work / "out")


def pipe_in_a_folder(work: Path) -> None:
    (work / "out").mkdir()
    os.mkfifo(work / "out/pipe")


def listener(work: Path) -> None:
    with socket.socket(socket.AF_UNIX) as open_socket:
        open_socket.bind(str(work / "out"))


def empty_folder(work: Path) -> None:
    (work / "out/in").mkdir(parents=True)


def odd_name(work: Path) -> None:
    (work / "out").mkdir()
    (work / "out/a\nb").write_text("x")


def not_unicode(work: Path) -> None:
    (work / "out").mkdir()
    Path(os.fsdecode(bytes(work / "out") + b"/\xff")).write_text("x")


def deep(work: Path) -> None:
    (work / "out" / "/".join("d" * 70)).mkdir(parents=True)


def file_in_the_way(work: Path) -> None:
    (work / "docs").write_text("x")


@pytest.mark.parametrize(
    ("make", "path", "words"),
    [
        (lambda work: None, "out", "it is not there"),
        (link_to_a_file, "out", "links are not followed"),
        (link_in_the_way, "docs/report.md", "a link stands in its path"),
        (file_in_the_way, "docs/report.md", "where a folder should be"),
        (link_in_a_folder, "out", "'latest', which cannot be taken along: a link"),
        (pipe, "out", "neither a file nor a folder"),
        (pipe_in_a_folder, "out", "not a file"),
        (listener, "out", "cannot be kept"),
        (empty_folder, "out", "holds no file"),
        (odd_name, "out", "not plain"),
        (not_unicode, "out", "not plain"),
        (deep, "out", "deeper than 64 folders"),
    ],
)
def test_what_is_not_plain_is_refused_with_the_reason(
    tmp_path: Path, work: Path, make: Any, path: str, words: str
) -> None:
    make(work)
    found = kept(tmp_path, path)
    assert words in found.problem
    assert found.sha256 == ""
    assert list((tmp_path / "store/report").iterdir()) == []
    assert records(tmp_path, "store") == [found]


def test_a_working_directory_that_was_replaced_by_a_link_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/credentials").write_text("secret")
    (tmp_path / "work").symlink_to("home")
    assert "where a folder should be" in kept(tmp_path, "credentials").problem


@pytest.mark.parametrize(
    ("name", "words"), [("MOST_BYTES", "MiB together"), ("MOST_FILES", "files together")]
)
def test_artifacts_of_an_agent_are_limited_together(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    most = {"MOST_BYTES": 10, "MOST_FILES": 1}[name]
    monkeypatch.setattr("kagents_runner.artifacts.collect.Allowance", lambda: store_allowance(name, most))
    (work / "one").write_text("x" * 6)
    (work / "two").write_text("x" * 6)
    wanted = [ArtifactDocument("one", "one"), ArtifactDocument("two", "two")]
    first, second = collect(tmp_path / "store", tmp_path, ["work"], wanted)
    assert first.problem == ""
    assert words in second.problem
    assert list((tmp_path / "store/two").iterdir()) == []


def store_allowance(name: str, most: int) -> Allowance:
    return Allowance(bytes=most) if name == "MOST_BYTES" else Allowance(files=most)


def test_the_limits_are_the_documented_ones() -> None:
    assert (store.MOST_BYTES, store.MOST_FILES) == (1024**3, 10_000)
    text = (Path(__file__).parents[3] / "docs/guide.md").read_text()
    assert "1 GiB" in text
    assert "10,000 files" in text


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["file", "folder", "nothing"]), min_size=1, max_size=4), st.booleans())
def test_however_often_it_is_collected_the_last_time_counts(
    tmp_path_factory: pytest.TempPathFactory, forms: list[str], interrupted: bool
) -> None:
    root = tmp_path_factory.mktemp("again")
    work = root / "work"
    for number, form in enumerate(forms):
        subprocess.run(["rm", "-rf", str(work)], check=True)
        work.mkdir()
        if form == "file":
            (work / "out").write_text(f"{number}")
        elif form == "folder":
            (work / "out/in").mkdir(parents=True)
            (work / "out/in/file").write_text(f"{number}")
        found = kept(root, "out")
        if interrupted:  # as it stands when a supervisor is killed before it writes the record
            (root / "store/collected.json").unlink()
            found = kept(root, "out")
        assert bool(found.problem) == (form == "nothing")
        if form != "nothing":
            now = measure(root, ["store", "report", "out"], Allowance())
            assert now["sha256"] == found.sha256 == measure(root, ["work", "out"], Allowance())["sha256"]
        assert len(list((root / "store/report").iterdir())) == (form != "nothing")


def test_a_record_that_was_tampered_with_is_read_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    record = tmp_path / "one/collected.json"
    whole = {"name": "a", "path": "a", "folder": False, "files": 1, "size": 1, "sha256": "0" * 64}
    for odd in ({"sha256": "0"}, {"files": 0}, {"size": -1}, {"name": 1}, {"problem": 1}, {"files": "1"}):
        record.write_text(json.dumps({"artifacts": [whole | odd]}))
        assert records(tmp_path, "one") == []
    for text in ("", "[]", "{", '{"artifacts": 1}', '{"artifacts": [1]}', "x" * 300_000):
        record.write_text(text)
        assert records(tmp_path, "one") == []
    record.unlink()
    record.symlink_to("/etc/hostname")
    assert records(tmp_path, "one") == []


# -- the verbs ---------------------------------------------------------------------------------------------


@pytest.fixture
def chain(place: Place) -> Place:
    """``scout`` makes a report, and ``lead`` stands for whoever takes it."""
    place.agents["scout"] = {"artifacts": [{"name": "report", "path": "docs/report.md"}]}
    path = str(place.root / "artifacts/scout/report/report.md")
    place.agents["lead"] = {"inputs": [{"agent": "scout", "artifact": "report", "path": path}]}
    place.variables["KAGENTS_ARTIFACTS_DIR"] = str(place.root / "artifacts")
    place.prepare()
    return place


def made(chain: Place, *script: str) -> tuple[int, str]:
    """``scout`` to its end; its own folder is all that its container sees of the artifacts."""
    chain.agents["scout"]["script"] = steps(*script)
    chain.variables["KAGENTS_ARTIFACTS_DIR"] = str(chain.root / "artifacts/scout")
    ran = chain.run("supervise", "scout")
    chain.variables["KAGENTS_ARTIFACTS_DIR"] = str(chain.root / "artifacts")
    return ran.code, ran.out


def test_what_one_makes_another_is_given(chain: Place) -> None:
    code, out = made(chain, "work: {write: {docs/report.md: found it}}", "shutdown: done")
    assert code == 0
    assert "kept the artifact report (docs/report.md): 8 bytes, sha256" in out
    ran = chain.run("await", "lead")
    assert (ran.code, ran.err) == (0, "")
    assert "the input scout/report is there: 8 bytes" in ran.out


def test_every_folder_that_is_mounted_is_there_before_an_agent_starts(place: Place) -> None:
    """The kubelet would make a missing one as root."""
    team = place.team()
    team["agents"][1]["artifacts"] = ["report", "site"]
    place.variables["KAGENTS_TEAM"] = json.dumps(team)
    place.variables["KAGENTS_ARTIFACTS_DIR"] = str(place.root / "artifacts")
    place.prepare()
    assert sorted(path.name for path in (place.root / "artifacts/scout").iterdir()) == ["report", "site"]
    assert place.run("prepare").code == 0


def test_what_is_missing_is_said_by_both(chain: Place) -> None:
    code, out = made(chain, "shutdown: done")
    assert code == 0
    assert "the artifact report (docs/report.md) is not kept: it is not there" in out
    ran = chain.run("await", "lead")
    assert ran.code == 64
    assert ran.sentence == (
        "The input scout/report of lead cannot be given: scout was to leave it as docs/report.md, "
        "and it is not there."
    )


def test_an_agent_that_fails_leaves_no_artifact(chain: Place) -> None:
    code, _ = made(chain, "work: {write: {docs/report.md: half}}", "fail: the disk is on fire")
    assert code == 1
    ran = chain.run("await", "lead")
    assert "scout has left nothing of this name" in ran.sentence


def test_what_was_changed_since_is_not_given(chain: Place) -> None:
    made(chain, "work: {write: {docs/report.md: found it}}", "shutdown: done")
    copy = chain.root / "artifacts/scout/report/report.md"
    copy.chmod(0o644)
    copy.write_text("forged!!")
    ran = chain.run("await", "lead")
    assert ran.code == 64
    assert "its check sum differs" in ran.sentence


def test_a_simulated_agent_without_a_script_makes_what_it_declares(chain: Place) -> None:
    chain.agents["scout"]["script"] = None
    chain.agents["scout"] |= {"role": "teammate"}
    chain.agents["lead"] |= {"role": "teammate"}
    chain.variables["KAGENTS_ARTIFACTS_DIR"] = str(chain.root / "artifacts/scout")
    team = chain.team()
    team["agents"] = [each | {"role": "teammate"} for each in team["agents"]]
    chain.variables["KAGENTS_TEAM"] = json.dumps(team)
    ran = chain.run("supervise", "scout")
    assert ran.code == 0
    assert "kept the artifact report" in ran.out


def test_an_agent_is_told_what_it_makes_and_takes(chain: Place) -> None:
    chain.agents["lead"]["script"] = steps("shutdown: done")
    ran = chain.run("supervise", "lead")
    assert f"has the input scout/report: {chain.root}/artifacts/scout/report/report.md" in ran.out
