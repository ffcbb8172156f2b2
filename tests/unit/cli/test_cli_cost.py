"""kagents cost, get budgets and get usage: live teams and records together, marked, filtered, as data."""

import csv
import io
import json

import pytest

from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAMS, AGENT_USAGES
from kagents_core.kube.errors import NotFound


def usage(cost, *parts, hours=(), estimated=False):
    return {
        "costMicros": cost,
        "inputTokens": 900,
        "outputTokens": 100,
        "requests": 3,
        "estimated": estimated,
        "byModel": [
            {"agent": agent, "model": model, "costMicros": micros, "inputTokens": 500, "requests": 1}
            for agent, model, micros in parts
        ],
        "hours": [{"hour": hour, "costMicros": micros, "tokens": 10} for hour, micros in hours],
    }


def record(name, uid, spent, **spec):
    return {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentUsage",
        "metadata": {"name": f"{name}-{uid}", "namespace": "cowork-agents", "uid": f"record-{uid}"},
        "spec": {
            "team": name,
            "uid": uid,
            "phase": "Completed",
            "endedAt": "2026-10-31T23:30:00Z",
            "cost": f"{spent['costMicros'] / 1_000_000:.2f}",
            **spent,
            **spec,
        },
    }


@pytest.fixture
def spent(cluster, make):
    live = usage(
        3_000_000,
        ("lead", "claude-opus-4-5", 2_000_000),
        ("writer", "claude-haiku-4-5", 1_000_000),
        hours=(("2026-10-31T23", 1_000_000), ("2026-11-21T10", 2_000_000)),
    )
    alive = make.team("q3-report", usage=live, estimatedCost="3.00")
    alive["metadata"]["labels"] = {"cost-center": "research"}
    cluster.add(AGENT_TEAMS, alive)
    gone = usage(
        500_000, ("lead", "claude-haiku-4-5", 500_000), hours=(("2026-10-31T22", 500_000),), estimated=True
    )
    cluster.add(AGENT_USAGES, record("old-team", "uid-old", gone, labels={"cost-center": "ops"}))
    cluster.add(AGENT_USAGES, record("q3-report", "uid-q3-report", live))
    other = make.team("elsewhere", namespace="dev-agents", estimatedCost="1.00")
    cluster.add(AGENT_TEAMS, other)
    return cluster


def rows(ran):
    assert ran.code == 0, ran.err
    document = ran.json()
    return document["rows"], document["total"]


def test_each_team_counts_once_whether_it_lives_or_is_recorded(spent, kagents):
    found, total = rows(kagents("cost", "-o", "json"))
    assert [(row["team"], row["cost"], row["estimated"]) for row in found] == [
        ("q3-report", "3.00", False),
        ("old-team", "0.50", True),
    ]
    assert (total["costMicros"], total["estimated"], total["teams"]) == (3_500_000, True, 2)


def test_the_table_marks_what_is_estimated_and_says_what_that_means(spent, kagents):
    ran = kagents("cost", "-A")
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == ["NAMESPACE", "TEAM", "PHASE", "REQUESTS", "TOKENS", "COST"]
    assert lines[1] == ["cowork-agents", "q3-report", "Running", "3", "1.0k", "$3.00"]
    assert lines[2][-1] == "~$1.00", "a recorder of an older release told cents alone"
    assert lines[-1][0] == "total"
    assert lines[-1][-1] == "~$4.50"
    assert "estimated from transcripts" in ran.err


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("agent", [("lead", 2_000_000), ("writer", 1_000_000), ("lead", 500_000)]),
        ("model", [("claude-opus-4-5", 2_000_000), ("claude-haiku-4-5", 1_500_000)]),
        ("day", [("2026-11-21", 2_000_000), ("2026-10-31", 1_500_000)]),
        ("month", [("2026-11", 2_000_000), ("2026-10", 1_500_000)]),
    ],
)
def test_other_rows(by, expected, spent, kagents):
    found, _ = rows(kagents("cost", "--by", by, "-o", "json"))
    assert [(row[by], row["costMicros"]) for row in found] == expected


def test_days_are_those_of_the_zone_and_an_hour_counts_where_it_begins(spent, kagents):
    found, _ = rows(kagents("cost", "--by", "day", "--time-zone", "Europe/Berlin", "-o", "json"))
    assert [(row["day"], row["costMicros"]) for row in found] == [
        ("2026-11-21", 2_000_000),
        ("2026-11-01", 1_000_000),
        ("2026-10-31", 500_000),
    ]


def test_since_counts_whole_hours_from_then_on(spent, kagents):
    for start in ("2026-10-31T23:59:00Z", "2026-11-01T01:59:00+02:00"):
        found, total = rows(kagents("cost", "--since", start, "-o", "json"))
        assert [(row["team"], row["costMicros"], row["requests"]) for row in found] == [
            ("q3-report", 3_000_000, None)
        ]
        assert total["requests"] is None
    found, _ = rows(kagents("cost", "--since", "2026-11-01", "-o", "json"))
    assert [row["costMicros"] for row in found] == [2_000_000]


@pytest.mark.parametrize("since", ["1h", "7d", "90m"])
def test_since_takes_durations(since, spent, kagents):
    assert kagents("cost", "--since", since).code == 0


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("cost-center=research", ["q3-report"]), ("cost-center!=research", ["old-team"]), ("missing", [])],
)
def test_labels_choose_teams_and_records_alike(labels, expected, spent, kagents):
    found, _ = rows(kagents("cost", "-l", labels, "-o", "json"))
    assert [row["team"] for row in found] == expected


