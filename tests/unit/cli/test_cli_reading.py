"""get, describe, tail, logs: what is printed, in which form, and never anything a terminal obeys."""

import json

import pytest
import yaml

from kagents_core.api.resources import AGENT_TEAMS, EVENTS
from kagents_core.kube.errors import Unreachable
from kagents_tui.cli.options import note

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\u009b31m\u202eb"
MESSAGE = {
    "seq": 1, "at": "2026-11-21T10:00:00.000Z", "kind": "message", "id": "m1", "from": "lead",
    "to": "email-drafter", "type": "message", "summary": None,
    "text": HOSTILE, "written": "2026-11-21T10:00:00.000Z",
}  # fmt: skip
DELIVERY = {
    "seq": 2,
    "at": "2026-11-21T10:00:01.000Z",
    "kind": "delivery",
    "id": "m1",
    "delivered": "2026-11-21T10:00:01Z",
}
TASK = {
    "seq": 3, "at": "2026-11-21T10:00:02.000Z", "kind": "task", "id": "1", "changed": ["created"],
    "task": {"id": "1", "subject": "Write", "status": "pending", "owner": "lead", "blockedBy": ["2"]},
}  # fmt: skip


def harmless(text):
    return not set(text.replace("\n", "")) & {*map(chr, range(32)), *map(chr, range(127, 160)), "\u202e"}


def test_get_teams_shows_the_columns_of_the_described_system(with_team, kagents, make):
    with_team.add(AGENT_TEAMS, make.team("other", "elsewhere", estimatedCost="1.42", tasks={"completed": 3}))
    ran = kagents("get", "teams", "-A")
    assert ran.code == 0
    heading, *rows = ran.out.splitlines()
    assert heading.split("   ")[0].strip() == "NAMESPACE"
    assert [word for word in ("PHASE", "READY", "TASKS DONE", "COST", "AGE") if word not in heading] == []
    assert [row.split()[:4] for row in rows] == [
        ["cowork-agents", "q3-report", "Running", "1/2"],
        ["elsewhere", "other", "Running", "1/2"],
    ]
    assert "$1.42" in rows[1]


def test_get_teams_keeps_to_the_namespace(with_team, kagents, make):
    with_team.add(AGENT_TEAMS, make.team("other", "elsewhere"))
    assert kagents("get", "teams", "-o", "name").out == "agentteam.claude.amcheste.io/q3-report\n"
    assert kagents("get", "teams", "-n", "elsewhere", "-o", "name").out.endswith("/other\n")
    assert kagents("-n", "elsewhere", "get", "teams", "-o", "name").out.endswith("/other\n")


def test_json_and_yaml_are_the_objects(with_team, kagents, make):
    with_team.add(AGENT_TEAMS, make.team())["metadata"]["managedFields"] = [{"manager": "x"}]
    found = kagents("get", "team", "q3-report", "-o", "json").json()
    assert found["metadata"]["name"] == "q3-report"
    assert "managedFields" not in found["metadata"]
    assert yaml.safe_load(kagents("get", "teams", "-o", "yaml").out)["items"] == [found]


def test_nothing_found_is_said_on_standard_error(cluster, kagents):
    ran = kagents("get", "teams")
    assert (ran.code, ran.out) == (0, "")
    assert "no teams in namespace cowork-agents" in ran.err


def test_gates_and_agents(with_team, kagents):
    gates = kagents("get", "gates", "q3-report", "-o", "json").json()
    assert [(gate["event"], gate["state"]) for gate in gates] == [
        ("spawn-email-drafter", "waiting"),
        ("finish", "ahead"),
    ]
    agents = kagents("get", "agents", "-o", "json").json()
    assert [(agent["team"], agent["agent"], agent["simulated"]) for agent in agents] == [
        ("q3-report", "lead", True),
        ("q3-report", "email-drafter", True),
    ]
    assert "[simulated]" in kagents("get", "agents", "q3-report").out


@pytest.mark.parametrize("what", ["mail", "tasks"])
def test_mail_and_tasks_are_harmless_as_table_and_raw_as_json(what, with_team, kagents, make):
    journal = make.entries(MESSAGE, DELIVERY, TASK | {"task": TASK["task"] | {"subject": HOSTILE}})
    with_team.answers = [(journal, 0), (journal, 0)]
    ran = kagents("get", what, "q3-report")
    assert ran.code == 0
    assert harmless(ran.out)
    assert "␛" in ran.out
    (row,) = kagents("get", what, "q3-report", "-o", "json").json()
    assert row["text" if what == "mail" else "subject"] == HOSTILE
    assert with_team.executed[0] == ["kagents-runner", "tail", "--after", "0"]


def test_mail_has_its_state(with_team, kagents, make):
    with_team.answers = [(make.entries(MESSAGE, DELIVERY), 0)]
    (row,) = kagents("get", "mail", "q3-report", "-o", "json").json()
    assert (row["state"], row["delivered"], row["seen"]) == ("delivered", "2026-11-21T10:00:01Z", None)


def test_tail_prints_entries_raw_as_json_lines(with_team, kagents, make):
    with_team.answers = [(make.entries(MESSAGE, DELIVERY, TASK), 0)]
    ran = kagents("tail", "q3-report", "-o", "json")
    assert ran.lines() == [MESSAGE, DELIVERY, TASK]
    assert ran.out.isascii()


