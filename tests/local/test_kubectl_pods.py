"""The real kubectl on pods that run: logs, exec with and without a terminal, exit codes, deletion."""

import asyncio
import os
import pty
import re
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.kubectl, pytest.mark.timeout(120)]

LIMIT = 40.0
LOOP = "trap 'exit 0' TERM; echo started; while :; do sleep 0.05; done"


def pod(image: str, *scripts: str) -> str:
    containers = [
        {"name": f"c{number}", "image": image, "command": ["sh", "-c", script]}
        for number, script in enumerate(scripts)
    ]
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "containers": containers}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})


async def running(kubectl: Any, image: str, *scripts: str) -> None:
    await kubectl("apply", "-f", "-", stdin=pod(image, *scripts))
    await kubectl("wait", "pod/p", "--for=jsonpath={.status.phase}=Running", "--timeout=30s")


async def test_logs(engine: Any, engine_kubectl: Any) -> None:
    kubectl = engine_kubectl
    script = "for i in 1 2 3; do echo line $i; done"
    await kubectl("apply", "-f", "-", stdin=pod(engine.image, script, "echo other"))
    await kubectl("wait", "pod/p", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s")
    assert await kubectl("logs", "p", "-c", "c0") == "line 1\nline 2\nline 3\n"
    assert await kubectl("logs", "p", "-c", "c0", "--tail=1") == "line 3\n"
    assert await kubectl("logs", "p", "-c", "c1", "-f") == "other\n"
    stamped = await kubectl("logs", "p", "-c", "c1", "--timestamps")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\S+Z other\n", stamped)
    assert "line 1" in await kubectl("logs", "p", "--all-containers")
    missing = await kubectl.run("logs", "p", "-c", "nobody")
    assert missing.code == 1
    assert "nobody" in missing.err
    assert "Completed" in await kubectl("get", "pods")
    assert "Started container c0" in await kubectl("describe", "pod", "p")


async def test_following_a_log_ends_with_its_container(engine: Any, engine_kubectl: Any) -> None:
    kubectl = engine_kubectl
    await running(kubectl, engine.image, LOOP)
    async with kubectl.start("logs", "-f", "p") as process, asyncio.timeout(LIMIT):
        assert await process.stdout.readline() == b"started\n"
        await kubectl("delete", "pod", "p")
        await process.communicate()
    assert process.returncode == 0


async def test_exec_passes_both_streams_and_the_exit_code(engine: Any, engine_kubectl: Any) -> None:
    kubectl = engine_kubectl
    await running(kubectl, engine.image, LOOP)
    assert await kubectl("exec", "p", "--", "echo", "hello") == "hello\n"
    ran = await kubectl.run("exec", "p", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (ran.code, ran.out) == (7, "out\n")
    assert ran.err.startswith("err\n")
    assert "exit code 7" in ran.err
    large = "x" * 300_000
    assert await kubectl("exec", "-i", "p", "--", "cat", stdin=large) == large
    assert (await kubectl("exec", "-i", "p", "--", "wc", "-c", stdin=large)).strip() == "300000"
    missing = await kubectl.run("exec", "nobody", "--", "true")
    assert 'pods "nobody" not found' in missing.err


async def test_exec_on_a_terminal(engine: Any, engine_kubectl: Any) -> None:
    kubectl = engine_kubectl
    await running(kubectl, engine.image, LOOP)
    main, other = pty.openpty()
    os.set_blocking(main, False)
    try:
        seen = await typed(kubectl, main, other)
    finally:
        os.close(main)
    assert "33 101" in seen
    assert "said hello" in seen


async def typed(kubectl: Any, main: int, other: int) -> str:
    """What a person sees who types into `kubectl exec -it … sh`; the terminal has 33 rows and 101 columns."""
    from termios import tcsetwinsize

    tcsetwinsize(other, (33, 101))
    script = (
        'while [ "$(stty size)" != "33 101" ]; do sleep 0.02; done; '
        "stty size; read word; echo said $word; exit 3"
    )
    command = ("exec", "-it", "p", "--", "sh", "-c", script)
    process = await asyncio.create_subprocess_exec(
        kubectl.program,
        *command,
        stdin=other,
        stdout=other,
        stderr=other,
        env={**kubectl.environment, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(other)
    seen = ""
    try:
        async with asyncio.timeout(LIMIT):
            seen += await until(main, "33 101")
            os.write(main, b"hello\r")
            seen += await until(main, "said hello")
            assert await process.wait() == 3
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return seen


async def until(descriptor: int, text: str) -> str:
    """Everything that a terminal shows until the text has come."""
    seen = ""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        while text not in seen:
            await ready.wait()
            ready.clear()
            try:
                seen += os.read(descriptor, 65536).decode(errors="replace")
            except BlockingIOError:
                continue
    finally:
        loop.remove_reader(descriptor)
    return seen


async def test_a_whole_team_is_managed_by_kubectl_alone(engine: Any, engine_kubectl: Any) -> None:
    kubectl = engine_kubectl
    team = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: demo, namespace: default}
spec:
  harness: simulated
  workspace: {output: {}}
  lead: {prompt: Lead.}
  teammates:
    - {name: one, prompt: First.}
  lifecycle:
    approvalGates: [{event: spawn-one}]
"""
    await kubectl("apply", "-f", "-", stdin=team)
    gate = "--for=jsonpath={.status.teammates[0].pendingApproval}=spawn-one"
    await kubectl("wait", "agentteam/demo", gate, "--timeout=30s")
    await kubectl("annotate", "agentteam", "demo", "approved.claude.amcheste.io/spawn-one=true")
    done = "--for=jsonpath={.status.phase}=Completed"
    await kubectl("wait", "agentteam/demo", done, "--timeout=50s")
    described = await kubectl("describe", "agentteam", "demo")
    events = described[described.index("Events:") :]
    assert "Running" in events
    assert "Completed" in events
    assert "demo-hub" in await kubectl("get", "pods,pvc,events")
    await kubectl("delete", "agentteam", "demo", "--timeout=30s")
    await kubectl("wait", "pod", "--all", "--for=delete", "--timeout=30s")
    assert await kubectl("get", "pods,pvc", "-o", "name") == ""
