"""A team's life, told by the rules: each test is one thing that must happen, or must not."""

from dataclasses import replace

import pytest
from world import SETTINGS, World, simple_spec, team

from kagents_core.api.constants import ANNOTATION_EXPORT
from kagents_core.reconcile import NotificationOutcome
from kagents_core.reconcile.rules.gates import UNCONFIRMED


def fresh(*mates: dict, gates: tuple[str, ...] = (), **lifecycle: object) -> World:
    world = World(team(simple_spec(*mates, gates=gates, **lifecycle)))
    world.settle()
    return world


def started(*mates: dict, gates: tuple[str, ...] = (), **lifecycle: object) -> World:
    world = fresh(*mates, gates=gates, **lifecycle)
    world.start_all()
    world.settle()
    return world


def test_everything_that_may_run_is_created_in_the_first_reconcile() -> None:
    world = World(team(simple_spec({"name": "a"}, {"name": "b"})))
    plan = world.step()
    kinds = sorted(m["metadata"]["labels"]["app.kubernetes.io/component"] for m in plan.apply)
    assert kinds == ["a", "b", "hub", "lead", "output", "team"]
    assert world.phase == "Initializing"
    assert world.mate("a")["podName"] in world.pods


def test_running_once_the_hub_is_prepared_and_an_agent_runs() -> None:
    world = fresh({"name": "a"})
    world.run("lead")
    world.settle()
    assert world.phase == "Initializing"
    world.run("hub")
    world.settle()
    assert world.phase == "Running"
    assert [event.reason for event in world.events] == ["Initializing", "Running"]


def test_ready_counts_running_and_completed_teammates() -> None:
    world = fresh({"name": "a"}, {"name": "b"}, {"name": "c"})
    world.run("a")
    world.succeed("b")
    world.settle()
    assert world.raw["status"]["ready"] == "2/3"


def test_a_dependent_starts_only_after_its_dependency_has_completed() -> None:
    world = started({"name": "a"}, {"name": "b", "dependsOn": ["a"]})
    assert world.mate("b")["phase"] == "Waiting"
    assert world.mate("b")["waitingFor"] == "dependsOn: a"
    assert not world.agent_pods("b")
    world.succeed("a")
    world.settle()
    assert len(world.agent_pods("b")) == 1


def test_a_gate_holds_back_until_exactly_true() -> None:
    world = started({"name": "a"}, gates=("spawn-a",))
    assert world.mate("a")["pendingApproval"] == "spawn-a"
    for value in ("True", "yes", "1", ""):
        world.annotate("spawn-a", value)
        world.settle()
        assert not world.agent_pods("a")
    world.annotate("spawn-a", "true")
    world.settle()
    assert len(world.agent_pods("a")) == 1
    assert "pendingApproval" not in world.mate("a")
    assert [e.reason for e in world.events if e.reason in ("ApprovalNeeded", "Approved")] == [
        "ApprovalNeeded",
        "Approved",
    ]


def test_a_gate_is_asked_only_when_dependencies_are_done() -> None:
    world = started({"name": "a"}, {"name": "b", "dependsOn": ["a"]}, gates=("spawn-b",))
    assert "pendingApproval" not in world.mate("b")
    world.succeed("a")
    world.settle()
    assert world.mate("b")["pendingApproval"] == "spawn-b"


def test_denied_means_never_started_and_the_team_completes_without_it() -> None:
    world = started({"name": "a"}, {"name": "b", "dependsOn": ["a"]}, gates=("spawn-a",))
    world.annotate("spawn-a", "false")
    world.settle()
    assert world.mate("a")["phase"] == world.mate("b")["phase"] == "Failed"
    assert "denied" in world.mate("a")["message"]
    world.succeed("lead")
    world.settle()
    assert world.phase == "Completed"
    assert "a, b" in world.condition("Succeeded")["message"]
    assert world.condition("GatesPassed")["reason"] == "Denied"


