"""Rows of agents, runs, templates and events; malformed objects never raise."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui import describe
from kagents_tui.rows import objects, team_agents, teams
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.symbols import ASCII
from kagents_tui.sample import data, others

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SCENE = Scene(NOW, ASCII)
TEAMS = {team.name: team for team in map(teams.project, data.teams(NOW))}


def shown(columns, row):
    return {column.title: column.cell(row, SCENE).text for column in columns}


def agents(name):
    return {agent.key[2]: agent for agent in team_agents.agents_of(TEAMS[name])}


def test_agents_are_those_of_the_manifest_the_lead_first():
    found = team_agents.agents_of(TEAMS["auth-refactor"])
    assert next(agent.key for agent in found) == ("dev-agents", "auth-refactor", "lead")
    assert [agent.place for agent in found] == list(range(len(found)))
    assert {agent.role for agent in found} == {"lead", "teammate"}


def test_a_gate_and_a_question_need_a_person():
    drafter = agents("q3-report")["email-drafter"]
    assert drafter.gate == "spawn-email-drafter"
    assert team_agents.needs_person(drafter, NOW)
    assert shown(team_agents.COLUMNS, drafter)["ACTIVITY"] == "approve spawn-email-drafter"
    asking = agents("auth-refactor")["backend-api"]
    assert shown(team_agents.COLUMNS, asking)["ACTIVITY"].startswith("asks: ")


def test_agents_that_need_a_person_come_first():
    found = sorted(
        (agent for team in TEAMS.values() for agent in team_agents.agents_of(team)),
        key=lambda agent: team_agents.order(agent, NOW),
    )
    needed = [team_agents.needs_person(agent, NOW) for agent in found]
    assert needed == sorted(needed, reverse=True)
    assert any(needed)
    assert not all(needed)


def test_a_run():
    run = objects.run_of(others.runs(NOW)[0])
    cells = shown(objects.RUNS, run)
    assert (cells["TEMPLATE"], cells["PHASE"], cells["COST"], cells["AGE"]) == (
        "docs-team",
        "Running",
        "$2.07",
        "1h",
    )


def test_runs_that_have_ended_come_last():
    found = sorted(map(objects.run_of, others.runs(NOW)), key=lambda run: objects.run_order(run, NOW))
    assert [run.phase for run in found] == ["Running", "Completed", "Failed"]


def test_a_template_that_cannot_be_run_says_why():
    found = [shown(objects.TEMPLATES, objects.template_of(each)) for each in others.templates(NOW)]
    assert [(each["READY"], each["TEAMMATES"]) for each in found] == [("yes", "3"), ("yes", "2"), ("no", "4")]
    assert found[2]["DESCRIPTION"] == "agent-3 depends on nobody known"


def test_events_are_those_about_objects_of_kagents():
    found = [objects.told_of(each) for each in others.events(NOW)]
    assert [each is None for each in found] == [False, False, False, True]
    latest = sorted(filter(None, found), key=lambda told: objects.told_order(told, NOW))
    assert [each.reason for each in latest] == ["WaitingForApproval", "TeamCreated", "AgentFailed"]
    assert shown(objects.EVENTS, latest[0])["OBJECT"] == "team/q3-report"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "metadata",
                        "spec",
                        "status",
                        "lead",
                        "teammates",
                        "activity",
                        "involvedObject",
                        "name",
                    ),
                    *(
                        "apiVersion",
                        "conditions",
                        "templateRef",
                        "labels",
                        "count",
                        "series",
                        "unread",
                        "agent",
                    ),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (objects.run_of, objects.RUNS),
        (objects.template_of, objects.TEMPLATES),
        (
            lambda source: objects.told_of(
                source | {"involvedObject": {"apiVersion": others.API, "name": source.get("spec"), "kind": 7}}
            ),
            objects.EVENTS,
        ),
    ],
)
@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "series", "count"]), VALUES))
def test_a_malformed_object_never_raises(make, columns, source):
    row = make(source)
    assert shown(columns, row)
    assert objects.search_text(row) is not None
    for column in columns:
        if column.sort is not None:
            assert column.sort(row) == column.sort(row)
    assert describe.describe_object(source, [], NOW)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), VALUES))
def test_agents_of_a_malformed_team_never_raise(source):
    for agent in team_agents.agents_of(teams.project(source)):
        assert shown(team_agents.COLUMNS, agent)
        assert team_agents.order(agent, NOW)
        assert team_agents.search_text(agent)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (objects.RUNS, list(map(objects.run_of, others.runs(NOW)))),
        (objects.TEMPLATES, list(map(objects.template_of, others.templates(NOW)))),
        (objects.EVENTS, list(filter(None, map(objects.told_of, others.events(NOW))))),
        (team_agents.COLUMNS, [agent for team in TEAMS.values() for agent in team_agents.agents_of(team)]),
        (teams.COLUMNS, list(TEAMS.values())),
    ],
)
def test_every_titled_column_can_be_sorted_by(columns, rows):
    for column in columns:
        if column.title:
            assert column.sort is not None, column.title
            assert sorted(rows, key=column.sort)


def test_a_description_has_fields_conditions_and_events():
    source = others.templates(NOW)[2]
    event = {"type": "Warning", "reason": "Refused", "message": "no\x1b[2J", "lastTimestamp": None}
    text = describe.describe_object(source, [event], NOW)
    for words in ("AgentTeamTemplate", "incident-team", "Ready: False", "agent-3 depends", "Refused"):
        assert words in text
    assert "\x1b" not in text


def test_the_whole_object_is_kept_for_views_of_it():
    source = others.runs(NOW)[0]
    source["metadata"]["managedFields"] = [1]
    kept = objects.run_of(orjson.loads(orjson.dumps(source))).object()
    assert "managedFields" not in kept["metadata"]
    assert kept["spec"] == source["spec"]
