"""What leaves the terminal: rows as CSV, files, the clipboard, titles and notifications."""

import base64
import csv
import io
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from kagents_core.safetext import clean
from kagents_tui import taking, terminal_writing
from kagents_tui.calls import Calls
from kagents_tui.rows.attention import Need
from kagents_tui.rows.cells import Column, Scene, cell
from kagents_tui.rows.symbols import UNICODE
from kagents_tui.rows.teams import project
from kagents_tui.sample import data

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SCENE = Scene(NOW, UNICODE)
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "  =1"]
HOSTILE = [*FORMULAS, 'a "quoted", text', "line\nbreak", "plain"]


async def test_csv_holds_every_row_and_no_formula():
    columns = [
        Column("", lambda row, scene: cell("▲"), 1, 1),
        Column("TEXT", lambda row, scene: cell(row), 1, 9),
        Column("SIZE", lambda row, scene: cell(len(row)), 1, 9),
    ]
    text = await taking.csv_of(columns, HOSTILE, SCENE)
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["TEXT", "SIZE"]
    assert len(rows) == len(HOSTILE) + 1
    assert not any(field.lstrip().startswith(("=", "+", "-", "@")) for row in rows for field in row)
    assert rows[-1] == ["plain", "5"]


async def test_many_rows_let_others_go_on():
    import asyncio

    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    column = Column("N", lambda row, scene: cell(row), 1, 9)
    await taking.csv_of([column], range(5000), SCENE)
    task.cancel()
    assert turns >= 5000 // taking.CHUNK


def test_a_file_is_private_and_replaces_nothing(tmp_path):
    first = taking.write_new(tmp_path, "name", "csv", "one")
    second = taking.write_new(tmp_path, "name", "csv", "two")
    assert (first.name, second.name) == ("name.csv", "name-2.csv")
    assert first.read_text() == "one"
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    (tmp_path / "name.csv").symlink_to(target)
    assert taking.write_new(tmp_path, "name", "csv", "one").name == "name-2.csv"
    assert not target.exists()


def test_a_directory_that_takes_no_file_is_an_error(tmp_path):
    with pytest.raises(OSError):
        taking.write_new(tmp_path / "none", "name", "csv", "one")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        taking.write_new(tmp_path, "name", "csv", "one")


def test_a_files_name_holds_no_path():
    name = taking.file_name(["arn:aws:eks/../prod;rm -rf", "teams", ""], NOW)
    assert name == f"kagents-arn-aws-eks-prod-rm-rf-teams-{NOW.astimezone().strftime('%Y%m%d-%H%M%S')}"


def test_what_an_item_means_is_copied():
    @dataclass
    class Mail:
        key: str = "k1"
        text: str = "hello"

    @dataclass
    class Agent:
        key: tuple[str, str] = ("dev", "lead")

    assert taking.words_of(Mail()) == "hello"
    assert taking.words_of(Agent()) == "dev/lead"
    assert taking.words_of(object()) == ""


# Sequences

OUTSIDE = {"TERM": "xterm-256color"}


def test_the_clipboard_gets_the_text_and_tells_what_it_left_out():
    sequence, left = terminal_writing.clipboard("grüße\x1b[2J", OUTSIDE)
    assert sequence.startswith("\x1b]52;c;")
    assert sequence.endswith("\x07")
    assert base64.b64decode(sequence[7:-1]).decode() == "grüße\x1b[2J"
    assert left == 0
    long = "ü" * 40_000
    sequence, left = terminal_writing.clipboard(long, OUTSIDE)
    taken = base64.b64decode(sequence[7:-1]).decode()
    assert long.startswith(taken)
    assert len(taken.encode()) + left == 80_000
    assert len(taken.encode()) <= terminal_writing.CLIPBOARD_LIMIT


def test_tmux_and_screen_hand_sequences_on():
    plain, _ = terminal_writing.clipboard("text", OUTSIDE)
    tmux, _ = terminal_writing.clipboard("text", {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "screen"})
    assert tmux == "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    screen, _ = terminal_writing.clipboard("text" * 1000, {"STY": "1.pts", "TERM": "screen"})
    pieces = screen.split("\x1b\\")[:-1]
    assert all(piece.startswith("\x1bP") for piece in pieces)
    assert max(map(len, pieces)) <= terminal_writing.SCREEN_PIECE + 2
    whole, _ = terminal_writing.clipboard("text" * 1000, OUTSIDE)
    assert "".join(piece[2:] for piece in pieces) == whole


@pytest.mark.parametrize(
    ("kind", "sequence"),
    [
        ("off", ""),
        ("bell", "\x07"),
        ("osc9", "\x1b]9;dev/a: approve it, now\x07"),
        ("osc777", "\x1b]777;notify;kagents;dev/a: approve it, now\x07"),
    ],
)
def test_a_notification_is_as_configured(kind, sequence):
    assert terminal_writing.notice(kind, "dev/a: approve it; now", OUTSIDE) == sequence


def test_no_text_ends_a_sequence_and_starts_another():
    for sequence in (
        terminal_writing.title("a\x07\x1b]52;c;eA==\x07"),
        terminal_writing.notice("osc9", "a\x07\x1b]52;c;eA==\x1b\\\x9c\nb", OUTSIDE),
    ):
        assert sequence.count("\x1b") == 1
        assert sequence.count("\x07") == 1
        assert "\x9c" not in sequence
        assert "\n" not in sequence


# Calls


@pytest.fixture
def said(monkeypatch):
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return []


def team_with(*needs, uid="u1"):
    import dataclasses

    return dataclasses.replace(project(data.teams(NOW)[0]), uid=uid, key=("dev", uid), needs=needs)


def gate(event):
    return Need("gate", clean(f"approve {event}"), clean("w"), event=event)


def test_each_thing_is_told_once_and_only_while_nobody_looks(said):
    calls = Calls(said.append, "osc9")
    calls.look([team_with(gate("one"))], NOW, silent=True)
    assert said == []
    for _ in range(3):
        calls.look([team_with(gate("one"), gate("two"))], NOW, silent=False)
    assert said == ["\x1b]9;dev/u1: approve two\x07"]
    calls.look([], NOW, silent=False)
    calls.look([team_with(gate("one"), gate("two"))], NOW, silent=False)
    assert len(said) == 1


def test_what_nobody_must_decide_is_not_told(said):
    calls = Calls(said.append, "osc9")
    failed = Need("failed", clean("it failed"), clean(""))
    mail = Need("mail", clean("mail unread"), clean("lead"), NOW - timedelta(hours=1))
    calls.look([team_with(failed, mail)], NOW, silent=False)
    assert said == []


def test_many_at_once_are_counted_and_a_bell_rings_once(said):
    many = [team_with(gate("g"), uid=f"u{number}") for number in range(9)]
    Calls(said.append, "osc9").look(many, NOW, silent=False)
    assert said[0].count("\x1b]9;") == 4
    assert "6 more need you" in said[0]
    said.clear()
    Calls(said.append, "bell").look(many, NOW, silent=False)
    assert said == ["\x07"]
    said.clear()
    Calls(said.append, "off").look(many, NOW, silent=False)
    assert "".join(said) == ""


def test_the_title_changes_only_when_the_count_does(said):
    calls = Calls(said.append, "off")
    for count in (0, 0, 2, 2, 0):
        calls.count(count)
    assert said == ["\x1b]0;kagents\x07", "\x1b]0;2 need you - kagents\x07", "\x1b]0;kagents\x07"]
