"""The client's verbs against a server that answers, refuses, asks for patience, or hangs up."""

import asyncio
import stat
import sys
from contextlib import aclosing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES, PODS
from kagents_core.kube.client import Client, path_of
from kagents_core.kube.config import ClientConfig, ExecPlugin
from kagents_core.kube.credentials import Credentials
from kagents_core.kube.errors import (
    AlreadyExists,
    ApiError,
    ConfigError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)

TEAM = path_of(AGENT_TEAMS, "ns", "a")
POD = path_of(PODS, "ns", "p")


def test_paths_are_encoded() -> None:
    assert path_of(PODS, "a/b", "c d", "status") == "/api/v1/namespaces/a%2Fb/pods/c%20d/status"
    assert path_of(NAMESPACES, None, "x") == "/api/v1/namespaces/x"
    assert path_of(AGENT_TEAMS) == "/apis/claude.amcheste.io/v1alpha1/agentteams"


async def test_get_create_apply_patch_delete(server: Any, client: Client) -> None:
    created = await client.create(PODS, "ns", {"metadata": {"name": "p"}, "spec": {"a": 1}})
    assert (await client.get(PODS, "ns", "p"))["metadata"]["uid"] == created["metadata"]["uid"]
    with pytest.raises(AlreadyExists):
        await client.create(PODS, "ns", {"metadata": {"name": "p"}})
    await client.apply(PODS, "ns", "p", {"spec": {"b": 2}}, manager="m")
    assert (await client.get(PODS, "ns", "p"))["spec"] == {"a": 1, "b": 2}
    verb, _, query, _ = server.log[-2]
    assert (verb, query["fieldManager"], query["force"], query["fieldValidation"]) == (
        "PATCH",
        "m",
        "true",
        "Strict",
    )
    await client.patch_merge(PODS, "ns", "p", {"spec": {"a": None}})
    assert (await client.get(PODS, "ns", "p"))["spec"] == {"b": 2}
    with pytest.raises(Conflict):
        await client.patch_merge(PODS, "ns", "p", {"metadata": {"uid": "other"}})
    with pytest.raises(Conflict):
        await client.delete(PODS, "ns", "p", uid="other")
    await client.delete(
        PODS, "ns", "p", uid=created["metadata"]["uid"], grace_seconds=5, propagation="Background"
    )
    options = server.log[-1][3]
    assert options["gracePeriodSeconds"] == 5
    assert options["propagationPolicy"] == "Background"
    with pytest.raises(NotFound):
        await client.get(PODS, "ns", "p")


async def test_list_goes_through_all_pages_and_fills_in_the_kind(server: Any, client: Client) -> None:
    for number in range(7):
        server.put(
            f"/api/v1/namespaces/ns/pods/p{number}", {"metadata": {"labels": {"odd": str(number % 2)}}}
        )
    found = await client.list(PODS, "ns", limit=3)
    assert [item["metadata"]["name"] for item in found.items] == [f"p{number}" for number in range(7)]
    assert {item["kind"] for item in found.items} == {"Pod"}
    assert (found.resource_version, server.requests["GET"]) == (str(server.version), 3)
    assert len((await client.list(PODS, labels="odd=1")).items) == 3


async def test_the_next_page_is_asked_for_while_one_is_looked_at(server: Any, client: Client) -> None:
    for number in range(9):
        server.put(f"/api/v1/namespaces/ns/pods/p{number}", {"metadata": {}})
    async with aclosing(client.pages(PODS, "ns", limit=3)) as pages:
        first = await anext(pages)
        async with asyncio.timeout(5):
            while server.requests["GET"] < 2:  # noqa: ASYNC110 - the server counts, it tells nobody
                await asyncio.sleep(0)
        assert [item["metadata"]["name"] for item in first.items] == ["p0", "p1", "p2"]
    assert server.requests["GET"] == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (422, Invalid),
        (429, TooManyRequests),
        (500, ApiError),
        (302, ApiError),
    ],
)
async def test_each_refusal_has_its_class_and_the_servers_sentence(
    server: Any, client: Client, model: ModuleType, code: int, kind: type[ApiError]
) -> None:
    server.faults = [model.refuse(code, "Why", "because of this")]
    with pytest.raises(kind, match="because of this") as caught:
        await client.get(PODS, "ns", "p")
    assert (caught.value.status, caught.value.reason) == (code, "Why")


async def test_an_admission_policys_sentence_comes_before_its_name(
    server: Any, client: Client, model: ModuleType
) -> None:
    said = (
        "team \"a\" is forbidden: ValidatingAdmissionPolicy 'p.q' with binding 'b' denied request: ask for it"
    )
    server.faults = [model.refuse(403, "Forbidden", said)]
    with pytest.raises(Forbidden, match=r"^ask for it \(policy p\.q\)$"):
        await client.get(AGENT_TEAMS, "ns", "a")


