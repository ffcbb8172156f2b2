"""attention and answer: what is listed, shown and handed to the hub, and what is refused."""

import json

import pytest

PERMISSION, PLAN, QUESTION = "perm-1-a", "plan_approval-1@worker@q3-report", "perm-2-b"


def request(identity, kind, summary, seq):
    return {"id": identity, "kind": kind, "tool": "Bash", "summary": summary, "seq": seq} | {
        "since": "2026-11-21T00:00:00.000Z"
    }


def asks(cluster, *requests, agent="worker", name="q3-report"):
    """The team's status with what an agent asks."""
    status = cluster.objects["agentteams", "cowork-agents", name]["status"]
    doing = {"agent": agent, "state": "waiting-permission", "requests": list(requests)}
    status.setdefault("activity", []).append(doing)


@pytest.fixture
def asking(with_team):
    asks(with_team, request(PERMISSION, "permission", "Bash: make", 7))
    return with_team


def sent(cluster):
    return json.loads(cluster.sessions[-1].received)


TAKEN = ([(1, b"{}\n")], 0)


def test_attention_lists_what_waits_in_the_order_of_urgency(asking, kagents):
    asks(asking, request(PLAN, "plan", "Move the parser", 8), agent="planner")
    ran = kagents("attention")
    assert ran.code == 0
    head, *rows = ran.out.splitlines()
    assert head.split() == ["TEAM", "KIND", "AGENT", "AGE", "REQUEST", "WHAT"]
    assert [row.split()[1] for row in rows] == ["gate", "plan", "permission"]
    assert PLAN in rows[1] and "Move the parser" in rows[1]


def test_attention_for_programs(asking, kagents):
    ran = kagents("attention", "-A", "-o", "json", "--exit-code")
    assert ran.code == 1
    gate, permission = ran.json()
    assert (gate["kind"], gate["event"], gate["forPerson"]) == ("gate", "spawn-email-drafter", True)
    assert permission == {
        "namespace": "cowork-agents",
        "team": "q3-report",
        "uid": "uid-q3-report",
        "kind": "permission",
        "agent": "worker",
        "what": "Bash: make",
        "since": "2026-11-21T00:00:00+00:00",
        "forPerson": True,
        "request": PERMISSION,
    }


def test_attention_without_anything_says_so(cluster, kagents):
    ran = kagents("attention", "-A", "--exit-code")
    assert (ran.code, ran.out) == (0, "") and "nothing waits for a person in any namespace" in ran.err


def test_attention_goes_by_the_configured_thresholds(with_team, kagents, tmp_path, monkeypatch):
    status = with_team.objects["agentteams", "cowork-agents", "q3-report"]["status"]
    status["teammates"] = []
    status["estimatedCost"] = "6.00"
    with_team.objects["agentteams", "cowork-agents", "q3-report"]["spec"]["lifecycle"]["budgetLimit"] = (
        "10.00"
    )
    assert kagents("attention", "-o", "json").json() == []
    (tmp_path / "config.yaml").write_text("attention: {budgetPercent: 60}\n")
    monkeypatch.setenv("KAGENTS_CONFIG", str(tmp_path / "config.yaml"))
    assert [each["kind"] for each in kagents("attention", "-o", "json").json()] == ["budget"]


def test_answer_without_a_verdict_shows_the_exact_call(asking, kagents, make):
    entry = {
        "kind": "ask",
        "id": PERMISSION,
        "agent": "worker",
        "ask": "permission",
        "tool": "Bash",
        "seq": 7,
    }
    given = {"command": "make\nmake \x1b[2Jinstall"}
    asking.answers = [(make.entries(entry | {"input": given, "cut": False}), 0)]
    ran = kagents("answer", "q3-report", "worker")
    assert ran.code == 0
    assert "command:\n  make\n  make ␛[2Jinstall" in ran.out
    assert asking.executed == [["kagents-runner", "tail", "--after", "6", "--kind", "ask"]]


@pytest.mark.parametrize("named", [PERMISSION, "worker"])
def test_allow_is_handed_to_the_hub_with_who_it_was(asking, kagents, named):
    asking.answers = [TAKEN]
    ran = kagents("answer", "q3-report", named, "--allow")
    assert (ran.code, ran.out) == (0, "permission of worker in cowork-agents/q3-report allowed\n")
    assert asking.executed == [["kagents-runner", "answer"]]
    document = sent(asking)
    assert document.pop("id").isalnum()
    expected = {"agent": "worker", "request": PERMISSION, "allow": True, "by": "ann@example.test"}
    assert document == expected | {"reason": None, "mode": None}


def test_deny_carries_the_reason(asking, kagents):
    asking.answers = [TAKEN]
    ran = kagents("answer", "q3-report", "worker", "--deny", "--reason", "no", "-o", "json")
    assert ran.json()["answer"] == "refused"
    assert (sent(asking)["allow"], sent(asking)["reason"]) == (False, "no")


def test_choices_and_words_go_in_the_order_they_were_given(with_team, kagents):
    asks(with_team, request(QUESTION, "question", "Which?", 7))
    with_team.answers = [TAKEN]
    assert (
        kagents("answer", "q3-report", "worker", "--choose", "1,3", "--say", "green", "--choose", "2").code
        == 0
    )
    assert sent(with_team)["choices"] == [[1, 3], ["green"], [2]] and sent(with_team)["allow"] is True


def test_a_plan_is_approved_with_a_mode(with_team, kagents):
    asks(with_team, request(PLAN, "plan", "Go", 7))
    with_team.answers = [TAKEN]
    assert kagents("answer", "q3-report", PLAN, "--allow", "--mode", "each").code == 0
    assert sent(with_team)["mode"] == "each"


def test_what_the_hub_refuses_is_said_in_its_words(asking, kagents):
    sentence = b"The request perm-1-a of worker was denied by bob before; that stands.\n"
    asking.answers = [([(2, sentence)], 64)]
    ran = kagents("answer", "q3-report", "worker", "--allow")
    assert ran.code == 4 and "was denied by bob before" in ran.err and ran.err.count("\n") == 1


def test_a_request_that_is_not_open_is_told_with_those_that_are(asking, kagents):
    ran = kagents("answer", "q3-report", "perm-9-z", "--allow")
    assert ran.code == 3 and f"open: {PERMISSION} (worker)" in ran.err
    assert asking.executed == []


def test_an_agent_that_asks_twice_needs_the_id(asking, kagents):
    asks(asking, request(QUESTION, "question", "Which?", 9))
    ran = kagents("answer", "q3-report", "worker", "--allow")
    assert ran.code == 4 and f"{PERMISSION}, {QUESTION}" in ran.err


def test_without_a_running_hub_nobody_takes_the_answer(asking, kagents, make):
    asking.objects["pods", "cowork-agents", "q3-report-hub-12345"]["status"] = make.ENDED
    ran = kagents("answer", "q3-report", "worker", "--allow")
    assert ran.code == 4 and "does not run" in ran.err


@pytest.mark.parametrize(
    "options",
    [
        ("--allow", "--deny"),
        ("--deny", "--choose", "1"),
        ("--reason", "x"),
        ("--deny", "--mode", "each"),
        ("--choose", "one"),
        ("--choose", ""),
        ("--say", " "),
        ("--deny", "--reason", ""),
        ("--choose", "1", "--reason", "x"),
        ("--allow", "--mode", "yolo"),
    ],
)
def test_options_that_do_not_go_together_are_refused(asking, kagents, options):
    assert kagents("answer", "q3-report", "worker", *options).code == 2
    assert asking.executed == []
