"""What goes wrong is one sentence: faults, forged tokens, malformed requests. And streams of pods."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import RawTestServer

from kagents_local.apiserver.authentication import ADMIN, VIEWER
from kagents_local.apiserver.server import ApiServer
from kagents_local.apiserver.store import Store
from kagents_local.pod_access import LogQuery, PodAccessError
from kagents_local.tokens import new_signing_key

ADMINISTRATOR = {"Authorization": "Bearer admin"}
POD = "/api/v1/namespaces/default/pods"
HEAD = {"apiVersion": "claude.amcheste.io/v1alpha1", "kind": "AgentTeam"}
LIMIT = 20.0


class Echo:
    """A process that prints its command, then its input in capitals; its last word is its exit code."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.size = ""
        self._input: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        yield 1, " ".join(self.command).encode()
        while (data := await self._input.get()) is not None:
            yield 2, data.upper()
        yield 1, self.size.encode()

    async def write(self, data: bytes) -> None:
        self._input.put_nowait(data)

    async def close_stdin(self) -> None:
        self._input.put_nowait(None)

    def resize(self, width: int, height: int) -> None:
        self.size = f"{width}x{height}"

    async def exit_code(self) -> int:
        return int(self.command[-1])

    async def close(self) -> None: ...


class Pods:
    """A kubelet with the pod ``p``; asked for ``broken`` it breaks."""

    def __init__(self) -> None:
        self.asked: list[LogQuery] = []

    async def logs(
        self, namespace: str, pod: str, container: str | None, query: LogQuery
    ) -> AsyncIterator[bytes]:
        self._check(pod)
        self.asked.append(query)

        async def chunks() -> AsyncIterator[bytes]:
            yield b"one\n"
            yield b"two\n"

        return chunks()

    async def exec(
        self, namespace: str, pod: str, container: str | None, command: Sequence[str], **_: bool
    ) -> Echo:
        self._check(pod)
        return Echo(command)

    @staticmethod
    def _check(pod: str) -> None:
        if pod == "broken":
            raise RuntimeError("an inner detail")
        if pod != "p":
            raise PodAccessError(404, f'pods "{pod}" not found')


class Served:
    """A server with such pods."""

    def __init__(self, base: str, session: aiohttp.ClientSession, pods: Pods) -> None:
        self.base, self.session, self.pods = base, session, pods

    async def get(self, path: str, token: str = "admin") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.get(self.base + path, headers=headers) as answer:
            return answer.status, await answer.text()

    def exec(self, query: str, protocols: Sequence[str] = ("v5.channel.k8s.io",)) -> Any:
        path = f"{self.base}{POD}/p/exec?{query}"
        return self.session.ws_connect(path, headers=ADMINISTRATOR, protocols=protocols)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    store, pods = Store(), Pods()
    server = ApiServer(
        store, tokens={"admin": ADMIN, "viewer": VIEWER}, key=new_signing_key(), pod_access=pods
    )
    async with RawTestServer(server.handle) as raw, aiohttp.ClientSession() as session:
        yield Served(str(raw.make_url("")).rstrip("/"), session, pods)
        server.stop_watches()
    store.close()


async def test_a_fault_of_the_engine_says_no_more_than_that(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    status, text = await served.get(f"{POD}/broken/log")
    body = json.loads(text)
    assert (status, body["kind"], body["reason"]) == (500, "Status", "InternalError")
    assert "inner detail" not in text
    assert "Traceback" not in text
    assert "an inner detail" in caplog.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: abc\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /api/v1/namespaces/a%2Fb/x HTTP/1.1\r\nHost: [::1]\r\nAuthorization: Bearer admin\r\n\r\n",
        b"GET /api/v1/namespaces/../../x HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer admin\r\n\r\n",
        b"GET /api HTTP/1.1\r\nAuthorization: Bearer admin\r\n\r\n",
    ],
)
async def test_malformed_requests_get_a_refusal_without_a_trace(served: Served, request_bytes: bytes) -> None:
    host, _, port = served.base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(LIMIT):
        writer.write(request_bytes)
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        rest = await reader.read(65536)
    assert 400 <= int(answer.split()[1]) < 500, answer
    assert b"Traceback" not in answer + rest
    assert b'File "' not in answer + rest


