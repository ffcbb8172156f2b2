"""Rows of the team's views: the tree, mail and its filter, threads, cards of the board, money, the pulse."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.filters import FilterError
from kagents_tui.journal_view import JournalView
from kagents_tui.rows import agents, mail, pulse, tasks, usage
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.counting import POINTS, SAMPLE, Series, Session, count
from kagents_tui.rows.curves import bar, growth, spark
from kagents_tui.rows.symbols import ASCII, UNICODE
from kagents_tui.rows.teams import project
from kagents_tui.rows.threads import Threads
from kagents_tui.sample import data

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SCENE = Scene(NOW, UNICODE)


@pytest.fixture
def view() -> JournalView:
    found = JournalView()
    for entry in data.journal(NOW):
        found.apply(entry)
    return found


def named(*teammates):
    return {
        "metadata": {"name": "t", "annotations": {"approved.claude.amcheste.io/spawn-b": "true"}},
        "spec": {
            "lead": {"model": "opus"},
            "teammates": [{"name": name, "dependsOn": list(before)} for name, *before in teammates],
            "lifecycle": {"approvalGates": [{"event": "spawn-b"}]},
        },
        "status": {},
    }


def drawn(team):
    found = agents.tree(agents.agents_of(team, JournalView()))
    return [str(agents.name_cell(each, SCENE).text) for each in found]


def test_agents_stand_below_whom_they_wait_for_the_last_to_start():
    team = named(("a",), ("b", "a"), ("c", "a", "b"), ("d",))
    assert drawn(team) == ["lead", "├ a", "│ └ b", "│   └ c", "└ d"]
    found = agents.tree(agents.agents_of(team, JournalView()))
    assert agents.after_cell(found[3], SCENE).text == "after a b"
    assert agents.gate_cell(found[2], SCENE).text == "✓ spawn-b"


@pytest.mark.parametrize(
    "teammates",
    [
        [("a", "b"), ("b", "a")],
        [("a", "a")],
        [("a", "nobody")],
        [("a", "b", "c"), ("b", "c"), ("c", "a")],
        [(f"n{index}", f"n{index - 1}") for index in range(200)],
    ],
)
def test_every_agent_is_in_the_tree_once_whatever_a_manifest_says(teammates):
    found = agents.tree(agents.agents_of(named(*teammates), JournalView()))
    assert sorted(each.key for each in found) == sorted(["lead", *(name for name, *_ in teammates)])
    assert found[0].key == "lead"


def kept(view, text, **more):
    matches = mail.matcher(text, **more)
    return [each.key for each in view.mail.values() if matches is None or matches(each)]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ["m0", "m1", "m4", "m2", "m3"]),
        ("from:lead", ["m0", "m1", "m3"]),
        ("from:lead to:team", []),
        ("to:lead", ["m4", "m2"]),
        ("kind:task", ["m0"]),
        ("kind:idle", ["m4"]),
        ("is:unread", ["m2", "m3"]),
        ("is:waiting", ["m3"]),
        ("is:read from:lead", ["m0", "m1"]),
        ("from:lead postgres", ["m3"]),
        ("!postgres is:unread", ["m2"]),
        ("END.*INTEGRATION", ["m2"]),
        ("from:", []),
    ],
)
def test_mail_is_filtered_by_who_kind_state_and_words(view, text, keys):
    assert kept(view, text) == keys


def test_only_unread_mail_and_a_bad_expression(view):
    assert kept(view, "", unread=True) == ["m2", "m3"]
    with pytest.raises(FilterError, match="no regular expression"):
        mail.matcher("[")


def test_a_message_leads_to_its_task_and_to_whom_an_answer_goes(view):
    assert mail.task_named(view.mail["m0"], view.tasks) == "2"
    assert mail.task_named(view.mail["m1"], view.tasks) == "2"
    assert mail.task_named(view.mail["m3"], view.tasks) is None
    assert mail.other_party(view.mail["m2"], ["lead", "backend-api"]) == "backend-api"
    assert mail.other_party(view.mail["m4"], ["lead"]) is None
    assert mail.answer_summary(view.mail["m1"]) == "Re: Task 2"


def test_threads_follow_every_change(view):
    threads = Threads()
    found = threads.apply(dict(view.mail))
    both = found["backend-api", "lead"]
    assert (both.count, both.unread, both.last.key) == (4, 2, "m3")
    assert both.oldest_unread == view.mail["m2"].written
    changes = view.watch()
    changes.take()
    view.apply({"kind": "seen", "seq": 900, "id": "m2", "seen": "2026-11-21T14:09:30Z"})
    (changed,) = threads.apply(changes.take().mail).values()
    assert (changed.unread, changed.oldest_unread) == (1, view.mail["m3"].written)
    assert threads.apply({"m4": None}) == {("backend-api", "team-lead"): None}
    assert list(threads.between) == [("backend-api", "lead")]


def test_cards_stand_where_they_belong_and_tell_double_claims(view):
    cards = {card.task.key: card for card in tasks.cards_of(view.tasks)}
    assert {key: card.place for key, card in cards.items()} == {
        "1": "completed",
        "2": "in progress",
        "3": "blocked",
        "4": "in progress",
    }
    assert (cards["3"].waits_for, cards["2"].blocks) == (("2",), ("3",))
    assert tasks.card_detail(cards["4"], SCENE).text == "8m ◆ also lead, backend-api"
    view.apply({"kind": "task", "seq": 900, "id": "2", "task": None})
    assert {card.task.key: card.place for card in tasks.cards_of(view.tasks)}["3"] == "pending"


def test_a_task_tells_its_history(view):
    text = tasks.whole_task(view.tasks["4"], view.tasks, SCENE)
    assert "claimed     by backend-api now, by lead before" in text
    assert "doing claimed by lead" in text
    assert "claimed by backend-api while lead had it" in text
    assert "blocked by  #2 OAuth2 endpoints (doing)" in tasks.whole_task(view.tasks["3"], view.tasks, SCENE)


def test_money_by_agent_and_model_and_their_sum(view):
    rows = usage.rows_of(view.ledger)
    assert [(str(each.agent), each.cost) for each in rows] == [
        ("backend-api", 710_000),
        ("lead", 620_000),
        ("lead", 90_000),
        ("all", 1_420_000),
    ]
    assert usage.tokens(950) == "950"
    assert usage.tokens(999_999) == "1.0M"


def test_the_pace_says_as_much_as_there_is_room_for(view):
    wide = str(usage.pace(view.ledger, 30_000_000, SCENE, 90).text)
    assert wide.endswith("$1.42 of $30.00 4% $6.23/h lasts 4h35m")
    assert len(usage.pace(view.ledger, 30_000_000, SCENE, 40).text) <= 40
    assert usage.pace(view.ledger, 30_000_000, SCENE, 5).text == "$1.42 of $30.00 4%"
    spent = usage.pace(view.ledger, 1_000_000, SCENE, 90)
    assert (spent.tone, "142%" in spent.text) == ("bad", True)
    assert "no budget" in usage.pace(view.ledger, None, SCENE, 90).text
    assert usage.pace(JournalView().ledger, 1, SCENE, 90).text == "nothing spent yet"


def test_curves_and_bars():
    assert spark([0, 1, 8], 5, UNICODE.levels) == "▁▂█"
    assert spark([0, 1, 8], 2, ASCII.levels) == ".#"
    assert spark([], 5, UNICODE.levels) == ""
    assert bar(1, 2, 4, UNICODE.levels) == "██▁▁"
    assert (bar(9, 2, 4, UNICODE.levels), bar(1, 0, 2, UNICODE.levels)) == ("████", "▁▁")
    curve = [(NOW - timedelta(minutes=10), 5), (NOW - timedelta(minutes=1), 9)]
    assert growth(curve, NOW, 5) == [5, 0, 0, 0, 4]
    assert growth([], NOW, 2) == [0, 0]


def test_a_curve_of_a_session_becomes_coarser_never_longer():
    series = Series()
    for number in range(5_000):
        series.add(number)
    assert len(series.values) < 2 * POINTS
    assert series.values == sorted(series.values)


def projected():
    return {team.key: team for team in map(project, data.teams(NOW))}


def test_the_cluster_is_counted_from_the_objects_alone():
    counted = count(projected().values())
    assert (counted.teams, counted.phases["Running"], counted.states["working"]) == (8, 5, 5)
    assert (counted.unread, counted.waiting, counted.flow.tasks) == (2, 2, 41)
    assert (counted.flow.messages, counted.flow.requests) == (198, 716)
    assert counted.oldest[2] == ("dev-agents", "auth-refactor")
    assert counted.oldest_unread[1] == ("dev-agents", "billing-fix")


def later(teams, key, minutes, cost):
    source = teams[key].object()
    source["status"]["estimatedCost"] = cost
    return {**teams, key: project(source)}


def test_a_session_counts_what_was_spent_since_it_began():
    session, teams, key = Session(), projected(), ("dev-agents", "docs-sweep")
    session.sample(teams, NOW)
    assert session.rate("spent", timedelta(hours=1)) is None
    session.sample(later(teams, key, 1, "9.99"), NOW + timedelta(seconds=1))
    assert session.flow.spent == 0, "it was counted a second before"
    session.sample(later(teams, key, 1, "2.17"), NOW + timedelta(minutes=30))
    assert session.flow.spent == 100_000
    assert session.rate("spent", timedelta(hours=1)) == 200_000
    young = project(
        data.team(NOW + timedelta(minutes=30), "x", "new", "Running", "1/1", age=timedelta(0), cost="1.00")
    )
    session.sample({**teams, young.key: young}, NOW + timedelta(minutes=31))
    assert session.flow.spent == 1_100_000
    session.sample(teams, NOW + timedelta(minutes=32), scope="another cluster")
    assert (session.flow.spent, session.began) == (0, NOW + timedelta(minutes=32))


KINDS_OF_TEAM = [project(each) for each in data.teams(NOW)]
PLACES = st.integers(0, 4)


@given(st.lists(st.dictionaries(PLACES, st.sampled_from(KINDS_OF_TEAM)), max_size=5))
def test_a_count_that_is_kept_is_as_counting_anew(samples):
    session, began = Session(), NOW
    for number, sample in enumerate(samples):
        teams = {("x", str(place)): replace(team, key=("x", str(place))) for place, team in sample.items()}
        session.sample(teams, began + number * SAMPLE)
        assert session.now == count(teams.values())


def test_messages_and_requests_are_told_by_the_minute():
    session, teams, key = Session(), projected(), ("dev-agents", "docs-sweep")
    session.sample(teams, NOW)
    source = teams[key].object()
    source["status"] |= {"messages": 70, "usage": {"requests": 232}}
    session.sample({**teams, key: project(source)}, NOW + timedelta(minutes=2))
    minute = timedelta(minutes=1)
    assert (session.rate("messages", minute), session.rate("requests", minute)) == (3, 10)
    source["status"]["messages"] = 5
    session.sample({**teams, key: project(source)}, NOW + timedelta(minutes=3))
    assert session.flow.messages == 6, "a figure that falls takes nothing away"
    lines = {each.key: each for each in pulse.gauges(session, NOW + timedelta(minutes=3))}
    shown = lines["messages"]
    assert (str(shown.name), str(shown.value)) == ("messages a minute", "2.0")
    assert str(shown.about) == "139 by agents in all"
    assert len(shown.curve) == 3


def test_the_pulse_leads_to_the_teams_of_a_phase_and_to_the_oldest_duty():
    session = Session()
    session.sample(projected(), NOW)
    lines = {each.key: each for each in pulse.gauges(session, NOW)}
    assert (str(lines["phase Failed"].value), lines["phase Failed"].leads) == ("1", "Failed")
    assert lines["waiting"].leads == ("dev-agents", "auth-refactor")
    assert lines["unread"].leads == ("dev-agents", "billing-fix")
    assert str(lines["rest"].value) == "12"
    assert pulse.gauges(Session(), NOW) == []