async def test_another_uid_is_a_conflict_also_where_the_server_calls_it_invalid(
    server: Any, client: Client
) -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "metadata.uid"}]
    status = {"reason": "Invalid", "message": "field is immutable", "details": {"causes": causes}}
    server.faults = [web.json_response(status, status=422)]
    with pytest.raises(Conflict):
        await client.patch_merge(AGENT_TEAMS, "ns", "a", {"metadata": {"uid": "other"}})


async def test_patience_is_granted_once_the_server_asks(
    server: Any, client: Client, model: ModuleType
) -> None:
    server.put(POD, {})
    server.faults = [model.refuse(429, "TooManyRequests", "later", Retry_After="0") for _ in range(3)]
    assert (await client.get(PODS, "ns", "p"))["metadata"]["name"] == "p"
    assert server.requests["GET"] == 4
    server.faults = [model.refuse(503, "Busy", "later", Retry_After="0") for _ in range(9)]
    with pytest.raises(ApiError, match="later"):
        await client.get(PODS, "ns", "p")
    assert server.requests["GET"] == 10


async def test_a_dropped_or_refused_connection_is_unreachable(server: Any, client: Client) -> None:
    server.faults = ["drop"] * 3
    with pytest.raises(Unreachable, match="broke off"):
        await client.create(PODS, "ns", {"metadata": {"name": "p"}})
    async with Client(ClientConfig(server="http://127.0.0.1:1")) as nobody:
        with pytest.raises(Unreachable, match=r"http://127.0.0.1:1 cannot be reached"):
            await nobody.get(PODS, "ns", "p")


async def test_an_answer_that_is_no_object_is_an_error(server: Any, client: Client) -> None:
    server.faults = [web.Response(text="<html>portal</html>"), web.json_response([1])]
    with pytest.raises(ApiError, match="not JSON"):
        await client.get(PODS, "ns", "p")
    with pytest.raises(ApiError, match="not a Kubernetes object"):
        await client.get(PODS, "ns", "p")


async def test_a_closed_client_says_so(server: Any) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client(server.config).get(PODS, "ns", "p")


async def test_watch_brings_changes_and_ends_with_gone(server: Any, client: Client) -> None:
    start = str(server.version)
    server.put(POD, {"spec": {"n": 1}})
    opened: list[bool] = []
    events = client.watch(PODS, "ns", resource_version=start, on_open=lambda: opened.append(True))
    first = await anext(events)
    assert (first.type, first.object["metadata"]["name"], opened) == ("ADDED", "p", [True])
    assert (await anext(events)).type == "BOOKMARK"
    server.remove(POD)
    assert (await anext(events)).type == "DELETED"
    await events.aclose()
    server.compact()
    server.put(POD, {})
    with pytest.raises(Gone):
        async for _ in client.watch(PODS, "ns", resource_version=start):
            pass


async def test_watch_lines_survive_any_chunking(server: Any, client: Client, model: ModuleType) -> None:
    lines = model.line("ADDED", {"metadata": {"name": "ä", "resourceVersion": "3"}}) * 3
    server.faults = [web.Response(body=lines + b"\n" + lines[:20])]
    events = [event async for event in client.watch(PODS, resource_version="1")]
    assert [event.object["metadata"]["name"] for event in events] == ["ä"] * 3
    server.faults = [web.Response(body=b'{"type":"ADDED"}\n')]
    with pytest.raises(Unreachable, match="not an event"):
        [event async for event in client.watch(PODS, resource_version="1")]


async def test_logs_come_as_bytes(server: Any, client: Client) -> None:
    server.logs = b"\xff one\ntwo"
    assert b"".join([c async for c in client.logs("ns", "p", container="agent", tail=3)]) == b"\xff one\ntwo"
    assert server.log[-1][2] == {"container": "agent", "tailLines": "3"}


async def test_can_i_and_version(client: Client) -> None:
    allowed, refused = await client.can_i("get", PODS, "ns"), await client.can_i("delete", PODS, "ns", "log")
    assert (allowed.allowed, refused.allowed, refused.reason) == (True, False, "rule for delete")
    assert await client.server_version() == "v1.0-model"


# ── exec ─────────────────────────────────────────────────────────────────────────────────────────


async def test_exec_carries_input_output_resize_and_the_end_of_input(client: Client) -> None:
    payload = bytes(range(256)) * 400  # more than one frame
    received = bytearray()
    async with await client.exec("ns", "p", ["echo"], container="c", stdin=True) as stream:
        await stream.send(payload)
        await stream.resize(80, 24)
        await stream.close_stdin()
        async for channel, data in stream:
            if channel == 1:
                received += data
            else:
                assert data == b'{"Width":80,"Height":24}'
    assert bytes(received) == payload
    assert stream.exit_code == 0


async def test_exec_exit_codes(client: Client) -> None:
    async with await client.exec("ns", "p", ["exit", "3"], container="c") as stream:
        assert [item async for item in stream] == []
    assert stream.exit_code == 3
    async with await client.exec("ns", "p", ["missing"], container="c") as stream:
        with pytest.raises(ApiError, match="no such program"):
            [item async for item in stream]


