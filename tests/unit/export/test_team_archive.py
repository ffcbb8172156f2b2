"""The archive that people unpack: nothing that the pod sends makes it lead elsewhere or grow without end."""

import io
import json
import tarfile
from typing import Any

import pytest

from kagents_tui.cli.export_archive import BrokenArchiveError, TeamArchive


def sent(*members: tuple[str, Any], summary: bool = True) -> io.BytesIO:
    """What a pod might send: names with bytes, or with the target of a link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as files:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                files.addfile(entry)
            else:
                entry.size = len(content)
                files.addfile(entry, io.BytesIO(content))
        if summary:
            told = json.dumps({"team": "demo", "files": 1, "omitted": []}).encode()
            entry = tarfile.TarInfo("export.json")
            entry.size = len(told)
            files.addfile(entry, io.BytesIO(told))
    stream.seek(0)
    return stream


def unpacked(stream: io.BytesIO) -> dict[str, bytes]:
    stream.seek(0)
    with tarfile.open(fileobj=stream) as files:
        return {each.name: (files.extractfile(each) or io.BytesIO()).read() for each in files}


def test_only_plain_files_inside_the_folder_are_taken() -> None:
    target = io.BytesIO()
    archive = TeamArchive(target, "demo", 1000)
    hostile = [("../up", b"x"), ("/etc/cron.d/x", b"x"), ("a/../../up", b"x"), ("link", "/etc/passwd")]
    archive.take(sent(("journal.jsonl", b"{}\n"), *hostile))
    assert archive.close() == len(hostile)
    found = unpacked(target)
    assert set(found) == {"demo/journal.jsonl", "demo/export.json"}
    told = json.loads(found["demo/export.json"])
    assert {each["path"] for each in told["omitted"]} == {name for name, _ in hostile}
    assert told["files"] == 1


def test_what_exceeds_the_limit_is_left_out_and_named() -> None:
    target = io.BytesIO()
    archive = TeamArchive(target, "demo", 100)
    archive.take(sent(("big", b"x" * 101), ("small", b"x")))
    archive.add("also-big", b"x" * 100)
    assert archive.close() == 2
    assert set(unpacked(target)) == {"demo/small", "demo/export.json"}


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_half_an_archive_is_an_error(cut: int) -> None:
    whole = sent(("journal.jsonl", b"{}\n")).getvalue()
    with pytest.raises(BrokenArchiveError):
        TeamArchive(io.BytesIO(), "demo", 1000).take(io.BytesIO(whole[:cut]))


def test_an_archive_without_its_last_word_is_an_error() -> None:
    archive = TeamArchive(io.BytesIO(), "demo", 1000)
    archive.take(sent(("journal.jsonl", b"{}\n"), summary=False))
    with pytest.raises(BrokenArchiveError, match="before it was complete"):
        archive.close()


def test_objects_lose_bookkeeping_and_secrets() -> None:
    target = io.BytesIO()
    archive = TeamArchive(target, "demo", 10_000)
    token = "ghp_" + "a" * 36
    metadata = {
        "name": "demo",
        "managedFields": [{}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": f"see {token}"},
    }
    env = [{"name": "DB_PASSWORD", "value": "canary"}, {"name": "MODE", "value": "fast"}]
    spec = {
        "lead": {"env": env},
        "observability": {"webhook": {"url": "https://h.example.com/canary"}},
        "lifecycle": {"approvalGates": [{"event": "finish", "webhookUrl": "https://h.example.com/canary"}]},
    }
    archive.add_objects("agentteam", [{"metadata": metadata, "spec": spec}])
    archive.take(sent())
    archive.close()
    told = json.loads(unpacked(target)["demo/objects/agentteam-demo.json"])
    assert told["metadata"] == {"name": "demo", "annotations": {"kept": "see " + "*" * len(token)}}
    assert "canary" not in json.dumps(told)
    assert [each["value"] for each in told["spec"]["lead"]["env"]] == ["***", "fast"]
