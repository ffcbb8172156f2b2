"""The journal: numbering without gaps, repair after a crash at any byte, and reading from any number."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_core.journal import Journal, JournalError, JournalReader, entries, message

AT = "2026-11-21T01:02:03.004Z"


def note(text: str) -> dict[str, Any]:
    return {"kind": "report", "text": text}


def texts(path: Path, after: int = 0) -> list[str]:
    return [entry["text"] for entry in entries(path, after=after)]


def test_entries_are_numbered_from_one_and_printed_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        first = journal.append([note("a"), note("b")], at=AT)
        second = journal.append([note("c")], at=AT)
        assert journal.append([], at=AT) == b""
    assert path.read_bytes() == first + second
    assert [(entry["seq"], entry["at"], entry["text"]) for entry in entries(path)] == [
        (1, AT, "a"),
        (2, AT, "b"),
        (3, AT, "c"),
    ]


def test_a_message_entry_has_the_documented_fields(tmp_path: Path) -> None:
    entry = message("i", "lead", "worker", "message", "hello", summary=None, written=AT)
    with Journal(tmp_path / "j") as journal:
        journal.append([entry], at=AT)
    (read,) = entries(tmp_path / "j")
    assert read == {"seq": 1, "at": AT, "kind": "message", "id": "i", "from": "lead", "to": "worker"} | {
        "type": "message",
        "text": "hello",
        "summary": None,
        "written": AT,
    }


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text(max_size=40), min_size=1, max_size=12),
    st.integers(0, 2000),
    st.sampled_from([b"", b"\x00" * 30 + b"\n", b'{"seq":', b"garbage\n", b"[1]\n"]),
)
def test_after_a_crash_at_any_byte_whole_entries_stay_and_numbering_goes_on(
    written: list[str], lost: int, rubbish: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        with Journal(path) as journal:
            journal.append([note(text) for text in written], at=AT)
        content = path.read_bytes()
        kept = content[: max(0, len(content) - lost)]
        path.write_bytes(kept + rubbish)
        whole = kept.count(b"\n")
        with Journal(path) as journal:
            assert journal.last == whole
            journal.append([note("after")], at=AT)
        assert texts(path) == [*written[:whole], "after"]
        assert [entry["seq"] for entry in entries(path)] == list(range(1, whole + 2))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9000), min_size=1, max_size=120), st.integers(0, 130))
def test_reading_from_any_number_gives_exactly_the_rest(sizes: list[int], after: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        with Journal(path) as journal:
            journal.append([note("x" * size) for size in sizes], at=AT)
        assert [entry["seq"] for entry in entries(path, after=after)] == list(
            range(after + 1, len(sizes) + 1)
        )


def test_a_reader_follows_and_leaves_a_half_written_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    reader = JournalReader(path)
    assert list(reader.read()) == []
    with Journal(path) as journal:
        journal.append([note("a")], at=AT)
    assert [line.entry()["text"] for line in reader.read()] == ["a"]
    with path.open("ab") as half:
        half.write(b'{"seq":2,"at":"x","ki')
    assert list(reader.read()) == []
    with Journal(path) as journal:
        journal.append([note("b")], at=AT)
    assert [line.entry()["text"] for line in reader.read()] == ["b"]
    reader.close()


def test_a_reader_survives_a_repair_behind_its_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append([note("a"), note("lost"), note("lost")], at=AT)
    reader = JournalReader(path)
    assert len(list(reader.read())) == 3
    os.truncate(path, len(path.read_bytes().splitlines(keepends=True)[0]))
    assert list(reader.read()) == []
    with Journal(path) as journal:
        journal.append([note(str(number)) for number in range(2, 6)], at=AT)
    assert [line.seq for line in reader.read()] == [4, 5]
    reader.close()


def test_what_json_cannot_carry_does_not_stop_the_journal(tmp_path: Path) -> None:
    deep: Any = "bottom"
    for _ in range(500):
        deep = [deep]
    with Journal(tmp_path / "j") as journal:
        journal.append([{"kind": "task", "task": {"deep": deep, "big": 2**70, "bad": "a\ud800b"}}], at=AT)
    (entry,) = entries(tmp_path / "j")
    assert entry["task"]["big"] == str(2**70)
    assert entry["task"]["bad"] == "a?b"
    assert "…" in json.dumps(entry["task"]["deep"], ensure_ascii=False)


def test_an_entry_beyond_all_measure_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(JournalError):
            journal.append([note("x" * 5_000_000)], at=AT)
        journal.append([note("y")], at=AT)
    assert [entry["seq"] for entry in entries(tmp_path / "j")] == [1]


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "j").symlink_to(tmp_path / "target")
    with pytest.raises(JournalError):
        Journal(tmp_path / "j")
    assert (tmp_path / "target").read_text() == "precious"


def test_the_end_of_a_long_journal_is_found_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        for start in range(0, 100_000, 5_000):
            journal.append([note("x" * (number % 300)) for number in range(start, start + 5_000)], at=AT)
    read = 0
    original = os.pread

    def counting(fd: int, size: int, offset: int) -> bytes:
        nonlocal read
        data = original(fd, size, offset)
        read += len(data)
        return data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pread", counting)
        assert [entry["seq"] for entry in entries(path, after=99_990)] == list(range(99_991, 100_001))
    assert read < path.stat().st_size / 5
