"""What the recorder makes of its own team's object."""

from kagents_runner.record.teamstate import TeamState


def teammate(name: str, phase: str, **fields: object) -> dict[str, object]:
    return {"name": name, "phase": phase, **fields}


def test_who_has_ended_or_will_never_come_is_not_waited_for() -> None:
    """As the controller writes it: a denied teammate, and one that waits for it, fail without a pod."""
    state = TeamState({"spawn-writer": "writer"})
    teammates = [
        teammate("scout", "Completed", podName="p-1"),
        teammate("writer", "Failed", message="not started: spawn-writer was denied"),
        teammate("printer", "Failed", message="not started: writer will never run"),
        teammate("helper", "Failed", podName="p-2", message="exit code 1"),
        teammate("tester", "Waiting", waitingFor="scout"),
        teammate("runner", "Running", podName="p-3"),
    ]
    state.observed({"status": {"phase": "Running", "teammates": teammates}})
    assert state.never == {"scout", "writer", "printer", "helper"}
    assert {name: found["waitingFor"] for name, found in state.teammates.items()} == {
        "scout": None,
        "writer": "denied",
        "printer": "denied",
        "helper": None,
        "tester": "scout",
        "runner": None,
    }