def test_finish_gate_waits_after_the_last_agent() -> None:
    world = started({"name": "a"}, gates=("finish",))
    world.succeed("a")
    world.succeed("lead")
    world.settle()
    assert world.phase == "Running"
    assert "finish" in world.condition("GatesPassed")["message"]
    world.annotate("finish", "true")
    world.settle()
    assert world.phase == "Completed"


def test_the_webhook_of_a_gate_is_due_until_it_was_sent_and_keeps_its_id() -> None:
    spec = simple_spec({"name": "a"})
    spec["lifecycle"]["approvalGates"] = [
        {"event": "spawn-a", "channel": "webhook", "webhookUrl": "https://hooks.example.com/x"}
    ]
    world = World(team(spec))
    first = world.step()
    assert len(first.effects) == 1
    assert {"event", "team", "namespace", "phase"} <= set(first.effects[0].payload)
    assert world.plan().effects[0].id == first.effects[0].id
    world.outcomes[first.effects[0].id] = NotificationOutcome("failed", 2, world.now, "500 from the receiver")
    plan = world.step()
    assert plan.effects
    assert world.raw["status"]["notifications"][0]["attempts"] == 2
    world.outcomes[first.effects[0].id] = NotificationOutcome("sent", 3, world.now)
    assert not world.step().effects
    world.outcomes.clear()
    assert not world.plan().effects, "what status shows as sent is not sent again by a new controller"


@pytest.mark.parametrize("decided", ["true", "false", None])
def test_a_gates_webhook_of_which_nothing_is_known_does_not_stay_pending(decided: str | None) -> None:
    """Its controller has died before an answer; nobody will send it again."""
    world = started({"name": "a"})
    gate = {"event": "spawn-b", "channel": "webhook", "webhookUrl": "https://hooks.example.com/x"}
    world.raw["spec"]["lifecycle"]["approvalGates"] = [gate]
    world.raw["spec"]["teammates"].append({"name": "b", "prompt": "work"})
    world.settle()
    assert world.raw["status"]["notifications"][0]["state"] == "pending"
    if decided:
        world.annotate("spawn-b", decided)
    else:
        world.raw["spec"]["cancel"] = True
    world.settle()
    [record] = world.raw["status"]["notifications"]
    assert (record["state"], record["message"]) == ("failed", UNCONFIRMED)
    world.outcomes[record["id"]] = NotificationOutcome("sent", 1, world.now)
    world.settle()
    assert world.raw["status"]["notifications"][0]["state"] == "sent", "it was still on its way"
    assert "message" not in world.raw["status"]["notifications"][0]


def test_a_suspended_teams_gate_stays_pending_and_is_told_again() -> None:
    world = started({"name": "a"}, gates=("spawn-a",))
    gate = world.raw["spec"]["lifecycle"]["approvalGates"][0]
    gate |= {"channel": "webhook", "webhookUrl": "https://hooks.example.com/x"}
    world.settle()
    world.raw["spec"]["suspend"] = True
    world.settle()
    assert world.raw["status"]["notifications"][0]["state"] == "pending"
    world.collect()
    world.raw["spec"]["suspend"] = False
    assert [effect.payload["event"] for effect in world.plan().effects] == ["spawn-a"]


def test_timeout_ends_the_team_and_stops_its_agents() -> None:
    world = started({"name": "a"}, timeout="2h")
    assert world.plan().wake_at is not None
    world.pass_time(hours=1, minutes=59)
    assert world.quiet(world.plan())
    world.pass_time(minutes=1)
    world.settle()
    assert world.phase == "TimedOut"
    assert not world.running("a")
    assert not world.running("lead")
    assert world.running("hub"), "the recorder writes its last entries and ends by itself"


def test_a_hub_that_does_not_end_is_removed_after_a_while() -> None:
    world = started({"name": "a"})
    world.raw["spec"]["cancel"] = True
    world.settle()
    world.collect()
    assert world.plan().wake_at == world.now + SETTINGS.hub_linger
    world.pass_time(minutes=3)
    world.settle()
    assert not world.running("hub")


