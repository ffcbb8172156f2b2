"""Whoever speaks to the gateway without being one of its agents, or sends what no agent has to send."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from gateway_place import KEY, listening, place, streamed, told, until
from model_answers import events, server_sent

from kagents_runner.gateway.bodies import MIB, Room
from kagents_runner.gateway.listening import BoundedServer


@pytest.mark.parametrize("shown", [None, "", "Bearer", "Bearer nobody", "Bearer stranger", "Basic lead", KEY])
async def test_only_agents_of_this_team_are_let_in(tmp_path: Path, shown: str | None) -> None:
    async with place(tmp_path) as found:
        for path, method in (("/v1/messages", "POST"), ("/v1/models", "GET"), ("/other", "GET")):
            headers = {} if shown is None else {"Authorization": shown}
            async with found.client.request(method, found.url + path, headers=headers, data=b"") as got:
                assert got.status == 401
                assert told(await got.read())[0] == "authentication_error"
        assert not found.api.seen and not found.tickets.admitted


async def test_two_names_are_none(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        headers = [("Authorization", "Bearer lead"), ("Authorization", "Bearer scout")]
        async with found.client.post(found.url + "/v1/messages", headers=headers, data=b"{}") as got:
            assert got.status == 401


async def test_credentials_and_what_is_of_one_connection_stay_behind(tmp_path: Path) -> None:
    kept = {
        "anthropic-beta": "fine-grained-tool-streaming-2025-05-14,context-1m-2025-08-07",
        "anthropic-version": "2023-06-01",
        "x-app": "cli",
        "X-Claude-Code-Session-Id": "0b6c",
        "x-stainless-retry-count": "0",
        "User-Agent": "claude-cli/2.1.329",
    }
    dropped = {
        "x-api-key": "sk-of-the-agent",
        "Cookie": "session=1",
        "Proxy-Authorization": "Basic eDp5",
        "X-Amz-Security-Token": "theirs",
        "X-Goog-Api-Key": "theirs",
        "x-litellm-api-key": "theirs",
        "X-Forwarded-For": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "Accept-Encoding": "gzip, br",
        "TE": "trailers",
        "Keep-Alive": "timeout=5",
        "Connection": "keep-alive, X-Private",
        "X-Private": "of this connection",
        "Host": "api.example.com",
    }
    async with place(tmp_path) as found:
        status, _, _ = await found.ask(headers=kept | dropped)
        assert status == 200
        (seen,) = found.api.seen
        told_of = {name.lower(): value for name, value in seen.headers.items()}
        assert {name: told_of[name.lower()] for name in kept} == kept
        for name, value in dropped.items():
            assert value not in told_of.get(name.lower(), ""), name
        assert told_of["x-api-key"] == KEY
        assert told_of["accept-encoding"] == "identity"


async def test_headers_of_the_api_that_are_of_one_connection_stay_behind(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        headers = {
            "Set-Cookie": "__cf_bm=1",
            "Proxy-Authenticate": "Basic",
            "Connection": "keep-alive, X-Hop",
            "X-Hop": "1",
            "anthropic-ratelimit-requests-remaining": "9",
            "request-id": "req_9",
        }
        return web.Response(body=b"{}", headers=headers)

    async with place(tmp_path) as found:
        found.api.behave = answer
        _, headers, _ = await found.ask()
        assert headers["anthropic-ratelimit-requests-remaining"] == "9"
        assert headers["request-id"] == "req_9"
        for name in ("Set-Cookie", "Proxy-Authenticate", "X-Hop"):
            assert name not in headers


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, 502])
async def test_the_key_is_in_no_answer_and_no_log(
    tmp_path: Path, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Even from a proxy that hands back what it was sent."""

    async def answer(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        echoed = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        if status == 200:
            return await streamed(request, [server_sent(events())])
        headers = {"x-echo": request.headers["x-api-key"], "retry-after": "3600"}
        return web.Response(status=status, text=echoed, headers=headers)

    async with place(tmp_path) as found:
        found.api.behave = answer
        got, headers, body = await found.ask()
        assert got == status
        shown = body.decode() + "".join(f"{name}: {value}\n" for name, value in headers.items())
        assert KEY not in shown
        assert ("***" in shown) == (status != 200)
    out, err = capfd.readouterr()
    assert KEY not in out + err


async def test_an_answer_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/elsewhere"})

    async with place(tmp_path) as found:
        found.api.behave = answer
        status, headers, body = await found.ask()
        assert status == 502 and told(body)[0] == "api_error"
        assert "Location" not in headers
        assert len(found.api.seen) == 1


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_refused(tmp_path: Path, chunked: bool) -> None:
    async def pieces() -> object:
        for _ in range(40):
            yield b"x" * 1000

    async with place(tmp_path, room=Room(body_limit=10_000)) as found:
        status, _, body = await found.ask(data=pieces() if chunked else b"x" * 10_001)
        assert status == 413 and told(body)[0] == "request_too_large"
        assert not found.api.seen and not found.tickets.admitted
        assert (await found.ask(data=b"x" * 10_000))[0] == 200


async def test_a_body_that_never_ends_gives_its_room_back(tmp_path: Path) -> None:
    room = Room(body_limit=MIB, agent_limit=MIB, total_limit=MIB, read_seconds=0.2)
    async with place(tmp_path, room=room) as found:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(found.url.rpartition(":")[2]))
        head = (
            f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer scout\r\nContent-Length: {MIB}"
        )
        writer.write(f"{head}\r\n\r\nx".encode())
        assert (await found.ask())[0] == 200  # waited for room
        assert b" 408 " in await reader.readline()
        writer.close()


