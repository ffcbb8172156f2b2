"""Rows of mail and tasks over all teams: their order, what a filter says of them, how their columns read."""

from datetime import UTC, datetime, timedelta

import pytest

from kagents_tui.filters import FilterError
from kagents_tui.journal_view import JournalView
from kagents_tui.rows import all_mail, all_tasks
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.symbols import UNICODE
from kagents_tui.rows.teams import project
from kagents_tui.sample import data
from kagents_tui.sample.journal import task
from kagents_tui.sample.times import stamp

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SCENE = Scene(NOW, UNICODE)


def team(name, namespace="dev", **labels):
    source = data.team(NOW, namespace, name, "Running", "1/1", age=timedelta(hours=1))
    source["metadata"]["labels"] = labels
    return project(source)


def letters(of, *entries):
    view = JournalView()
    for number, (minute, sender, text) in enumerate(entries, 1):
        written = stamp(NOW - timedelta(minutes=minute))
        told = {"kind": "message", "seq": number, "id": f"m{number}", "from": sender, "to": "b"}
        view.apply(told | {"text": text, "written": written})
    return [each for each in all_mail.letters(of, view.mail).values() if each is not None]


AUTH = letters(team("auth", tier="gold"), (9, "lead", "which schema"), (3, "coder", "done"))
DOCS = letters(team("docs", "ops"), (5, "lead", "which page of auth"))
ALL = [*AUTH, *DOCS]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "all"),
        ("team:auth", [("auth", "m1"), ("auth", "m2")]),
        ("ns:op", [("docs", "m1")]),
        ("team:docs from:coder", []),
        ("from:lead which", [("auth", "m1"), ("docs", "m1")]),
        ("ops/docs", [("docs", "m1")]),
        ("auth", [("auth", "m1"), ("auth", "m2"), ("docs", "m1")]),
        ("!auth", []),
        ("-l tier=gold", [("auth", "m1"), ("auth", "m2")]),
        ("is:unread team:docs", [("docs", "m1")]),
    ],
)
def test_a_filter_knows_message_and_team(text, found):
    matches = all_mail.matcher(text)
    if found == "all":
        assert matches is None
    else:
        assert [each.key[1:] for each in ALL if matches(each)] == found


def test_a_filter_that_cannot_be_read_is_refused():
    with pytest.raises(FilterError, match="no regular expression"):
        all_mail.matcher("team:auth [")


def test_unread_alone():
    matches = all_mail.matcher("", unread=True)
    assert [each.key for each in ALL if matches(each)] == [each.key for each in ALL]


def test_mail_of_all_teams_is_in_the_order_it_was_written():
    ordered = sorted(ALL, key=lambda letter: all_mail.order(letter, NOW))
    assert [each.key[1:] for each in ordered] == [("auth", "m1"), ("docs", "m1"), ("auth", "m2")]


def test_a_message_that_is_forgotten_goes():
    assert all_mail.letters(team("auth"), {"m1": None}) == {("dev", "auth", "m1"): None}


def test_every_row_tells_its_namespace_and_team():
    titles = [column.title for column in all_mail.COLUMNS]
    cells = {
        title: str(column.cell(DOCS[0], SCENE).text)
        for title, column in zip(titles, all_mail.COLUMNS, strict=True)
    }
    assert (cells["NAMESPACE"], cells["TEAM"], cells["AGE"]) == ("ops", "docs", "5m")
    assert (cells["FROM, TO"], cells["STATE"], cells["TEXT"]) == (
        "lead → b",
        "waiting 5m ◆",
        "which page of auth",
    )


def duties(of, *told):
    view = JournalView()
    for number, (minute, entry) in enumerate(told, 1):
        view.apply(entry | {"seq": number, "at": stamp(NOW - timedelta(minutes=minute))})
    return list(all_tasks.duties(of, view.tasks).values())


def test_tasks_in_progress_come_first_the_longest_ahead_and_what_is_done_last():
    first = duties(
        team("auth"),
        (50, task("1", "old work", "completed", "a")),
        (40, task("2", "doing long", "in_progress", "a")),
        (30, task("3", "held up", "pending", "", ["2"])),
        (20, task("10", "later", "pending", "")),
        (20, task("9", "sooner", "pending", "")),
    )
    second = duties(
        team("docs", "ops"),
        (10, task("1", "doing short", "in_progress", "b")),
        (5, task("2", "new work", "completed", "b")),
    )
    ordered = sorted([*first, *second], key=lambda duty: all_tasks.order(duty, NOW))
    assert [str(each.subject) for each in ordered] == [
        "doing long",
        "doing short",
        "held up",
        "sooner",
        "later",
        "new work",
        "old work",
    ]
    assert "ops/docs" in all_tasks.search_text(second[0])
