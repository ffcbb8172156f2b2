"""The real kubectl on a container that was restarted, and on a terminal whose size changes."""

import asyncio
import os
import pty
import signal
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.kubectl, pytest.mark.timeout(120)]

LIMIT = 40.0
SCRIPT = """
trap 'exit 0' TERM
[ -e "$HOME/again" ] || { touch "$HOME/again"; echo first; exit 1; }
echo second
while :; do sleep 0.05; done
"""


@pytest.fixture
async def restarted(engine: Any, engine_kubectl: Any) -> Any:
    """kubectl, and the pod ``p`` in its second life."""
    main = {"name": "main", "image": engine.image, "command": ["sh", "-c", SCRIPT]}
    spec = {"restartPolicy": "OnFailure", "terminationGracePeriodSeconds": 5, "containers": [main]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    await engine_kubectl("apply", "-f", "-", stdin=yaml.safe_dump(pod))
    second = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    await engine_kubectl("wait", "pod/p", second, "--timeout=30s")
    running = "--for=jsonpath={.status.containerStatuses[0].ready}=true"
    await engine_kubectl("wait", "pod/p", running, "--timeout=30s")
    return engine_kubectl


async def test_logs_of_now_and_of_before(restarted: Any) -> None:
    kubectl = restarted
    assert await kubectl("logs", "p", "--previous") == "first\n"
    async with kubectl.start("logs", "p", "-f") as following, asyncio.timeout(LIMIT):
        assert await following.stdout.readline() == b"second\n"
    assert await kubectl("logs", "p", "--since=1h", "--tail=1") == "second\n"
    assert await kubectl("logs", "p", "--since-time=2099-01-01T00:00:00Z") == ""
    row = (await kubectl("get", "pod", "p", "--no-headers")).split()
    assert row[1:4] == ["1/1", "Running", "1"]


async def test_a_terminal_that_is_resized(restarted: Any) -> None:
    from termios import tcsetwinsize

    main, other = pty.openpty()
    tcsetwinsize(other, (33, 101))
    script = 'until [ "$(stty size)" = "40 120" ]; do sleep 0.02; done; exit 5'
    process = await asyncio.create_subprocess_exec(
        restarted.program,
        *("exec", "-it", "p", "--", "sh", "-c", f"echo ready; {script}"),
        stdin=other,
        stdout=other,
        stderr=other,
        env={**restarted.environment, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(other)
    try:
        async with asyncio.timeout(LIMIT):
            await shown(main, b"ready")
            tcsetwinsize(main, (40, 120))
            process.send_signal(signal.SIGWINCH)
            assert await process.wait() == 5
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(main)


async def shown(descriptor: int, text: bytes) -> None:
    """Wait until a terminal has shown a text."""
    seen = b""
    os.set_blocking(descriptor, False)
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ready.set)
    try:
        while text not in seen:
            await ready.wait()
            ready.clear()
            try:
                seen += os.read(descriptor, 65536)
            except BlockingIOError:
                continue
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
