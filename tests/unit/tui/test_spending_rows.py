"""Rows of budgets and costs: what stands in which cell, what comes first, and which of two sources counts."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.cli import tables
from kagents_tui.journal.usage import Ledger
from kagents_tui.journal_view import JournalView
from kagents_tui.rows import agents, budgets, costs, team_agents, usage
from kagents_tui.rows.attention import needs_of
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.fields import line
from kagents_tui.rows.symbols import ASCII
from kagents_tui.rows.teams import cost_cell, project
from kagents_tui.sample import data, others

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SCENE = Scene(NOW, ASCII)


def cells(columns: Any, row: Any) -> dict[str, str]:
    return {column.title: str(column.cell(row, SCENE).text) for column in columns if column.title}


def team(name: str = "docs-sweep", **usage: Any) -> dict[str, Any]:
    found = next(each for each in data.teams(NOW) if each["metadata"]["name"] == name)
    found = copy.deepcopy(found)
    found["status"].setdefault("usage", {}).update(usage)
    return found


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────


def test_the_worst_budget_comes_first_and_says_why() -> None:
    rows = sorted(map(budgets.budget_of, others.budgets(NOW)), key=lambda row: budgets.order(row, NOW))
    assert [(row.name, row.state) for row in rows] == [
        ("abroad", "invalid"),
        ("sprint", "exceeded"),
        ("marketing", "80 %"),
        ("nightly", "ok"),
    ]
    shown = cells(budgets.COLUMNS, rows[1])
    assert (shown["SPENT"], shown["USED"], shown["THEN"], shown["ENDS IN"]) == (
        "$21.40/20",
        "107%",
        "block",
        "9d",
    )
    assert "no further agent" in shown["WHY"]


def test_estimated_spending_is_marked_and_tokens_have_their_limit() -> None:
    nightly = cells(budgets.COLUMNS, budgets.budget_of(others.budgets(NOW)[2]))
    assert (nightly["SPENT"], nightly["TOKENS"], nightly["USED"]) == ("~$0.61", "152.5k/2.0M", "7%")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(spec=JUNK, status=JUNK, conditions=JUNK)
def test_malformed_objects_are_rows_all_the_same(spec: Any, status: Any, conditions: Any) -> None:
    told = {"conditions": conditions, "usage": status, "periodEnd": spec}
    source = {"metadata": {"name": "x"}, "spec": spec, "status": told}
    cells(budgets.COLUMNS, budgets.budget_of(source))
    cells(costs.COLUMNS, costs.of_record(source))
    usage.told(source)


# ── costs ────────────────────────────────────────────────────────────────────────────────────────


def record(source: dict[str, Any], cost: int) -> dict[str, Any]:
    made = copy.deepcopy(others.usages(NOW)[0])
    made["spec"] |= {"uid": source["metadata"]["uid"], "costMicros": cost, "team": source["metadata"]["name"]}
    return made


def test_a_team_that_lives_hides_its_record_until_it_is_gone() -> None:
    living, recorded = costs.Source(), costs.Source()
    alive = project(team())
    assert recorded.take({("dev-agents", "r"): costs.of_record(record(team(), 1))}) == {alive.uid}
    assert living.take({alive.key: costs.of_team(alive)}) == {alive.uid}
    shown = living.of(alive.uid) or recorded.of(alive.uid)
    assert shown is not None
    assert shown.record is None
    assert living.take({alive.key: None}) == {alive.uid}
    assert living.of(alive.uid) is None
    kept = recorded.of(alive.uid)
    assert kept is not None
    assert kept.cost == 1
    assert recorded.take({("dev-agents", "r"): None}) == {alive.uid}
    assert recorded.of(alive.uid) is None


def test_another_team_of_the_same_name_is_another_row() -> None:
    living = costs.Source()
    first, second = team(), team()
    second["metadata"]["uid"] = "another"
    living.take({("dev-agents", "docs-sweep"): costs.of_team(project(first))})
    touched = living.take({("dev-agents", "docs-sweep"): costs.of_team(project(second))})
    assert touched == {first["metadata"]["uid"], "another"}
    assert living.of(first["metadata"]["uid"]) is None


def test_a_team_that_cost_nothing_has_no_row() -> None:
    free = team(requests=5)
    del free["status"]["estimatedCost"]
    assert costs.of_team(project(free)) is None


@pytest.mark.parametrize(
    ("estimated", "cost", "counted"), [(False, "$2.07", "metered"), (True, "~$2.07", "estimated")]
)
def test_metered_and_estimated_can_be_told_apart(estimated: bool, cost: str, counted: str) -> None:
    source = project(team(estimated=estimated))
    row = costs.of_team(source)
    assert row is not None
    shown = cells(costs.COLUMNS, row)
    assert (shown["COST"], shown["COUNTED"]) == (cost, counted)
    assert str(cost_cell(source, SCENE).text).startswith(cost)
    assert counted in costs.search_text(row)


def costs_of_agents(source: dict[str, Any], journal: JournalView) -> list[str]:
    return [cells(agents.COLUMNS, each)["COST"] for each in agents.agents_of(source, journal)]


@pytest.mark.parametrize(("estimated", "cost"), [(False, "$0.40"), (True, "~$0.40")])
def test_an_agents_cost_is_marked_where_nobody_metered_it(estimated: bool, cost: str) -> None:
    source = team(estimated=estimated)
    source["status"]["activity"] = [{"agent": "lead", "cost": "0.40"}]
    assert costs_of_agents(source, JournalView())[0] == cost
    assert cells(team_agents.COLUMNS, team_agents.agents_of(project(source))[0])["COST"] == cost
    assert cells_of_cli(source)[0] == cost


def cells_of_cli(source: dict[str, Any]) -> list[Any]:
    [column] = [each for each in tables.AGENTS.columns if each.name == "COST"]
    return [column.text(each, NOW) for each in tables.agents_of(source)]


def test_a_journal_that_is_ahead_says_for_each_agent_whether_it_was_metered() -> None:
    source = team(estimated=False)
    names = [str(each.name) for each in agents.agents_of(source, JournalView())][:2]
    journal = JournalView()
    for number, name in enumerate(names, 1):
        entry = {"kind": "usage", "agent": name, "model": "opus", "costMicros": 300_000}
        journal.apply({"seq": number, "at": "2026-11-21T14:00:00Z", "estimated": number == 1, **entry})
    assert costs_of_agents(source, journal)[:2] == ["~$0.30", "$0.30"]
    assert usage.pace_words(journal.ledger, 1_000_000, SCENE)[0] == "~$0.60 of $1.00 60%"


def test_what_nobody_says_is_metered_counts_as_estimated() -> None:
    silent = team()
    del silent["status"]["usage"]
    assert project(silent).estimated


# ── the team's own view ──────────────────────────────────────────────────────────────────────────


def test_the_status_tells_what_the_journal_no_longer_has() -> None:
    part = {"agent": "lead", "model": "opus", "requests": 3, "inputTokens": 10, "costMicros": 70}
    told = usage.told(team(byModel=[part], estimated=False))
    ledger = Ledger()
    assert [(row.agent, row.cost, row.estimated) for row in usage.rows_of(ledger, told)] == [
        ("lead", 70, False)
    ]
    for _ in range(4):
        ledger.add(line("lead"), {"model": "opus", "costMicros": 20, "at": "2026-11-21T14:00:00Z"})
    assert [row.cost for row in usage.rows_of(ledger, told)] == [80], "the journal is ahead"


def test_the_sum_is_that_of_the_rows() -> None:
    parts = [{"agent": name, "model": "opus", "requests": 1, "costMicros": 5} for name in ("a", "b")]
    assert usage.rows_of(Ledger(), usage.told(team(byModel=parts)))[-1].cost == 10


# ── attention ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["WithinBudgets", "BudgetLeft"])
def test_a_budget_that_holds_a_team_asks_for_attention(kind: str) -> None:
    source = team()
    since = (NOW - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = "AgentBudget sprint allows $20.00 a week: no further agent starts"
    condition = {"type": kind, "status": "False", "message": words, "lastTransitionTime": since}
    source["status"]["conditions"] = [condition]
    needs = [need for need in needs_of(source) if need.kind == "held"]
    assert [(need.text, need.for_person, need.since) for need in needs] == [
        (words, False, NOW - timedelta(minutes=5))
    ]
    condition["status"] = "True"
    assert not [need for need in needs_of(source) if need.kind == "held"]
