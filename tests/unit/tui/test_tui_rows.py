"""Rows of teams, gates, agents, mail and tasks, from objects and journals alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.safetext import clean
from kagents_tui.journal_view import JournalView
from kagents_tui.rows import agents, gates, mail, tasks, teams
from kagents_tui.rows.ages import age, span
from kagents_tui.rows.attention import needs_of, pressing
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.fields import micros, moment
from kagents_tui.rows.symbols import ASCII, UNICODE
from kagents_tui.rows.totals import Totals
from kagents_tui.sample import data

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SCENE = Scene(NOW, UNICODE)


def shown(team):
    return [column.cell(team, SCENE).text for column in teams.COLUMNS if not column.wide]


def by_name(name):
    return next(team for team in map(teams.project, data.teams(NOW)) if team.name == name)


def test_a_team_that_waits_for_approval():
    assert shown(by_name("q3-report")) == [
        "▲",
        "cowork-agents",
        "q3-report",
        "Running",
        "2/3",
        "5/9",
        "$3.80/15",
        "approve spawn-email-drafter",
        "2h",
    ]


def counted(found):
    """As ``Totals.now``, counted from nothing."""
    return (
        len(found),
        sum(team.working for team in found),
        sum(team.cost or 0 for team in found),
        any(team.estimated and team.cost for team in found),
        sum(any(need.for_person and need.counts(NOW) for need in team.needs) for team in found),
    )


@given(st.lists(st.dictionaries(st.sampled_from(range(8)), st.none() | st.sampled_from(range(8)))))
def test_sums_kept_change_by_change_are_as_counting_anew(batches):
    known = [teams.project(each) for each in data.teams(NOW)]
    known[0] = replace(known[0], estimated=True)
    sums, shown_now = Totals(), {}
    for batch in batches:
        changes = {known[place].key: None if now is None else known[now] for place, now in batch.items()}
        sums.take(changes)
        shown_now = {key: team for key, team in (shown_now | changes).items() if team is not None}
        assert sums.now == counted(list(shown_now.values()))
        assert set(sums.people) <= set(shown_now)


def test_what_a_person_must_decide_waits_from_the_beginning():
    needs = [need for each in data.teams(NOW) for need in teams.project(each).needs]
    assert any(need.for_person for need in needs)
    assert all(need.due is None for need in needs if need.for_person)


def test_what_needs_a_person_comes_first():
    order = sorted(map(teams.project, data.teams(NOW)), key=lambda team: teams.order(team, NOW))
    assert [team.name for team in order] == [
        "q3-report",
        "dependency-bump",
        "auth-refactor",
        "billing-fix",
        "docs-sweep",
        "rehearsal",
        "log-triage",
        "api-audit",
    ]


@pytest.mark.parametrize(
    ("name", "glyph", "attention"),
    [
        ("dependency-bump", "✗", "the lead ended with exit code 64: the API key was refused"),
        ("auth-refactor", "▲", "backend-api asks: which database do the integration tests use?"),
        ("billing-fix", "◆", "mail to lead unread 9m"),
        ("docs-sweep", "●", ""),
        ("api-audit", "✓", ""),
        ("log-triage", "‖", ""),
        ("rehearsal", "●", "[simulated]"),
    ],
)
def test_glyph_and_words_of_a_state(name, glyph, attention):
    row = shown(by_name(name))
    assert (row[0], row[7]) == (glyph, attention)


def test_mail_counts_as_stale_only_after_five_minutes():
    team = by_name("billing-fix")
    assert pressing(team.needs, NOW - timedelta(minutes=5)) is None
    assert pressing(team.needs, NOW).kind == "mail"


def test_budget_counts_from_eighty_percent():
    team = data.team(NOW, "a", "b", "Running", "1/1", age=timedelta(hours=1), cost="7.99", budget="10.00")
    assert [need.kind for need in needs_of(team)] == []
    team["status"]["estimatedCost"] = "8.00"
    assert [need.text for need in needs_of(team)] == ["80 % of the budget spent"]


def test_an_ended_team_asks_for_nothing_any_more():
    team = next(each for each in data.teams(NOW) if each["metadata"]["name"] == "q3-report")
    team["status"]["phase"] = "Cancelled"
    assert needs_of(team) == ()


def test_the_gate_at_the_end_of_a_team_waits_too():
    team = data.team(NOW, "a", "b", "Running", "1/1", age=timedelta(hours=1))
    team["spec"]["lifecycle"]["approvalGates"] = [{"event": "finish"}]
    team["status"]["conditions"] = [
        {
            "type": "GatesPassed",
            "status": "False",
            "reason": "WaitingForApproval",
            "message": "waiting for: finish",
        }
    ]
    assert [need.event for need in needs_of(team)] == ["finish"]


def test_what_was_asked_and_has_not_happened_is_told():
    team = next(each for each in data.teams(NOW) if each["metadata"]["name"] == "docs-sweep")
    team["spec"]["cancel"] = True
    assert shown(teams.project(team))[3] == "Cancelling"


def test_gates_across_teams_and_the_story_to_decide_on():
    found = gates.gates_of(map(teams.project, data.teams(NOW)))
    assert [(gate.team.name, gate.event, gate.teammate) for gate in found] == [
        ("q3-report", "spawn-email-drafter", "email-drafter")
    ]
    story = gates.gate_story(found[0].team.object(), found[0].event)
    for fact in (
        "cowork-agents/q3-report",
        "5f3c-cowork-agents-q3-report",
        "email-drafter (sonnet)",
        "researcher",
        "$3.80 of $15.00 so far",
        "Draft follow-up emails for all Q3 prospects.",
    ):
        assert fact in story


def test_who_decides_is_told_what_was_only_estimated():
    team = gates.gates_of(map(teams.project, data.teams(NOW)))[0].team.object()
    team["status"].setdefault("usage", {})["estimated"] = True
    assert "~$3.80 of $15.00 so far" in gates.gate_story(team, "spawn-email-drafter")
    team["status"]["usage"]["estimated"] = False
    assert " $3.80 of $15.00 so far" in gates.gate_story(team, "spawn-email-drafter")


def view_of_sample():
    view = JournalView()
    for entry in [*data.journal(NOW), {"kind": "live", "seq": 99}]:
        view.apply(entry)
    return view


def test_agents_join_the_object_and_the_journal():
    team = by_name("auth-refactor").object()
    rows = [
        [column.cell(agent, SCENE).text for column in agents.COLUMNS]
        for agent in agents.agents_of(team, view_of_sample())
    ]
    assert rows == [
        ["●", "lead", "working", "reviewing task 2", "", "", "1 unread 7m ◆", "", "$0.71", ""],
        [
            "▲",
            "backend-api",
            "asks",
            "which database do the integration tests use?",
            "",
            "",
            "1 unread 1m",
            "",
            "$0.71",
            "",
        ],
        ["○", "test-coverage", "waiting", "for backend-api", "", "", "", "", UNICODE.dash, ""],
    ]


def test_a_scripted_agent_is_marked():
    team = by_name("rehearsal").object()
    assert {agents.origin(agent, SCENE).text for agent in agents.agents_of(team, JournalView())} == {
        "[simulated]"
    }


def test_mail_tells_how_far_it_has_come():
    view = view_of_sample()
    assert [(mail.route(m, SCENE).text, mail.state(m, SCENE).text) for m in view.mail.values()] == [
        ("lead → backend-api", "read 0.5s"),
        ("lead → backend-api", "read 0.8s"),
        ("backend-api → team-lead", "read 0.2s"),
        ("backend-api → lead", "unread 6m ◆"),
        ("lead → backend-api", "waiting 1m"),
    ]


def test_tasks_in_progress_come_first_and_say_what_blocks_them():
    found = sorted(view_of_sample().tasks.values(), key=tasks.order)
    assert [[column.cell(task, SCENE).text for column in tasks.COLUMNS] for task in found] == [
        ["● doing", "2", "OAuth2 endpoints", "backend-api", ""],
        ["● doing", "4", "Write the migration note", "backend-api", "◆ also lead"],
        ["○ todo", "3", "Integration tests", "after #2", ""],
        ["✓ done", "1", "Remove the JWT middleware", "backend-api", ""],
    ]


def test_ascii_glyphs_are_ascii():
    scene = Scene(NOW, ASCII)
    for team in map(teams.project, data.teams(NOW)):
        assert "".join(column.cell(team, scene).text for column in teams.COLUMNS).isascii()


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = (
    "teammates",
    "activity",
    "conditions",
    "tasks",
    "lead",
    "lifecycle",
    "harness",
    "phase",
    "estimatedCost",
)


@given(
    spec=st.dictionaries(st.sampled_from(FIELDS), json, max_size=6),
    status=st.dictionaries(st.sampled_from(FIELDS), json, max_size=6),
)
def test_no_object_breaks_a_row_and_no_control_reaches_a_cell(spec, status):
    team = teams.project({"metadata": {"namespace": "a", "name": "b"}, "spec": spec, "status": status})
    rows = [team], gates.gates_of([team]), agents.agents_of(team.object(), JournalView())
    for columns, items in zip((teams.COLUMNS, gates.COLUMNS, agents.COLUMNS), rows, strict=True):
        for item in items:
            for column in columns:
                text = column.cell(item, SCENE).text
                assert clean(text, multiline=False) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.84, "0.8s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (12000, "3h20m"),
        (36000, "10h"),
        (172800, "2d"),
        (-5, "0s"),
    ],
)
def test_spans(seconds, text):
    assert span(timedelta(seconds=seconds)) == text


def test_unknown_times_and_amounts_are_empty():
    assert age(NOW, None) == ""
    assert moment("yesterday") is None
    assert moment(7) is None
    assert [micros(value) for value in ("1.42", "30", "", "-1", "1,5", None, "٣")] == [
        1_420_000,
        30_000_000,
    ] + [None] * 5