def test_the_end_waits_for_agents_first_and_for_the_hub_then() -> None:
    """Until they are stopped agents spend, which the hub alone can count."""
    world = started({"name": "a"}, ttlSecondsAfterFinished=0)
    world.raw["spec"]["cancel"] = True
    world.carry_out(replace(world.plan(), delete=()))  # the server refuses
    world.pass_time(minutes=3)
    assert not {ref.name for ref in world.plan().delete} & {
        pod["metadata"]["name"] for pod in world.live("hub")
    }
    world.step()
    world.step()
    assert not world.running("hub"), "the agents were told to end, and the hub has had its time"


def test_agents_on_a_lost_node_hold_the_record_for_two_minutes_at_most() -> None:
    world = started({"name": "a"}, ttlSecondsAfterFinished=0)
    world.raw["spec"]["cancel"] = True
    world.step()
    world.succeed("hub")
    assert not world.plan().usage_known
    assert world.plan().delete == (), "nor is the team deleted"
    assert world.plan().wake_at == world.now + SETTINGS.hub_linger
    world.pass_time(minutes=2)
    assert world.plan().usage_known
    world.step()
    assert world.gone


@pytest.mark.parametrize(
    ("spent", "phase"), [("14.99", "Running"), ("15.00", "BudgetExceeded"), ("16.10", "BudgetExceeded")]
)
def test_budget_is_the_reported_cost(spent: str, phase: str) -> None:
    world = started({"name": "a"}, budgetLimit="15.00")
    world.raw["status"]["estimatedCost"] = spent
    world.settle()
    assert world.phase == phase
    assert world.running("a") == (phase == "Running")


def test_a_failed_agent_is_restarted_as_a_new_pod_and_counted() -> None:
    world = started({"name": "a"})
    world.fail("a", "boom")
    world.settle()
    assert len(world.live("a")) == 1
    assert world.mate("a")["restartCount"] == 1
    names = {pod["metadata"]["name"] for pod in world.agent_pods("a")}
    assert len(names) == 2
    assert any(e.reason == "AgentRestarted" and "boom" in e.message for e in world.events)


def test_later_restarts_wait_and_the_last_one_fails_the_team() -> None:
    world = started({"name": "a"}, maxRestarts=2)
    world.fail("a")
    world.settle()
    world.run("a")
    world.fail("a", "boom")
    world.settle()
    assert not world.live("a")
    wake = world.plan().wake_at
    assert wake is not None and wake <= world.now + SETTINGS.restart_delay
    world.now = wake
    world.settle()
    assert world.mate("a")["restartCount"] == 2
    world.run("a")
    world.fail("a", "boom")
    world.settle()
    assert world.phase == "Failed"
    assert "boom" in world.condition("Succeeded")["message"]
    assert not world.running("lead")


def test_a_deleted_pod_is_replaced_only_when_it_is_gone() -> None:
    world = started({"name": "a"})
    pod = world.agent_pods("a")[0]
    pod["metadata"]["deletionTimestamp"] = "now"
    world.settle()
    assert len(world.agent_pods("a")) == 1
    world.collect()
    world.settle()
    assert len(world.live("a")) == 1
    assert world.live("a")[0]["metadata"]["name"] != pod["metadata"]["name"]


def test_a_lead_that_fails_too_often_fails_the_team() -> None:
    world = started({"name": "a"}, maxRestarts=0)
    world.fail("lead", "no credential")
    world.settle()
    assert world.phase == "Failed"
    assert world.condition("Succeeded")["reason"] == "LeadFailed"


def test_suspend_stops_agents_keeps_the_hub_and_resume_is_no_restart() -> None:
    world = started({"name": "a"}, {"name": "b", "dependsOn": ["a"]}, timeout="2h")
    world.raw["spec"]["suspend"] = True
    world.settle()
    assert world.phase == "Suspended"
    world.collect()
    world.settle()
    assert world.running("hub")
    assert not world.agent_pods("a")
    world.pass_time(hours=5)
    world.raw["spec"]["suspend"] = False
    world.settle()
    world.start_all()
    world.settle()
    assert world.phase == "Running", "suspended time does not count towards the timeout"
    assert world.mate("a").get("restartCount", 0) == 0
    assert world.mate("a")["attempt"] == 1
    assert world.mate("b")["phase"] == "Waiting"