async def test_bodies_of_one_agent_wait_for_each_other_and_not_for_others(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def answer(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        if body.startswith(b"x"):
            await never.wait()
        return web.Response(body=b"{}")

    async with place(tmp_path, room=Room(body_limit=1000, agent_limit=1000, total_limit=5000)) as found:
        found.api.behave = answer
        async with asyncio.TaskGroup() as group:
            first = group.create_task(found.ask(data=b"x" * 600))
            await until(lambda: len(found.api.seen) == 1)
            second = group.create_task(found.ask(data=b"y" * 600))
            assert (await found.ask(agent="scout", data=b"z" * 600))[0] == 200
            assert not second.done()
            assert [seen.body[:1] for seen in found.api.seen] == [b"x", b"z"]
            never.set()
            assert (await first)[0] == (await second)[0] == 200


async def test_one_agent_has_so_many_requests_at_once(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        await never.wait()
        return web.Response(body=b"{}")

    async with place(tmp_path) as found:
        found.api.behave = answer
        async with asyncio.TaskGroup() as group:
            for _ in range(32):
                group.create_task(found.ask())
            await until(lambda: len(found.api.seen) == 32)
            status, headers, body = await found.ask()
            assert status == 429 and told(body)[0] == "rate_limit_error"
            assert headers["Retry-After"] == "1"
            never.set()
        assert found.tickets.open == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /v1/messages HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nAuthorization: Bearer lead\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer lead\r\n\r\n",
        b"CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer lead\r\n\r\n",
    ],
)
async def test_no_such_request_reaches_the_api(tmp_path: Path, sent: bytes) -> None:
    async with place(tmp_path, room=Room(read_seconds=0.5)) as found:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(found.url.rpartition(":")[2]))
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        assert b" 200 " not in answer.partition(b"\r\n")[0]
        assert not found.api.seen
        assert (await found.ask())[0] == 200


async def test_two_requests_in_one_body_are_one(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        inner = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer scout\r\n\r\n"
        assert (await found.ask(data=inner))[0] == 200
        assert [seen.body for seen in found.api.seen] == [inner]
        assert [agent for agent, _, _ in found.tickets.admitted] == ["lead"]


async def test_an_api_that_cannot_be_reached_is_said_in_the_apis_own_form(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        found.upstream.provider = type(found.upstream.provider)(base_url="http://127.0.0.1:9")
        status, _, body = await found.ask()
        assert status == 502
        kind, message = told(body)
        assert kind == "api_error" and "cannot be reached" in message
        assert found.tickets.closed == [("failed", None)]


async def test_an_api_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        if b"first" in request.raw_path.encode():
            await never.wait()
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(server_sent(events()[:4]))
        await never.wait()
        return out

    async with place(tmp_path, idle_seconds=0.2) as found:
        found.api.behave = answer
        status, _, body = await found.ask("/v1/messages?first")
        assert status == 504 and told(body)[0] == "timeout_error"
        with pytest.raises(aiohttp.ClientError):
            await found.ask()
        assert [state for state, _ in found.tickets.closed] == ["failed", "aborted"]
        await until(lambda: found.api.broken_off == 2)


async def test_a_request_has_an_end_even_when_its_client_reads_nothing(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        while True:
            await out.write(b": " + b"x" * 60_000 + b"\n\n")

    async with place(tmp_path, request_seconds=0.5) as found:
        found.api.behave = answer
        async with found.request() as got:
            await got.content.read(1)
            await until(lambda: found.tickets.closed)
            await until(lambda: found.api.broken_off == 1)
        assert found.tickets.closed == [("aborted", None)]


async def test_one_pod_has_so_many_connections_and_another_is_not_kept_out() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="here")

    async with AsyncExitStack() as stack:
        url = await listening(stack, BoundedServer(answer, connections=3))
        port = int(url.rpartition(":")[2])

        async def connected(address: str) -> tuple[bool, asyncio.StreamWriter]:
            """Whether a connection from this address is served."""
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            stack.callback(writer.close)
            with suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return b"200" in await reader.readline(), writer
            return False, writer

        first = [await connected("127.0.0.2") for _ in range(5)]
        assert [served for served, _ in first] == [True, True, True, False, False]
        assert (await connected("127.0.0.3"))[0]
        assert all([(await connected("127.0.0.1"))[0] for _ in range(5)])
        first[0][1].close()
        async with asyncio.timeout(10):
            while not (await connected("127.0.0.2"))[0]:
                pass  # the server has not seen the end yet
