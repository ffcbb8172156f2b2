"""agents, gates, mail, tasks, usage, pulse: what the terminal shows of teams, as tables and for programs."""

from datetime import UTC, datetime

import pytest

from kagents_tui.sample import data
from kagents_tui.sample.journal import journal

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
HOSTILE = "a\x1b]0;owned\x07\x1b[2J\u009b31m\u202eb"


@pytest.fixture
def told(with_team, make):
    """The team's hub tells the sample journal as often as it is asked."""
    with_team.answers = [(make.entries(*journal(NOW)), 0)] * 4
    return with_team


def ids(ran):
    return [row["id"] for row in ran.json()]


def test_agents_tell_after_whom_they_start_and_behind_which_gate(with_team, kagents):
    lead, drafter = kagents("agents", "q3-report", "-o", "json").json()
    assert (lead["agent"], lead["gates"]) == ("lead", [])
    assert (drafter["gates"], drafter["dependsOn"]) == (["spawn-email-drafter"], [])
    wide = kagents("agents", "-A", "-o", "wide").out
    assert "AFTER" in wide.splitlines()[0]
    assert "spawn-email-drafter" in wide


def test_gates(with_team, kagents):
    assert kagents("gates", "-A", "-o", "name").out.splitlines() == [
        "q3-report/spawn-email-drafter",
        "q3-report/finish",
    ]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), ["m0", "m1", "m4", "m2", "m3"]),
        (("--state", "unread"), ["m2", "m3"]),
        (("--state", "waiting"), ["m3"]),
        (("--state", "seen", "--from", "lead"), ["m0", "m1"]),
        (("--to", "team-lead"), ["m4"]),
        (("--kind", "task_assignment"), ["m0"]),
        (("--search", "postgres|TOKEN"), ["m1", "m3"]),
        (("--search", "assigned task 2"), ["m0"]),
    ],
)
def test_mail_is_filtered(told, kagents, filters, found):
    assert ids(kagents("mail", "q3-report", *filters, "-o", "json")) == found


def test_mail_tells_for_how_long_nobody_has_looked(told, kagents):
    heading, *rows = kagents("mail", "q3-report", "-o", "wide").out.splitlines()
    assert [word for word in ("UNREAD", "DELIVERED", "SEEN") if word not in heading] == []
    assert "waiting" in rows[-1]


def test_mail_in_threads(told, kagents):
    first, second = kagents("mail", "q3-report", "--threads", "-o", "json").json()
    assert (first["between"], first["messages"], first["unread"]) == (["lead", "backend-api"], 4, 2)
    assert (first["last"]["id"], first["unreadSince"]) == ("m3", "2026-11-21T14:03:00.000Z")
    assert (second["between"], second["unread"]) == (["backend-api", "team-lead"], 0)
    assert "PostgreSQL 16" in kagents("mail", "q3-report", "--threads").out


def test_a_bad_expression_is_one_sentence(with_team, kagents):
    ran = kagents("mail", "q3-report", "--search", "[")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "'['" in ran.err


def test_tasks_tell_where_they_stand_and_who_else_claimed_them(told, kagents):
    tasks = {task["id"]: task for task in kagents("tasks", "q3-report", "-o", "json").json()}
    assert {key: task["place"] for key, task in tasks.items()} == {
        "1": "completed",
        "2": "in progress",
        "3": "blocked",
        "4": "in progress",
    }
    assert (tasks["4"]["takenFrom"], tasks["2"]["blocks"], tasks["3"]["waitsFor"]) == (["lead"], ["3"], ["2"])
    assert tasks["4"]["since"] == "2026-11-21T14:01:40.000Z"
    assert [each["owner"] for each in tasks["4"]["history"]] == ["", "lead", "backend-api"]
    assert "ALSO CLAIMED" in kagents("tasks", "q3-report").out


def test_the_history_of_tasks_is_in_the_order_of_time(told, kagents):
    changes = kagents("tasks", "q3-report", "--history", "-o", "json").json()
    assert [change["at"] for change in changes] == sorted(change["at"] for change in changes)
    assert [change["owner"] for change in changes if change["id"] == "4"] == ["", "lead", "backend-api"]