def test_tail_filters_kinds(with_team, kagents, make):
    with_team.answers = [(make.entries(MESSAGE, DELIVERY, TASK), 0)] * 2
    assert [each["kind"] for each in kagents("tail", "q3-report", "--tasks", "-o", "json").lines()] == [
        "task"
    ]
    ran = kagents("tail", "q3-report", "--mail")
    assert len(ran.out.splitlines()) == 2
    assert "lead -> email-drafter" in ran.out
    assert harmless(ran.out)


def test_following_takes_a_broken_stream_up_again_and_ends_with_the_log(
    with_team, kagents, make, monkeypatch
):
    monkeypatch.setattr("kagents_tui.cli.talking._FIRST_WAIT", 0.001)
    pod = with_team.objects["pods", "cowork-agents", "q3-report-hub-12345"]
    monkeypatch.setattr("kagents_tui.journal_stream._ENDING_SECONDS", 0.05)
    monkeypatch.setattr("kagents_tui.journal_stream._LOOK_SECONDS", 0.01)
    with_team.answers = [
        ([*make.entries(MESSAGE), Unreachable("broken")], 0),
        ([*make.entries(MESSAGE | {"seq": 2, "id": "m2"}, {"kind": "live", "seq": 2}),
          lambda: pod.update(status=make.ENDED), Unreachable("broken")], 0),
    ]  # fmt: skip
    log = [MESSAGE, MESSAGE | {"seq": 2, "id": "m2"}, MESSAGE | {"seq": 3, "id": "m3"}]
    with_team.log = b"recorder starts\n" + b"".join(json.dumps(each).encode() + b"\n" for each in log)
    ran = kagents("tail", "q3-report", "-f", "-o", "json")
    assert ran.code == 0
    assert [each["id"] for each in ran.lines()] == ["m1", "m2", "m3"]
    assert with_team.executed[1][3] == "1"
    assert "Trying again" in ran.err


def test_a_finished_team_is_read_from_the_log(with_team, kagents, make):
    with_team.objects["pods", "cowork-agents", "q3-report-hub-12345"]["status"] = make.ENDED
    with_team.log = b"not json\n{broken\n" + b"".join(
        json.dumps(each).encode() + b"\n" for each in (MESSAGE, TASK)
    )
    ran = kagents("tail", "q3-report", "-o", "json", "--after", "0")
    assert [each["seq"] for each in ran.lines()] == [1, 3]
    assert "no longer there" in ran.err
    assert with_team.executed == []


def test_a_team_without_hub_has_no_journal(cluster, kagents, make):
    cluster.add(AGENT_TEAMS, make.team())
    ran = kagents("tail", "q3-report")
    assert ran.code == 3
    assert ran.err == "kagents tail: q3-report has no hub, so there is no journal to read now\n"


def test_logs_are_made_safe(with_team, kagents):
    with_team.log = HOSTILE.encode() + "\nzwölf\nlast".encode()
    ran = kagents("logs", "q3-report")
    assert ran.code == 0
    assert harmless(ran.out)
    assert ran.out.splitlines()[1:] == ["zwölf", "last"]


@pytest.mark.parametrize(
    ("agent", "says"), [("nobody", "lead, email-drafter, hub"), ("email-drafter", "no pod yet")]
)
def test_logs_of_an_agent_without_pod(agent, says, with_team, kagents):
    ran = kagents("logs", "q3-report", agent)
    assert ran.code == 3
    assert says in ran.err


def test_events_of_kagents_objects(with_team, kagents):
    for name, about in (("a", "claude.amcheste.io/v1alpha1"), ("b", "apps/v1")):
        metadata = {"name": name, "namespace": "cowork-agents"}
        involved = {"apiVersion": about, "kind": "AgentTeam", "name": "q3-report"}
        with_team.add(
            EVENTS,
            {"metadata": metadata, "involvedObject": involved, "reason": "Running", "message": HOSTILE},
        )
    ran = kagents("get", "events")
    assert len(ran.out.splitlines()) == 2
    assert harmless(ran.out)


def test_describe(with_team, kagents):
    ran = kagents("describe", "q3-report")
    assert ran.code == 0
    assert "q3-report" in ran.out
    assert "email-drafter" in ran.out


def test_the_log_before_a_restart_of_the_recorder_is_read_too(with_team, kagents, make):
    ended = make.ENDED | {"containerStatuses": [{"name": "recorder", "restartCount": 1}]}
    with_team.objects["pods", "cowork-agents", "q3-report-hub-12345"]["status"] = ended
    with_team.previous_log = json.dumps(MESSAGE).encode() + b"\n" + json.dumps(DELIVERY).encode()
    with_team.log = json.dumps(DELIVERY).encode() + b"\n" + json.dumps(TASK).encode() + b"\n"
    ran = kagents("tail", "q3-report", "-o", "json")
    assert ran.lines() == [MESSAGE, DELIVERY, TASK]
    assert ran.err == ""


def test_a_remark_commands_no_terminal(capsys):
    note(f"created namespace {HOSTILE}")
    told = capsys.readouterr().err
    assert told.startswith("kagents: created namespace a")
    assert harmless(told)
