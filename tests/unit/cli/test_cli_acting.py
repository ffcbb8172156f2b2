"""approve, deny, kill, delete, suspend, resume, send, wait, apply: what they do, and what they refuse."""

import os
import pty
from types import SimpleNamespace

import pytest

from kagents_core.api.resources import AGENT_TEAM_RUNS, NAMESPACES
from kagents_core.kube.errors import Unreachable

ANNOTATION = "approved.claude.amcheste.io/spawn-email-drafter"


def stored(cluster, name="q3-report"):
    return cluster.objects["agentteams", "cowork-agents", name]


@pytest.mark.parametrize(("verb", "value"), [("approve", "true"), ("deny", "false")])
def test_the_one_waiting_gate_needs_no_name(verb, value, with_team, kagents):
    ran = kagents(verb, "q3-report")
    assert ran.code == 0
    assert ran.out.startswith("spawn-email-drafter of cowork-agents/q3-report ")
    assert stored(with_team)["metadata"]["annotations"] == {ANNOTATION: value}


def test_a_gate_ahead_can_be_decided_by_name(with_team, kagents):
    assert kagents("approve", "q3-report", "finish").code == 0


def test_a_decision_stands(with_team, kagents):
    kagents("approve", "q3-report")
    ran = kagents("deny", "q3-report", "spawn-email-drafter")
    assert ran.code == 4
    assert "was approved before" in ran.err
    assert stored(with_team)["metadata"]["annotations"] == {ANNOTATION: "true"}


def test_an_unknown_gate_is_refused_with_the_known_ones(with_team, kagents):
    ran = kagents("approve", "q3-report", "spawn-nobody")
    assert ran.code == 3
    assert "its gates: spawn-email-drafter, finish" in ran.err
    assert ran.err.count("\n") == 1


def test_no_gate_waits(with_team, kagents):
    stored(with_team)["status"]["teammates"] = []
    assert kagents("approve", "q3-report").code == 3


def test_two_waiting_gates_need_a_name(with_team, kagents):
    stored(with_team)["status"]["conditions"] = [
        {"type": "GatesPassed", "reason": "WaitingForApproval", "message": "waiting for approval: finish"}
    ]
    ran = kagents("approve", "q3-report")
    assert ran.code == 4
    assert "spawn-email-drafter, finish" in ran.err


def test_a_change_in_between_is_looked_at_again(with_team, kagents):
    with_team.conflicts = 2
    assert kagents("approve", "q3-report").code == 0


def test_a_team_that_always_changes_is_not_decided(with_team, kagents):
    with_team.conflicts = 100
    assert kagents("approve", "q3-report").code == 4


@pytest.mark.parametrize("verb", ["kill", "delete"])
def test_what_ends_work_is_not_done_without_a_terminal_or_yes(verb, with_team, kagents):
    ran = kagents(verb, "q3-report")
    assert ran.code == 4
    assert "agentteam cowork-agents/q3-report" in ran.err
    assert "cancel" not in stored(with_team)["spec"]


def test_kill_cancels_and_delete_deletes_that_object(with_team, kagents):
    assert kagents("kill", "q3-report", "--yes").code == 0
    assert stored(with_team)["spec"]["cancel"] is True
    assert kagents("delete", "q3-report", "-y").code == 0
    assert with_team.deleted == [("q3-report", "uid-q3-report")]


