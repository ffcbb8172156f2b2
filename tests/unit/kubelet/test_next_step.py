"""What the kubelet decides for a pod, as a pure function of its runs and the time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_local.kubelet.decide import Decision, Observed, Start, decide
from kagents_local.kubelet.records import Attempt, Ending, timestamp
from kagents_local.kubelet.settings import KubeletSettings
from kagents_local.kubelet.status import Shown, pod_status

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETTINGS = KubeletSettings("runner")


def pod(*, policy: str = "Always", init: int = 0, main: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
        "spec": {
            "restartPolicy": policy,
            "initContainers": [{"name": f"init{n}", "image": "runner"} for n in range(init)],
            "containers": [{"name": f"main{n}", "image": "runner"} for n in range(main)],
        },
    }


def run(
    code: int | None = None, *, ago: float = 0, number: int = 0, failures: int = 0, interrupted: bool = False
) -> Attempt:
    """A run that lasted a second and ended ``ago`` seconds before now, or one that still runs."""
    finished = NOW - timedelta(seconds=ago)
    started = timestamp(finished - timedelta(seconds=1))
    if code is None:
        return Attempt(number, failures, started)
    ending = Ending(code, started_at=started, finished_at=timestamp(finished), interrupted=interrupted)
    return Attempt(number, failures, started, ending)


def step(observed_pod: dict[str, Any], stopping: str = "", **latest: Attempt) -> Decision:
    return decide(Observed(observed_pod, latest, NOW, stopping), SETTINGS)


def names(decision: Decision) -> list[str]:
    return [start.container for start in decision.start]


def test_init_containers_run_one_after_the_other_before_all_others() -> None:
    wanted = pod(init=2, main=2)
    assert names(step(wanted)) == ["init0"]
    assert names(step(wanted, init0=run())) == []
    assert names(step(wanted, init0=run(0))) == ["init1"]
    assert names(step(wanted, init0=run(0), init1=run(0))) == ["main0", "main1"]
    assert step(wanted, init0=run(0), init1=run()).phase == "Pending"


@pytest.mark.parametrize(
    ("policy", "code", "restarts", "phase"),
    [
        ("Always", 0, True, "Running"),
        ("Always", 1, True, "Running"),
        ("OnFailure", 0, False, "Succeeded"),
        ("OnFailure", 1, True, "Running"),
        ("Never", 0, False, "Succeeded"),
        ("Never", 1, False, "Failed"),
    ],
)
def test_the_restart_policy_decides(policy: str, code: int, restarts: bool, phase: str) -> None:
    decision = step(pod(policy=policy), main0=run(code))
    assert bool(decision.start) is restarts
    assert decision.phase == phase
    assert decision.finished is not restarts


def test_a_failed_init_container_ends_a_pod_that_never_restarts() -> None:
    assert step(pod(policy="Never", init=1), init0=run(3)).phase == "Failed"
    assert names(step(pod(policy="OnFailure", init=1), init0=run(3))) == ["init0"]


def test_waits_double_up_to_the_limit() -> None:
    waits = []
    for failures in range(8):
        decision = step(pod(), main0=run(1, failures=failures))
        waits.append(decision.backing_off.get("main0", 0.0))
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]
    due = step(pod(), main0=run(1, ago=10, number=4, failures=1))
    assert due.start == (Start("main0", 5, 2),)


def test_a_long_run_starts_the_count_over() -> None:
    finished = timestamp(NOW)
    long_ago = timestamp(NOW - timedelta(hours=1))
    attempt = Attempt(9, 7, long_ago, Ending(1, started_at=long_ago, finished_at=finished))
    assert step(pod(), main0=attempt).start == (Start("main0", 10, 1),)


def test_an_interrupted_run_goes_on_at_once_under_every_policy() -> None:
    for policy in ("Always", "OnFailure", "Never"):
        decision = step(pod(policy=policy), main0=run(143, failures=3, interrupted=True))
        assert decision.start == (Start("main0", 1, 3),)
        assert decision.phase == "Running"
    assert step(pod(policy="Never", init=1), init0=run(0, interrupted=True)).phase == "Pending"


def test_a_pod_that_has_to_end_starts_nothing_and_stops_what_runs() -> None:
    decision = step(pod(main=2), "Deleted", main0=run(), main1=run(1))
    assert (decision.start, decision.stop, decision.finished) == ((), ("main0",), False)
    assert step(pod(main=2), "Deleted", main0=run(0), main1=run(1)).finished
    assert step(pod(), "DeadlineExceeded", main0=run(0)).phase == "Failed"


attempts = st.none() | st.builds(
    run,
    st.none() | st.sampled_from([0, 1, 143]),
    ago=st.integers(0, 400),
    failures=st.integers(0, 9),
    interrupted=st.booleans(),
)


@given(
    policy=st.sampled_from(["Always", "OnFailure", "Never"]),
    runs=st.lists(attempts, min_size=3, max_size=3),
    stopping=st.sampled_from(["", "", "Deleted", "DeadlineExceeded"]),
)
def test_laws_of_every_decision(policy: str, runs: list[Attempt | None], stopping: str) -> None:
    wanted = pod(policy=policy, init=1, main=2)
    known = zip(("init0", "main0", "main1"), runs, strict=True)
    latest = {name: attempt for name, attempt in known if attempt is not None}
    observed = Observed(wanted, latest, NOW, stopping)
    decision = decide(observed, SETTINGS)
    running = {name for name, attempt in latest.items() if attempt.ending is None}
    assert not running & set(names(decision)), "nothing runs twice"
    assert set(decision.stop) <= running
    assert not (decision.finished and (running or decision.start or decision.wake_at))
    for start in decision.start:
        assert start.number == (latest[start.container].number + 1 if start.container in latest else 0)
        latest[start.container] = Attempt(start.number, start.failures, timestamp(NOW))
    again = decide(replace(observed, latest=latest), SETTINGS)
    assert not set(names(again)) & set(names(decision)), "what was started is not started again"
    status = pod_status(observed, decision, Shown({}, {}, {}))
    assert status["phase"] == decision.phase
    assert {len(entry["state"]) for entry in status["containerStatuses"]} == {1}


def test_a_crashing_container_shows_its_wait_and_its_last_end() -> None:
    observed = Observed(pod(), {"main0": run(7, failures=2, number=2)}, NOW)
    decision = decide(observed, SETTINGS)
    (container,) = pod_status(observed, decision, Shown({}, {}, {"main0": "id"}))["containerStatuses"]
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["state"]["waiting"]["message"].startswith(
        "back-off 20s restarting failed container=main0"
    )
    assert container["lastState"]["terminated"]["exitCode"] == 7
    assert container["restartCount"] == 2
    assert container["ready"] is False


def test_conditions_keep_their_time_while_they_do_not_change() -> None:
    before = timestamp(NOW - timedelta(hours=1))
    old = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": before}]
    wanted = pod() | {"status": {"conditions": old, "startTime": before}}
    observed = Observed(wanted, {"main0": run()}, NOW)
    status = pod_status(observed, decide(observed, SETTINGS), Shown({}, {}, {}))
    times = {condition["type"]: condition["lastTransitionTime"] for condition in status["conditions"]}
    assert times == {
        "PodScheduled": before,
        "Initialized": timestamp(NOW),
        "ContainersReady": timestamp(NOW),
        "Ready": timestamp(NOW),
    }
    assert all(condition["status"] == "True" for condition in status["conditions"])
    assert status["startTime"] == before
