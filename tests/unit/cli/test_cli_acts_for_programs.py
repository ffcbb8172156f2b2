"""Acts tell a program what they were done to, as JSON."""

import json

import pytest


@pytest.mark.parametrize("verb", ["suspend", "resume", "kill", "delete"])
def test_what_stops_or_resumes_names_the_object(verb, with_team, kagents):
    uid = with_team.objects["agentteams", "cowork-agents", "q3-report"]["metadata"]["uid"]
    ran = kagents(verb, "q3-report", *(["--yes"] if verb in ("kill", "delete") else []), "-o", "json")
    assert ran.code == 0
    assert json.loads(ran.out) == {
        "done": verb,
        "kind": "AgentTeam",
        "namespace": "cowork-agents",
        "name": "q3-report",
        "uid": uid,
    }


@pytest.mark.parametrize("verb", ["approve", "deny"])
def test_a_decision_names_its_gate(verb, with_team, kagents):
    ran = kagents(verb, "q3-report", "-o", "json")
    assert json.loads(ran.out) == {
        "done": verb,
        "namespace": "cowork-agents",
        "team": "q3-report",
        "gate": "spawn-email-drafter",
    }


def test_a_message_tells_its_id(with_team, kagents):
    with_team.answers = [([(1, b'{"id":"msg-1"}\n')], 0)]
    ran = kagents("send", "q3-report", "lead", "Use Monday's numbers", "-o", "json")
    assert json.loads(ran.out) == {
        "namespace": "cowork-agents",
        "team": "q3-report",
        "to": "lead",
        "message": "msg-1",
    }


def test_what_is_refused_writes_no_document(with_team, kagents):
    ran = kagents("kill", "q3-report", "-o", "json")
    assert (ran.code, ran.out) == (4, "")
