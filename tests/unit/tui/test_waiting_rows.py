"""The list of what waits for a person, and what is shown of each thing: from objects and journals alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.rows import waiting
from kagents_tui.rows.attention import needs_of
from kagents_tui.rows.peek import ask_story, gate_peek, mail_story, plain_story
from kagents_tui.rows.teams import project
from kagents_tui.sample import data
from kagents_tui.sample.asks import ASK, asked
from kagents_tui.sample.times import stamp
from kagents_tui.settings import Thresholds

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def team(*activity, **more):
    return data.team(NOW, "a", "b", "Running", "1/1", age=timedelta(hours=1), activity=list(activity), **more)


def doing(minutes, **more):
    heard = stamp(NOW - timedelta(minutes=minutes))
    return {"agent": "worker", "state": "working", "since": heard, "heardAt": heard, "task": "3"} | more


def counting(source, thresholds=None):
    found = needs_of(source, thresholds or Thresholds())
    return [need.kind for need in found if need.counts(NOW)]


def test_the_most_urgent_kind_comes_first_and_in_it_what_waits_longest():
    found = waiting.waiting_of(map(project, data.teams(NOW)), NOW)
    assert [(each.kind, each.team.name) for each in found] == [
        ("gate", "q3-report"),
        ("failed", "dependency-bump"),
        ("question", "auth-refactor"),
        ("stale mail", "billing-fix"),
    ]


def test_a_request_is_named_exactly_with_its_team():
    [found] = [e for e in waiting.waiting_of(map(project, data.teams(NOW)), NOW) if e.need.request]
    assert found.need.request.id == ASK
    assert found.key == ("dev-agents", "auth-refactor", found.team.uid, "asks", "backend-api", ASK)
    assert waiting.as_data(found)["request"] == ASK


def test_two_requests_of_an_agent_are_two_things():
    requests = [
        {"id": f"perm-{n}", "kind": kind, "tool": "Bash", "summary": "s", "since": stamp(NOW), "seq": n}
        for n, kind in enumerate(["permission", "plan"])
    ]
    found = waiting.waiting_of([project(team(doing(0, state="waiting-permission", requests=requests)))], NOW)
    assert [each.kind for each in found] == ["plan", "permission"]


def test_an_older_recorder_only_says_that_somebody_asks():
    [need] = needs_of(team(doing(0, state="waiting-permission", detail="Bash: make")))
    assert (need.text, need.request) == ("worker asks: Bash: make", None)


@pytest.mark.parametrize(
    ("activity", "kinds"),
    [
        (doing(10), ["silent"]),
        (doing(9), []),
        (doing(60, state="idle"), ["silent"]),
        (doing(60, task=None), []),
        (doing(60, state="ended"), []),
        (doing(60, heardAt=None), []),
    ],
)
def test_an_agent_is_silent_with_a_task_and_without_a_sign_of_life(activity, kinds):
    assert counting(team(activity)) == kinds


def test_thresholds_are_the_configured_ones():
    late = doing(4, unread=1, oldestUnreadAt=stamp(NOW - timedelta(minutes=4)))
    source = team(late, cost="6.00", budget="10.00")
    assert counting(source) == []
    low = Thresholds(stale_mail_minutes=3, silent_agent_minutes=4, budget_percent=60)
    assert counting(source, low) == ["mail", "silent", "budget"]


def test_changes_take_away_what_asks_no_more():
    before = {each.key: each for each in waiting.waiting_of(map(project, data.teams(NOW)), NOW)}
    [gate] = [key for key, each in before.items() if each.kind == "gate"]
    assert waiting.changes(before, {("cowork-agents", "q3-report"): None}, NOW) == {gate: None}


def test_a_question_shows_its_options_and_what_is_chosen():
    text = ask_story(asked(), [{2}])
    assert "1 [ ] PostgreSQL 16 - the one in compose.yaml" in text and "2 [x] SQLite" in text


def test_a_cut_call_says_that_it_is_cut():
    assert "too long to be shown whole" in ask_story({"ask": "permission", "input": {}, "cut": True})


def test_a_gate_shows_only_what_its_dependencies_produced():
    [gate] = [e for e in waiting.waiting_of(map(project, data.teams(NOW)), NOW) if e.kind == "gate"]
    report = {"kind": "request", "request": "report", "key": "k", "value": "v"}
    done = {"kind": "task", "changed": ["status"], "task": {"id": "1", "status": "completed", "subject": "S"}}
    done["task"]["owner"] = "researcher"
    entries = [report | {"agent": "researcher"}, report | {"agent": "somebody"}, done]
    text = gate_peek(gate, entries)
    assert "researcher reports k: v" in text and "researcher completed task 1: S" in text
    assert "somebody" not in text


@pytest.mark.parametrize(("usage", "told"), [({"estimated": False}, "$1.42 of"), ({}, "~$1.42 of")])
def test_a_cost_that_nobody_metered_is_marked(usage, told):
    source = team(doing(60), cost="1.42", budget="5.00")
    source["status"]["usage"] = usage
    [item] = waiting.waiting_of([project(source)], NOW)
    assert f"cost: {told} $5.00" in plain_story(item)


def test_mail_that_was_looked_at_is_not_shown():
    mail = {"kind": "message", "from": "x", "to": "lead", "type": "message"}
    entries = [
        mail | {"id": "1", "text": "read"},
        mail | {"id": "2", "text": "unread"},
        {"kind": "seen", "id": "1"},
    ]
    assert "unread" in mail_story("lead", entries) and "read\n" not in mail_story(
        "lead", entries[:1] + entries[2:]
    )


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(ANY, st.sampled_from(["permission", "plan", "question", "other"]))
def test_nothing_in_an_entry_makes_the_story_fail(given_, kind):
    ask_story({"ask": kind, "input": given_, "tool": given_, "cut": given_})


@given(ANY)
def test_nothing_in_a_status_makes_the_needs_fail(value):
    needs_of(
        team(
            {
                "agent": value,
                "state": "working",
                "requests": [value, {"id": "x", "kind": "plan", "seq": value}],
            }
        )
    )