def test_resumed_before_the_agents_were_gone_waits_for_them() -> None:
    world = started({"name": "a"})
    world.raw["spec"]["suspend"] = True
    world.settle()
    world.raw["spec"]["suspend"] = False
    world.settle()
    assert world.phase == "Suspended"
    assert len(world.live("a")) == 1
    world.collect()
    world.settle()
    assert world.mate("a").get("restartCount", 0) == 0


def test_cancel_wins_over_suspend_and_is_final() -> None:
    world = started({"name": "a"})
    world.raw["spec"] |= {"suspend": True, "cancel": True}
    world.settle()
    assert world.phase == "Cancelled"
    world.collect()
    world.raw["spec"] |= {"suspend": False, "cancel": False}
    world.settle()
    assert world.phase == "Cancelled"
    assert not world.live("a")


def test_ttl_deletes_the_finished_team() -> None:
    world = started({"name": "a"}, ttlSecondsAfterFinished=60)
    world.succeed("a")
    world.succeed("lead")
    world.succeed("hub")
    world.settle()
    assert world.phase == "Completed"
    assert not world.gone
    wake = world.plan().wake_at
    assert wake is not None
    world.now = wake
    world.step()
    assert world.gone


def test_a_lost_hub_is_replaced() -> None:
    world = started({"name": "a"})
    world.vanish("hub")
    world.settle()
    assert world.running("hub")


def test_why_an_agent_cannot_start_is_said_in_words() -> None:
    world = fresh({"name": "a"})
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "anthropic-api-key" not found'}
    world.live("a")[0]["status"] = {
        "phase": "Pending",
        "containerStatuses": [{"name": "agent", "state": {"waiting": waiting}}],
    }
    world.settle()
    condition = world.condition("AgentsHealthy")
    assert condition["reason"] == "CreateContainerConfigError"
    assert condition["message"] == 'a: secret "anthropic-api-key" not found'
    world.run("a")
    world.settle()
    assert world.condition("AgentsHealthy")["status"] == "True"


def test_an_export_has_a_pod_while_it_is_asked_for_also_after_the_end() -> None:
    world = started({"name": "a"})
    for phase in ("Running", "Suspended", "Completed"):
        world.raw["spec"]["suspend"] = phase == "Suspended"
        if phase == "Completed":
            world.settle()
            world.start_all()
            world.succeed("a")
            world.succeed("lead")
        world.settle()
        world.collect()
        world.settle()
        assert world.phase == phase
        world.raw["metadata"]["annotations"][ANNOTATION_EXPORT] = f"now-{phase}"
        world.settle()
        [pod] = world.live("export")
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert not [volume for volume in spec["volumes"] if "secret" in volume]
        mounts = {m["mountPath"]: m.get("readOnly") for m in spec["containers"][0]["volumeMounts"]}
        assert mounts == {"/kagents": True, "/workspace/output": True, "/tmp": None}
        world.run("export")
        world.settle()
        assert len(world.agent_pods("export")) == 1
        del world.raw["metadata"]["annotations"][ANNOTATION_EXPORT]
        world.settle()
        world.collect()
        assert not world.agent_pods("export")
        world.settle()
        assert world.phase == phase


def test_a_new_wish_to_export_gets_a_new_pod_and_disturbs_none() -> None:
    world = started({"name": "a"})
    world.raw["metadata"]["annotations"][ANNOTATION_EXPORT] = "one"
    world.settle()
    world.raw["metadata"]["annotations"][ANNOTATION_EXPORT] = "two"
    world.settle()
    assert [p["metadata"]["annotations"][ANNOTATION_EXPORT] for p in world.live("export")] == ["one", "two"]
    world.succeed("export")
    world.settle()
    world.collect()
    assert [p["metadata"]["annotations"][ANNOTATION_EXPORT] for p in world.agent_pods("export")] == ["two"]