async def test_exec_that_breaks_off_is_no_success(client: Client) -> None:
    async with await client.exec("ns", "p", ["hang-up"], container="c") as stream:
        with pytest.raises(Unreachable, match="ended before the command"):
            [item async for item in stream]


async def test_exec_refusal_has_the_servers_sentence(client: Client) -> None:
    with pytest.raises(Forbidden, match="no rule"):
        async with await client.exec("ns", "forbidden", ["x"], container="c"):
            pass


async def test_exec_on_an_old_server_cannot_end_input(server: Any, client: Client) -> None:
    server.protocols = ("v4.channel.k8s.io",)
    async with await client.exec("ns", "p", ["echo"], container="c", stdin=True) as stream:
        assert not stream.can_close_stdin
        with pytest.raises(Invalid, match=r"1\.30"):
            await stream.close_stdin()


# ── credentials ──────────────────────────────────────────────────────────────────────────────────


def program(path: Path, code: str) -> ExecPlugin:
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return ExecPlugin(str(path), env=(("EXTRA", "value"),), install_hint="Install the thing.")


COUNTING = """
import json, os, pathlib, sys
count = pathlib.Path(sys.argv[0] + ".count")
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
assert json.loads(os.environ["KUBERNETES_EXEC_INFO"])["kind"] == "ExecCredential"
assert os.environ["EXTRA"] == "value"
status = {"token": f"token-{number}"}
if EXPIRY: status["expirationTimestamp"] = EXPIRY
print(json.dumps({"status": status}))
"""


async def test_exec_plugin_is_asked_once_until_it_expires_or_is_refused(
    tmp_path: Path, model: ModuleType
) -> None:
    plugin = program(tmp_path / "p", COUNTING.replace("EXPIRY", "'2099-01-01T00:00:00Z'"))
    async with model.ModelServer(token="token-2") as server:
        server.put(POD, {})
        async with Client(ClientConfig(server=server.config.server, exec_plugin=plugin)) as client:
            await asyncio.gather(*(client.get(PODS, "ns", "p") for _ in range(1)))
            await asyncio.gather(*(client.get(PODS, "ns", "p") for _ in range(5)))
            assert (tmp_path / "p.count").read_text() == "2"
            server.token = "never"
            with pytest.raises(Unauthorized):
                await client.get(PODS, "ns", "p")
    expired = program(tmp_path / "q", COUNTING.replace("EXPIRY", "'2001-01-01T00:00:00Z'"))
    credentials = Credentials(ClientConfig(server="http://x", exec_plugin=expired))
    assert [await credentials.authorization() for _ in range(2)] == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit('not logged in')", r"failed \(1\): not logged in"),
        ("print('{}')", "printed no usable ExecCredential"),
        (
            'print(\'{"status":{"token":"t","expirationTimestamp":"soon"}}\')',
            "unreadable expirationTimestamp",
        ),
    ],
)
async def test_a_failing_exec_plugin_is_one_sentence(tmp_path: Path, code: str, sentence: str) -> None:
    config = ClientConfig(server="http://x", exec_plugin=program(tmp_path / "p", code))
    with pytest.raises(ConfigError, match=sentence):
        await Credentials(config).authorization()


async def test_a_missing_exec_plugin_gives_its_hint() -> None:
    plugin = ExecPlugin("/no/such/program", install_hint="Install the thing.")
    with pytest.raises(ConfigError, match=r"cannot be started.*Install the thing"):
        await Credentials(ClientConfig(server="http://x", exec_plugin=plugin)).authorization()


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    credentials = Credentials(ClientConfig(server="http://x", token_file=path))
    assert await credentials.authorization() == "Bearer one"
    fresh = tmp_path / "new"
    fresh.write_text("two")
    fresh.rename(path)
    assert await credentials.authorization() == "Bearer two"
    path.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        await credentials.authorization()


async def test_a_bad_certificate_is_refused_when_the_client_opens() -> None:
    config = ClientConfig(server="https://127.0.0.1:1", ca_data=b"nonsense", source="the file")
    with pytest.raises(ConfigError, match="the file: certificate or key cannot be used"):
        async with Client(config):
            pass


@pytest.mark.parametrize(("compression", "asked"), [(True, "gzip, deflate"), (False, "identity")])
async def test_answers_are_compressed_only_where_that_is_wanted(compression: bool, asked: str) -> None:
    told: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        told.append(request.headers["Accept-Encoding"])
        return web.json_response({"gitVersion": "v1.36.3"})

    application = web.Application()
    application.router.add_get("/version", answer)
    async with TestServer(application) as served:
        through = f"http://127.0.0.1:{served.port}"  # the proxy answers in place of a server that is far away
        far = ClientConfig("http://kubernetes.example.com", proxy_url=through, compression=compression)
        async with Client(far) as client:
            await client.server_version()
    assert told[0].startswith(asked)
