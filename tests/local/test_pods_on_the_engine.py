"""Pods through the engine's own HTTP API: status, logs, exec, deletion, the token that a pod gets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kagents_core.api.resources import EVENTS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import NotFound

LIMIT = 30.0


def pod(image: str, script: str, name: str = "p", **spec: Any) -> dict[str, Any]:
    main = {"name": "main", "image": image, "command": ["sh", "-c", script]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "containers": [main], **spec},
    }


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(LIMIT):
        while not (found := await condition()):  # noqa: ASYNC110  (a state, no event)
            await asyncio.sleep(0.02)
    return found


async def in_phase(client: Client, phase: str, name: str = "p") -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = await client.get(PODS, "default", name)
        return found if found.get("status", {}).get("phase") == phase else None

    found: dict[str, Any] = await until(look)
    return found


async def test_a_pod_runs_and_its_log_stays(engine: Any, engine_client: Client) -> None:
    await engine_client.create(PODS, "default", pod(engine.image, "echo one; echo two; exit 3"))
    found = await in_phase(engine_client, "Failed")
    assert found["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    text = b"".join([part async for part in engine_client.logs("default", "p", container="main", tail=1)])
    assert text == b"two\n"
    events = await engine_client.list(EVENTS, "default")
    assert "Started container main" in {event["message"] for event in events.items}


async def test_exec_and_follow_and_deletion(engine: Any, engine_client: Client) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    await engine_client.create(PODS, "default", pod(engine.image, script))
    await in_phase(engine_client, "Running")
    stream = await engine_client.exec(
        "default", "p", ["sh", "-c", "cat; exit 4"], container="main", stdin=True
    )
    async with asyncio.timeout(LIMIT), stream:
        await stream.send(b"hello")
        await stream.close_stdin()
        output = b"".join([data async for _, data in stream])
    assert output == b"hello"
    assert stream.exit_code == 4

    async def follow() -> bytes:
        log = engine_client.logs("default", "p", container="main", follow=True)
        return b"".join([part async for part in log])

    following = asyncio.create_task(follow())
    await engine_client.delete(PODS, "default", "p")

    async def gone() -> bool:
        try:
            await engine_client.get(PODS, "default", "p")
        except NotFound:
            return True
        return False

    await until(gone)
    assert (await asyncio.wait_for(following, LIMIT)).startswith(b"up\n")


async def test_a_pod_reaches_the_api_with_its_own_token(engine: Any, engine_client: Client) -> None:
    script = (
        'exec python3 -c "import os,ssl,urllib.request as r\n'
        "d=os.environ['KAGENTS_SERVICE_ACCOUNT_DIR']\n"
        "u='https://%s:%s/version'%(os.environ['KUBERNETES_SERVICE_HOST'],os.environ['KUBERNETES_SERVICE_PORT'])\n"
        "h={'Authorization':'Bearer '+open(d+'/token').read()}\n"
        "c=ssl.create_default_context(cafile=d+'/ca.crt')\n"
        'print(r.urlopen(r.Request(u,headers=h),context=c).status)"'
    )
    await engine_client.create(
        PODS,
        "default",
        pod(engine.image, script, serviceAccountName="kagents-hub", automountServiceAccountToken=True),
    )
    await in_phase(engine_client, "Succeeded")
    text = b"".join([part async for part in engine_client.logs("default", "p", container="main")])
    assert text == b"200\n"