def test_one_team_and_those_before_it_of_its_name(spent, kagents):
    spent.add(AGENT_USAGES, record("q3-report", "uid-before", usage(250_000)))
    found, _ = rows(kagents("cost", "q3-report", "-o", "json"))
    assert [(row["team"], row["phase"], row["costMicros"]) for row in found] == [
        ("q3-report", "Running", 3_000_000),
        ("q3-report", "Completed", 250_000),
    ]


def test_csv_is_read_back_and_no_cell_is_a_formula(spent, kagents):
    evil = usage(1, ("=HYPERLINK(1)", "@SUM(A1)\x1b[2J", 1))
    spent.add(AGENT_USAGES, record("evil", "uid-evil", evil))
    ran = kagents("cost", "--by", "agent", "-o", "csv")
    read = list(csv.DictReader(io.StringIO(ran.out)))
    assert {row["agent"] for row in read} == {"lead", "writer", "'=HYPERLINK(1)"}
    assert read[0]["costMicros"] == "2000000"
    assert (read[0]["estimated"], read[2]["estimated"]) == ("false", "true")
    models = kagents("cost", "--by", "model", "-o", "csv").out
    assert "\x1b" not in models
    assert "'@SUM" in models


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--since", "soon"), 2, "24h or 7d"),
        (("--since", "7d", "--by", "model"), 2, "--since goes with"),
        (("--time-zone", "Europe/Nowhere"), 2, "IANA"),
        (("--by", "year"), 2, "--help"),
        (("-l", "=x"), 2, ""),
        (("q3-report", "-A"), 2, "do not go together"),
        (("nobody",), 3, "neither a team nobody nor a record"),
    ],
)
def test_what_is_refused(arguments, code, says, spent, kagents):
    ran = kagents("cost", *arguments)
    assert ran.code == code
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""


def test_nothing_spent_is_a_remark_and_no_error(cluster, make, kagents):
    cluster.add(AGENT_TEAMS, make.team())
    ran = kagents("cost")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing was spent in namespace cowork-agents" in ran.err
    assert kagents("cost", "-o", "json").json()["rows"] == []


def test_a_server_without_records_tells_of_the_teams_that_live(spent, kagents, monkeypatch):
    whole = spent.list

    async def without(resource, *arguments, **options):
        if resource is AGENT_USAGES:
            raise NotFound(404, "NotFound", "the server could not find the requested resource")
        return await whole(resource, *arguments, **options)

    monkeypatch.setattr(spent, "list", without)
    ran = kagents("cost", "-o", "json")
    assert [row["team"] for row in ran.json()["rows"]] == ["q3-report"]
    assert "upgrade the chart" in ran.err


# ── get and describe ─────────────────────────────────────────────────────────────────────────────


def monthly(*said, **status):
    conditions = [{"type": kind, "status": "True", "reason": "R", "message": f"{kind}."} for kind in said]
    return {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentBudget",
        "metadata": {
            "name": "monthly",
            "namespace": "cowork-agents",
            "uid": "budget-1",
            "resourceVersion": "7",
            "creationTimestamp": "2026-11-01T00:00:00Z",
        },
        "spec": {"period": "month", "limit": "10.00", "onExceeded": "stop"},
        "status": {"spent": "9.10", "estimated": False, "conditions": conditions, **status},
    }


@pytest.mark.parametrize(
    ("said", "state"),
    [(("Warning",), "80 %"), (("Exceeded", "Warning"), "exceeded"), (("InvalidSpec",), "invalid")],
)
def test_get_budgets(said, state, cluster, kagents):
    cluster.add(AGENT_BUDGETS, monthly(*said, periodEnd="2026-12-01T00:00:00Z"))
    ran = kagents("get", "budgets")
    head, row = ran.out.splitlines()
    assert head.split() == ["NAME", "PERIOD", "SPENT", "LIMIT", "STATE", "THEN", "ENDS", "AGE"]
    assert f"month    $9.10   $10.00   {state}" in row
    assert "2026-12-01T00:00:00Z" in row


def test_a_budget_in_words_and_as_data(cluster, kagents):
    cluster.add(AGENT_BUDGETS, monthly("Exceeded"))
    words = kagents("describe", "budget/monthly").out
    assert "Kind:        AgentBudget" in words
    assert "limit: 10.00" in words
    assert "Exceeded: True" in words
    assert kagents("get", "budget", "monthly", "-o", "json").json()["spec"]["limit"] == "10.00"
    assert kagents("get", "budget", "yearly").code == 3


def test_get_usage_lists_records_the_latest_first(spent, kagents):
    ran = kagents("get", "usage", "-o", "name")
    assert ran.out.splitlines() == [
        "agentusage.claude.amcheste.io/old-team-uid-old",
        "agentusage.claude.amcheste.io/q3-report-uid-q3-report",
    ]
    head, row = kagents("get", "usage", "old-team").out.splitlines()
    assert head.split() == ["TEAM", "PHASE", "COST", "REQUESTS", "ENDED"]
    assert "~$0.50" in row
    assert json.loads(kagents("get", "usage", "-o", "json").out)["kind"] == "List"


def test_a_budget_is_deleted_by_name(cluster, kagents):
    cluster.add(AGENT_BUDGETS, monthly())
    assert kagents("delete", "budget/monthly").code == 4, "there is no terminal to ask on"
    assert kagents("delete", "budget/monthly", "--yes").code == 0
    assert cluster.deleted == [("monthly", "budget-1")]