@pytest.mark.parametrize(("answer", "done"), [("yes\n", True), ("y\n", True), ("\n", False), ("no\n", False)])
def test_the_question_is_answered_on_the_terminal(answer, done, with_team, monkeypatch, capsys):
    from kagents_tui.cli import main

    master, slave = pty.openpty()
    with open(os.ttyname(slave), encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        os.write(master, answer.encode())
        code = main(["kill", "q3-report"])
    os.close(master)
    os.close(slave)
    assert (code == 0) is done
    assert stored(with_team)["spec"].get("cancel", False) is done
    assert "agentteam cowork-agents/q3-report (Running)" in capsys.readouterr().err


def test_suspend_and_resume(with_team, kagents):
    assert kagents("suspend", "q3-report").code == 0
    assert stored(with_team)["spec"]["suspend"] is True
    assert kagents("resume", "q3-report").code == 0
    assert stored(with_team)["spec"]["suspend"] is False


@pytest.mark.parametrize("verb", ["suspend", "resume", "approve"])
def test_a_team_that_has_ended_is_left_alone(verb, with_team, kagents):
    stored(with_team)["status"]["phase"] = "Completed"
    ran = kagents(verb, "q3-report")
    assert ran.code == 4
    assert "has ended already (Completed)" in ran.err


def test_runs_are_named_with_their_kind(cluster, kagents, make):
    cluster.add(AGENT_TEAM_RUNS, make.team("nightly"))
    assert kagents("kill", "run/nightly", "-y").code == 0
    assert kagents("kill", "template/nightly", "-y").code == 2
    assert kagents("kill", "pod/nightly", "-y").code == 2


def test_send_gives_the_text_to_the_hub_alone(with_team, kagents):
    with_team.answers = [([(1, b'{"id":"msg-1"}\n')], 0)] * 2
    ran = kagents("send", "q3-report", "lead", "Use Monday's numbers; $(id)")
    assert ran.code == 0
    assert "msg-1" in ran.out
    assert with_team.executed == [["kagents-runner", "send", "--to", "lead"]]
    assert with_team.sessions[0].received == b"Use Monday's numbers; $(id)"
    assert with_team.sessions[0].closed
    assert kagents("send", "q3-report", "lead", stdin="zwölf\n".encode()).code == 0
    assert with_team.sessions[1].received == "zwölf\n".encode()


def test_send_refuses(with_team, kagents, make):
    assert kagents("send", "q3-report", "nobody", "x").code == 3
    assert kagents("send", "q3-report", "lead", "  ").code == 4
    assert kagents("send", "q3-report", "lead", stdin=b"x" * 300_000).code == 4
    with_team.answers = [([(2, b"there is no agent lead\x1b[2J\n")], 64)]
    ran = kagents("send", "q3-report", "lead", "x")
    assert ran.code == 4
    assert "there is no agent lead" in ran.err
    assert "\x1b" not in ran.err
    with_team.objects["pods", "cowork-agents", "q3-report-hub-12345"]["status"] = make.ENDED
    assert "does not run" in kagents("send", "q3-report", "lead", "x").err


@pytest.mark.parametrize(
    "answer",
    [
        ([(2, b"killed")], 137),
        ([Unreachable("The exec stream ended before the command did.")], 0),
        ([], None),
    ],
    ids=["a signal", "the stream broke off", "no exit code"],
)
def test_a_hub_that_ends_meanwhile_may_have_taken_the_message(with_team, kagents, answer):
    with_team.answers = [answer]
    ran = kagents("send", "q3-report", "lead", "x")
    assert ran.code == 4
    assert "not known; look at the mail before trying again" in ran.err


def event(kind, obj):
    return SimpleNamespace(type=kind, object=obj)


def test_wait_for_a_phase(with_team, kagents, make):
    with_team.steps = [event("BOOKMARK", {}), event("MODIFIED", make.team(phase="Completed"))]
    assert kagents("wait", "q3-report").code == 0


def test_wait_ends_when_the_goal_is_out_of_reach(with_team, kagents, make):
    failed = make.team(phase="Failed", conditions=[{"type": "Succeeded", "message": "lead failed"}])
    with_team.steps = [event("MODIFIED", failed)]
    ran = kagents("wait", "q3-report", "--for=Completed")
    assert ran.code == 1
    assert ran.err == "kagents wait: q3-report ended as Failed: lead failed\n"


def test_wait_runs_out_of_time(with_team, kagents):
    ran = kagents("wait", "q3-report", "--for=Completed", "--timeout=1s")
    assert ran.code == 6
    assert "its phase is Running" in ran.err


def test_wait_for_gates_conditions_and_the_end(with_team, kagents):
    assert kagents("wait", "q3-report", "--for=gate").code == 0
    assert kagents("wait", "q3-report", "--for=gate=spawn-email-drafter").code == 0
    stored(with_team)["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    assert kagents("wait", "q3-report", "--for=condition=Ready=False").code == 0
    with_team.steps = [event("DELETED", {})]
    assert kagents("wait", "q3-report", "--for=delete").code == 0
    assert kagents("wait", "q3-report", "--for=condition=Other").code == 3
    assert kagents("wait", "nobody").code == 3
    assert kagents("wait", "nobody", "--for=delete").code == 0


@pytest.mark.parametrize("arguments", [("--for=Done",), ("--timeout=2 hours",), ("--for=condition=",)])
def test_wait_refuses_words_it_does_not_know(arguments, with_team, kagents):
    ran = kagents("wait", "q3-report", *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1


GOOD = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: demo}
spec: {harness: simulated, workspace: {}, lead: {prompt: x}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: data}
data: {a: b}
"""
BAD = GOOD.replace("lead: {prompt: x}", "lead: {prompt: x}, lifecycle: {timeout: 2 hours, budgetLimit: '0'}")


def test_apply_from_standard_input(cluster, kagents):
    ran = kagents("apply", "-f", "-", "-n", "dev", stdin=GOOD.encode())
    assert ran.code == 0
    assert ran.out.splitlines() == ["configmap/data created", "agentteam.claude.amcheste.io/demo created"]
    assert [each["metadata"]["namespace"] for each in cluster.applied] == ["dev", "dev"]
    assert "configured" in kagents("apply", "-f", "-", "-n", "dev", stdin=GOOD.encode()).out


def test_nothing_is_applied_when_a_document_is_wrong(cluster, kagents, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(BAD)
    (tmp_path / "note.txt").write_text("not a manifest: [")
    ran = kagents("apply", "-f", str(tmp_path))
    assert ran.code == 4
    lines = ran.err.splitlines()
    assert len(lines) == 2
    assert all(f"{tmp_path}/b.yaml: AgentTeam demo: spec.lifecycle." in line for line in lines)
    assert cluster.applied == []


def test_apply_dry_run_asks_no_server(cluster, kagents):
    ran = kagents("apply", "--dry-run", "-f", "-", stdin=GOOD.encode())
    assert "demo valid" in ran.out
    assert not hasattr(cluster, "choice")


def test_apply_makes_missing_namespaces_when_asked(cluster, kagents):
    kagents("apply", "-f", "-", "-n", "fresh", "--create-namespace", stdin=GOOD.encode())
    assert ("namespaces", None, "fresh") in cluster.objects
    cluster.add(NAMESPACES, {"metadata": {"name": "old"}})
    before = len(cluster.applied)
    kagents("apply", "-f", "-", "-n", "old", "--create-namespace", stdin=GOOD.encode())
    assert len(cluster.applied) == before + 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", "twice"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n", "use kubectl"),
        ("kind: AgentTeam\nmetadata: {name: x}\nspec: {}\n", "apiVersion"),
        ("apiVersion: v1\nkind: Secret\n", "a name is required"),
        (GOOD.replace("{name: demo}", "{name: demo, namespace: other}"), "but -n says dev"),
        ("", "nothing to apply"),
    ],
)
def test_apply_refuses(text, says, cluster, kagents):
    ran = kagents("apply", "-f", "-", "-n", "dev", stdin=text.encode())
    assert ran.code in (1, 4)
    assert says in ran.err
    assert cluster.applied == []


def test_apply_of_a_missing_file(cluster, kagents, tmp_path):
    ran = kagents("apply", "-f", str(tmp_path / "no.yaml"))
    assert ran.code == 4
    assert "No such file" in ran.err


def test_an_unreachable_server_is_one_line(with_team, kagents):
    with_team.unreachable = True
    ran = kagents("approve", "q3-report")
    assert (ran.code, ran.err) == (5, "kagents approve: no answer\n")


def test_a_missing_team(cluster, kagents):
    for verb in ("approve", "kill", "suspend", "describe", "tail", "logs"):
        ran = kagents(verb, "nobody")
        assert ran.code == 3, verb
        assert ran.err == f'kagents {verb}: agentteams "nobody" not found\n'


def test_the_gate_of_another_team_object_is_never_decided(with_team):
    import asyncio

    from kagents_tui import acts

    with pytest.raises(acts.ActError, match="made again"):
        asyncio.run(acts.approve(with_team, "cowork-agents", "q3-report", uid="older"))