def forged(**changes: Any) -> str:
    """A token that claims to be the hub's, signed with another key."""
    head = {"alg": "HS256", "typ": "JWT", **changes.pop("head", {})}
    claims = {
        "iss": "https://kubernetes.default.svc",
        "aud": ["https://kubernetes.default.svc"],
        "sub": "system:serviceaccount:default:kagents-hub",
        "kubernetes.io": {
            "namespace": "default",
            "serviceaccount": {"name": "kagents-hub"},
            "pod": {"uid": "u"},
        },
        **changes,
    }
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
    signed = b".".join(parts)
    mac = base64.urlsafe_b64encode(hmac.digest(b"x" * 32, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + mac).decode()


async def test_forged_tokens_are_worth_nothing(api: Any) -> None:
    made = (await api.post(api.PODS, api.pod())).body
    uid = made["metadata"]["uid"]
    good = api.server.issue_token("default", "kagents-hub", uid)
    assert (await api.get(api.TEAMS, token=good)).status == 200
    head, claims, signature = good.split(".")
    wrong = [
        forged(),
        forged(head={"alg": "none"}),
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{claims[:-2]}xx.{signature}",
        f"{head}.{claims}.{signature[:-2]}xx",
        api.server.issue_token("default", "kagents-hub", uid, "another-audience"),
        api.server.issue_token("default", "kagents-hub", "no-such-pod"),
        api.server.issue_token("kube-system", "kagents-hub", uid),
        "..",
        "ü.ü.ü",
    ]
    for token in wrong:
        refused = await api.get(api.TEAMS, token=token)
        assert (refused.status, refused["reason"]) == (401, "Unauthorized"), token
    await api.delete(f"{api.PODS}/p", gracePeriodSeconds="0")
    assert (await api.get(api.TEAMS, token=good)).status == 401


async def test_a_pods_uid_of_another_kind_is_no_pod(api: Any) -> None:
    made = (await api.post(api.CONFIGS, api.config())).body
    token = api.server.issue_token("default", "kagents-hub", made["metadata"]["uid"])
    assert (await api.get(api.TEAMS, token=token)).status == 401


async def test_an_invalid_change_names_its_field_and_no_other(api: Any) -> None:
    await api.post(api.TEAMS, api.team(lifecycle={"timeout": "1h"}, lead={"prompt": "Lead."}))
    refused = await api.patch(f"{api.TEAMS}/demo", {"spec": {"lifecycle": {"timeout": "2 hours"}}})
    assert refused.status == 422
    assert [cause["field"] for cause in refused["details"]["causes"]] == ["spec.lifecycle.timeout"]
    refused = await api.patch(f"{api.TEAMS}/demo", {"spec": {"lead": {"prompt": "Other."}}})
    assert [cause["field"] for cause in refused["details"]["causes"]] == ["spec.lead"]
    assert "Forbidden: this field cannot be changed" in refused["message"]


async def test_an_apply_of_status_bound_to_an_old_version_is_a_conflict(api: Any) -> None:
    made = (await api.post(api.TEAMS, api.team())).body
    old = made["metadata"]["resourceVersion"]
    path = f"{api.TEAMS}/demo/status"

    async def apply(version: str, phase: str) -> Any:
        body = {**HEAD, "metadata": {"name": "demo", "resourceVersion": version}, "status": {"phase": phase}}
        return await api.apply(path, body, "kagents-controller", force="true")

    first = await apply(old, "Running")
    assert first.status == 200, first.body
    second = await apply(old, "Failed")
    assert (second.status, second["reason"]) == (409, "Conflict")
    assert (await apply(first["metadata"]["resourceVersion"], "Failed")).status == 200


async def test_logs_hand_their_options_on(served: Served) -> None:
    query = "tailLines=5&sinceSeconds=60&timestamps=true&previous=true&limitBytes=100&follow=1"
    assert await served.get(f"{POD}/p/log?{query}") == (200, "one\ntwo\n")
    (asked,) = served.pods.asked
    assert (asked.tail_lines, asked.timestamps, asked.previous) == (5, True, True)
    assert (asked.limit_bytes, asked.follow) == (100, True)
    assert asked.since is not None
    for wrong in ("tailLines=-1", "tailLines=x", "sinceTime=yesterday"):
        status, text = await served.get(f"{POD}/p/log?{wrong}")
        assert (status, json.loads(text)["reason"]) == (400, "BadRequest")
    assert (await served.get(f"{POD}/q/log"))[0] == 404


async def test_exec_over_a_websocket(served: Served) -> None:
    query = "command=echo&command=a+b&command=7&stdin=true&stdout=true&stderr=true&tty=false"
    async with asyncio.timeout(LIMIT), served.exec(query) as socket:
        assert socket.protocol == "v5.channel.k8s.io"
        assert await socket.receive_bytes() == b"\x01echo a b 7"
        await socket.send_bytes(b"\x00hello")
        assert await socket.receive_bytes() == b"\x02HELLO"
        for garbage in (b"", b"\x04", b"\x04{}", b'\x04{"Width":"x","Height":1}', b"\x09?"):
            await socket.send_bytes(garbage)
        await socket.send_bytes(b'\x04{"Width":80,"Height":24}')
        await socket.send_bytes(b"\xff\x00")
        assert await socket.receive_bytes() == b"\x0180x24"
        channel, *rest = await socket.receive_bytes()
        assert channel == 3
        ending = json.loads(bytes(rest))
    assert ending["reason"] == "NonZeroExitCode"
    assert ending["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]


async def test_exec_is_refused_before_anything_runs(served: Served) -> None:
    status, text = await served.get(f"{POD}/p/exec?command=ls")
    assert status == 400
    assert "WebSocket only" in json.loads(text)["message"]
    status, text = await served.get(f"{POD}/p/exec")
    assert "at least 1 command" in json.loads(text)["message"]
    status, text = await served.get(f"{POD}/p/exec?command=ls", token="viewer")
    assert (status, json.loads(text)["reason"]) == (403, "Forbidden")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.session.ws_connect(f"{served.base}{POD}/q/exec?command=ls", headers=ADMINISTRATOR)
    assert refused.value.status == 404
