"""Event files and the list of members."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kagents_core.teamfiles.config import Member, build_config, read_members, write_config
from kagents_core.teamfiles.events import append_event, parse_events, read_events
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.lines import read_lines

SAMPLES = Path(__file__).parents[2] / "fixtures" / "protocol-samples" / "2.1.329"


def test_events_are_read_from_where_one_stopped(layout: TeamLayout) -> None:
    assert read_events(layout, "lead", 0).offset == 0
    append_event(layout, "lead", {"hook_event_name": "Stop"})
    first = read_events(layout, "lead", 0)
    append_event(layout, "lead", {"hook_event_name": "TeammateIdle"})
    second = read_events(layout, "lead", first.offset)
    assert [event["hook_event_name"] for event in (*first.payloads, *second.payloads)] == [
        "Stop",
        "TeammateIdle",
    ]
    assert first.payloads[0]["kagentsAt"].endswith("Z")


def test_damaged_and_unfinished_lines_do_not_hide_the_rest(layout: TeamLayout) -> None:
    layout.events("lead").write_bytes(b'{"a":1}\n\nnot json\n[1]\n\xff\n{"b":2}\n{"unfinish')
    found = read_events(layout, "lead", 0)
    assert [dict(event) for event in found.payloads] == [{"a": 1}, {"b": 2}]
    assert len(found.malformed) == 3
    append_event(layout, "lead", {"c": 3})
    rest = read_events(layout, "lead", found.offset)
    assert rest.payloads[0]["c"] == 3 and rest.malformed[0].excerpt == '{"unfinish'


def test_a_line_longer_than_the_limit_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"y" * 25 + b'\n{"ok":1}\n')
    offset, pieces = 0, []
    for _ in range(6):
        found = read_lines(path, offset, chunk=10)
        pieces += list(found.lines)
        offset = found.offset
    assert b"".join(pieces) == b"y" * 25 + b'{"ok":1}'
    assert pieces[-1] == b'{"ok":1}'


def test_a_file_that_became_shorter_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"{}\n")
    found = read_lines(path, 100)
    assert found.truncated and found.lines == (b"{}",)
    assert parse_events(tmp_path / "missing", 5).offset == 0


def test_the_list_of_members_has_the_native_shape(layout: TeamLayout) -> None:
    native = json.loads((SAMPLES / "config.json__tmux-lead.json").read_text())
    document = build_config(
        "demo",
        "abb323eb-8af8-4785-8db9-5f4bac3f49b7",
        [
            Member("lead", "opus", "Lead.", Path("/w/lead")),
            Member("worker", "sonnet", "Work.", Path("/w/worker")),
        ],
        cwd=Path("/w"),
        at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    )
    assert [key for key in native if key != "leadProcess"] == list(document)
    assert list(document["members"][0]) == list(native["members"][0])
    assert list(document["members"][1]) == list(native["members"][1])
    assert document["createdAt"] == 1795176000000
    write_config(layout, document)
    write_config(layout, document)
    assert stat.S_IMODE(layout.config.stat().st_mode) == 0o444
    assert list(read_members(layout)) == ["team-lead", "lead", "worker"]
    assert layout.config.read_text() == json.dumps(document, indent=2)


@pytest.mark.parametrize("content", ["", "[]", '{"members":1}', '{"members":[1,{"name":2}]}'])
def test_a_damaged_list_of_members_is_empty(layout: TeamLayout, content: str) -> None:
    layout.config.write_text(content)
    assert read_members(layout) == {}