def test_usage_by_agent_and_model(told, kagents):
    rows = kagents("usage", "q3-report", "-o", "json").json()
    assert [(row["agent"], row["costMicros"], row["requests"]) for row in rows] == [
        ("backend-api", 710_000, 6),
        ("lead", 620_000, 4),
        ("lead", 90_000, 1),
    ]
    assert " $0.7100" in kagents("usage", "q3-report").out


def test_usage_that_no_gateway_has_counted_is_marked(with_team, kagents, make):
    guessed = [entry | {"estimated": True} if "costMicros" in entry else entry for entry in journal(NOW)]
    with_team.answers = [(make.entries(*guessed), 0)]
    assert "~$0.7100" in kagents("usage", "q3-report").out


@pytest.mark.parametrize(
    "verb", [("mail",), ("mail", "--threads"), ("tasks",), ("tasks", "--history"), ("usage",)]
)
def test_nothing_in_a_table_commands_a_terminal(verb, with_team, kagents, make):
    text = {"text": HOSTILE, "summary": HOSTILE, "from": HOSTILE, "model": HOSTILE}
    poisoned = [entry | {key: value for key, value in text.items() if key in entry} for entry in journal(NOW)]
    for entry in poisoned:
        if isinstance(entry.get("task"), dict):
            entry["task"] = entry["task"] | {"subject": HOSTILE, "owner": HOSTILE}
    with_team.answers = [(make.entries(*poisoned), 0)]
    out = kagents(verb[0], "q3-report", *verb[1:]).out
    assert "owned" in out
    assert not set(out.replace("\n", "")) & {*map(chr, range(32)), *map(chr, range(127, 160)), "\u202e"}


def test_a_name_and_everywhere_do_not_go_together(with_team, kagents):
    assert kagents("tasks", "q3-report", "-A").code == 2


def test_the_pulse_of_the_cluster_asks_no_team(with_team, kagents, make):
    from kagents_core.api.resources import AGENT_TEAMS

    for team in data.teams(NOW):
        with_team.add(AGENT_TEAMS, team)
    counted = kagents("pulse", "-o", "json").json()
    assert (counted["teams"], counted["phases"]["Running"], counted["states"]["working"]) == (8, 5, 5)
    assert counted["oldestWaiting"]["team"] == "auth-refactor"
    assert counted["oldestUnread"] == {
        "since": "2026-11-21T14:01:00Z",
        "namespace": "dev-agents",
        "team": "billing-fix",
    }
    assert counted["costMicrosPerHour"] is None
    assert (counted["messages"], counted["messagesPerMinute"]) == (198, None)
    assert kagents("pulse", "-n", "ops-agents", "-o", "json").json()["teams"] == 3
    out = kagents("pulse").out
    assert "mail unread" in out
    assert "spend an hour" not in out, "what flows is known after two looks only"
    assert with_team.executed == []


def test_the_pulse_over_a_time_tells_what_flows(with_team, kagents, monkeypatch, make):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)
        status = with_team.objects["agentteams", "cowork-agents", "q3-report"]["status"]
        status |= {"estimatedCost": "2.00", "usage": {"requests": 30}, "messages": 12}

    moments = iter([datetime(2026, 11, 21, 14, 0, tzinfo=UTC), datetime(2026, 11, 21, 14, 1, tzinfo=UTC)])

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return next(moments, datetime(2026, 11, 21, 14, 1, tzinfo=UTC))

    with_team.objects["agentteams", "cowork-agents", "q3-report"]["status"]["estimatedCost"] = "1.00"
    monkeypatch.setattr("asyncio.sleep", sleep)
    monkeypatch.setattr("kagents_tui.cli.pulse.datetime", Clock)
    counted = kagents("pulse", "--over", "60", "-o", "json").json()
    assert waited == [60]
    assert (counted["costMicrosPerHour"], counted["requestsPerMinute"]) == (60_000_000, 30)
    assert (counted["messages"], counted["messagesPerMinute"]) == (12, 12)


@pytest.mark.parametrize("seconds", ["5", "soon", "99999", "-60"])
def test_a_time_that_is_none_is_refused(seconds, with_team, kagents):
    assert kagents("pulse", "--over", seconds).code == 2
