"""Small steps of a team are written together; what a person must see is written at once."""

import asyncio
import copy
from typing import Any

import pytest

from kagents_controller.pacing import STEP_SECONDS, TURN_SECONDS, Pacing

OWNER = ("AgentTeam", "ns", "demo")
PREPARING = {
    "type": "Prepared",
    "status": "False",
    "reason": "Preparing",
    "message": "",
    "lastTransitionTime": "1",
}
PREPARED = {
    "type": "Prepared",
    "status": "True",
    "reason": "Prepared",
    "message": "",
    "lastTransitionTime": "2",
}
HEALTHY = {"type": "AgentsHealthy", "status": "True", "reason": "AsExpected", "message": ""}
STATUS: dict[str, Any] = {
    "phase": "Running",
    "ready": "1/2",
    "observedGeneration": 1,
    "lead": {"phase": "Running", "podName": "demo-lead-1", "attempt": 0, "restartCount": 0},
    "teammates": [
        {"name": "a", "phase": "Running", "podName": "demo-a-1", "attempt": 0, "restartCount": 0},
        {"name": "b", "phase": "Pending", "podName": "demo-b-1", "attempt": 0, "restartCount": 0},
    ],
    "conditions": [PREPARING, HEALTHY],
}


def changed(**fields: Any) -> dict[str, Any]:
    return copy.deepcopy(STATUS) | fields


def mate(number: int, **fields: Any) -> dict[str, Any]:
    status = copy.deepcopy(STATUS)
    status["teammates"][number] |= fields
    return status


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        (mate(1, phase="Running") | {"ready": "2/2"}, STEP_SECONDS),
        (mate(0, phase="Completed"), STEP_SECONDS),
        (changed(conditions=[PREPARED, HEALTHY]), STEP_SECONDS),
        (mate(0, phase="Idle"), TURN_SECONDS),
        (changed(phase="Completed"), 0.0),
        (mate(0, phase="Failed"), 0.0),
        (mate(1, phase="Waiting"), 0.0),
        (mate(1, pendingApproval="spawn-b"), 0.0),
        (mate(1, message="its volumes are not ready"), 0.0),
        (mate(0, podName="demo-a-2", attempt=1, restartCount=1), 0.0),
        (changed(observedGeneration=2), 0.0),
        (changed(conditions=[PREPARING | {"message": "hub: no such repository"}, HEALTHY]), 0.0),
        (changed(conditions=[PREPARING, HEALTHY | {"status": "False", "message": "a: no image"}]), 0.0),
        (changed(notifications=[{"id": "1", "event": "spawn-b", "state": "sent"}]), 0.0),
        (changed(), 0.0),
        (None, 0.0),
    ],
)
def test_only_small_steps_wait(wanted: Any, seconds: float) -> None:
    assert Pacing(lambda: 100.0).wait(OWNER, STATUS, wanted) == pytest.approx(seconds)


def test_a_step_waits_from_when_it_was_noticed_and_further_ones_do_not_prolong_it() -> None:
    now = [0.0]
    pacing = Pacing(lambda: now[0])
    assert pacing.wait(OWNER, STATUS, mate(0, phase="Idle")) == TURN_SECONDS
    now[0] = 1.0
    assert pacing.wait(OWNER, STATUS, mate(0, phase="Idle")) == TURN_SECONDS - 1.0
    assert pacing.wait(OWNER, STATUS, mate(0, phase="Completed")) == 0.0, "a step waits less than a turn"
    pacing.settled(OWNER)
    assert pacing.wait(OWNER, STATUS, mate(0, phase="Completed")) == pytest.approx(STEP_SECONDS)


async def test_agents_that_start_together_are_told_together(world: Any, simple: Any) -> None:
    world.apply(simple(*({"name": f"m{number}"} for number in range(6))))
    await world.until(lambda: world.status().get("phase") == "Initializing")
    await world.quiet()
    before = len(world.writes())
    for agent in ("hub", "lead", *(f"m{number}" for number in range(6))):
        world.set_phase(agent, "Running")
        await asyncio.sleep(0.01)
    await world.until(lambda: world.status()["ready"] == "6/6")
    assert world.status()["phase"] == "Running"
    assert len(world.writes()) - before <= 4
