"""A part that crashes is started again and shown."""

import asyncio

import pytest

from kagents_local import parts as module
from kagents_local.parts import Parts


async def test_a_crash_is_shown_and_followed_by_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    runs = 0
    seen: list[tuple[str, int, str | None]] = []
    third = asyncio.Event()

    def changed() -> None:
        state = parts.as_json()["kubelet"]
        seen.append((state["state"], state["restarts"], state["lastError"]))

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ExceptionGroup("group", [ValueError("broken")])
        if runs == 3:
            third.set()
            await asyncio.Event().wait()

    parts = Parts(changed)
    task = asyncio.create_task(parts.keep("kubelet", part))
    async with asyncio.timeout(10):
        await third.wait()
    assert seen == [
        ("restarting", 1, "ValueError: broken"),
        ("running", 1, "ValueError: broken"),
        ("restarting", 2, "it ended by itself"),
        ("running", 2, "it ended by itself"),
    ]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
