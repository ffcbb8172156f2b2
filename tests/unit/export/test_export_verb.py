"""``kagents-runner export`` on a volume that agents have written to: bounded, and no link is followed."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from kagents_runner.export.archive import Archive
from kagents_runner.export.walk import DEEPEST, files_below

TEAM = {
    "name": "demo",
    "namespace": "ns",
    "uid": "u",
    "mode": "cowork",
    "repository": None,
    "outputDir": None,
    "inputs": [],
    "idleTimeoutSeconds": None,
    "agents": [
        {
            "name": "lead",
            "role": "lead",
            "model": "opus",
            "harness": "simulated",
            "dependsOn": [],
            "gate": None,
            "prompt": "p",
        }
    ],
}


def exported(root: Path, *arguments: str) -> dict[str, bytes]:
    """The files of the archive that the program prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "KAGENTS_TEAM_DIR": str(root / "team"),
        "KAGENTS_HOMES_DIR": str(root / "home"),
        "KAGENTS_WORK_DIR": str(root / "work"),
        "KAGENTS_TEAM": json.dumps(TEAM),
    }
    command = [sys.executable, "-m", "kagents_runner", "export", *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    with tarfile.open(fileobj=io.BytesIO(ran.stdout)) as files:
        return {each.name: (files.extractfile(each) or io.BytesIO()).read() for each in files}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    for folder in ("team", "home/lead/projects/p", "work/output"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "team/journal.jsonl").write_text('{"seq":1}\n')
    return tmp_path


def test_only_transcripts_are_taken_from_a_home(volume: Path) -> None:
    home = volume / "home/lead"
    (home / "projects/p/s.jsonl").write_text('{"text":"ghp_' + "a" * 36 + '"}\n')
    for name in (".credentials.json", ".claude.json", "settings.json", "id_ed25519"):
        (home / name).write_text("canary")
    (home / "secret.jsonl").symlink_to(home / ".credentials.json")
    found = exported(volume)
    assert found["transcripts/lead/projects/p/s.jsonl"] == b'{"text":"' + b"*" * 40 + b'"}\n'
    assert b"canary" not in b"".join(found.values())
    told = json.loads(found["export.json"])
    assert told["omitted"] == [{"path": "transcripts/lead/secret.jsonl", "reason": "a link"}]
    assert (told["team"], told["files"]) == ("demo", 2)


def test_the_logs_of_the_setup_command_are_taken(volume: Path) -> None:
    folder = volume / "work/setup"
    folder.mkdir()
    (folder / "lead.log").write_text("fetched with ghp_" + "a" * 36 + "\n")
    (folder / "lead.done").touch()
    found = exported(volume)
    assert found["setup/lead.log"] == b"fetched with " + b"*" * 40 + b"\n"
    assert "setup/lead.done" not in found


def test_an_output_folder_that_is_a_link_leads_nowhere(volume: Path) -> None:
    (volume / "work/output").rmdir()
    (volume / "work/output").symlink_to("/etc")
    assert set(exported(volume)) == {"journal.jsonl", "export.json"}


def test_depth_size_and_names_are_bounded(volume: Path) -> None:
    deep = volume / "work/output"
    for _ in range(DEEPEST + 2):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "lost").write_text("x")
    (volume / "work/output/big").write_bytes(b"x" * 2000)
    (volume / "work/output/small").write_bytes(b"x" * 20)
    (volume / os.fsdecode(b"work/output/\xff\n")).write_bytes(b"odd")
    found = exported(volume, "--limit", "1000")
    assert found["outputs/small"] == b"x" * 20
    reasons = " ".join(each["reason"] for each in json.loads(found["export.json"])["omitted"])
    assert "deeper than" in reasons
    assert "no room within the limit" in reasons
    assert b"odd" in found.values()


def test_a_file_that_changes_while_it_is_read_keeps_the_archive_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    for before, after in ((b"a" * 100, b"b"), (b"a" * 10, b"b" * 500)):
        path.write_bytes(before)
        stream = io.BytesIO()
        archive = Archive(stream, 10_000)
        [(name, descriptor)] = [(name, os.dup(fd)) for name, fd in files_below(tmp_path, lambda *_: None)]
        size = os.fstat(descriptor).st_size
        real = os.fstat

        def shrinking(fd: int, real=real, after=after) -> os.stat_result:  # type: ignore[no-untyped-def]
            state = real(fd)
            path.write_bytes(after)
            return state

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kagents_runner.export.archive.os.fstat", shrinking)
            archive.add_file(name, descriptor, mask=True)
        archive.add_text("after", "whole", mask=False)
        archive.close()
        os.close(descriptor)
        stream.seek(0)
        with tarfile.open(fileobj=stream) as files:
            sizes = {each.name: each.size for each in files}
        assert sizes["f"] == size
        assert sizes["after"] == 5
