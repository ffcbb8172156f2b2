"""What an agent asks reaches the model's API, and what that answers the agent, byte for byte as it comes."""

import asyncio
import gzip
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web
from gateway_place import ASKED, KEY, OneTicket, Place, Tickets, place, streamed, told, until
from model_answers import MODEL, events, plain, server_sent

from kagents_runner.gateway.tokens import Counts

KNOWN = Counts(MODEL, 100, 20, 40, 10, 20, {})


async def test_a_stream_passes_as_it_is_and_is_counted(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        pieces = [server_sent([event]) for event in events()]
        return await streamed(request, pieces, **{"request-id": "req_1"})

    async with place(tmp_path) as found:
        found.api.behave = answer
        status, headers, body = await found.ask()
        assert (status, body) == (200, server_sent(events()))
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["request-id"] == "req_1"
        (seen,) = found.api.seen
        assert (seen.method, seen.target) == ("POST", "/v1/messages?beta=true")
        assert orjson.loads(seen.body) == ASKED
        assert seen.headers["x-api-key"] == KEY
        assert "Authorization" not in seen.headers
        assert seen.headers["Accept-Encoding"] == "identity"
        ((response_id, first),) = found.tickets.opened
        assert (response_id, first.input) == ("req_1", 100)
        assert found.tickets.closed == [("complete", KNOWN)]
        ((agent, model, micros),) = found.tickets.admitted
        assert (agent, model) == ("lead", MODEL)
        assert micros >= 500 * 15  # the output it may have, at list price


async def test_a_plain_answer_passes_as_it_is_and_is_counted(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        return web.Response(body=plain(), content_type="application/json")

    async with place(tmp_path) as found:
        found.api.behave = answer
        status, headers, body = await found.ask()
        assert (status, body) == (200, plain())
        assert headers["Content-Length"] == str(len(plain()))
        assert found.tickets.opened == [("msg_1", KNOWN)]  # the API named it nowhere else
        assert found.tickets.closed == [("complete", KNOWN)]


async def test_each_piece_is_there_before_the_next_is_made(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        heard = asyncio.Event()

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await out.prepare(request)
            for event in events(words=["a"] * 40):
                heard.clear()
                await out.write(server_sent([event]))
                await heard.wait()
            return out

        found.api.behave = answer
        whole = b""
        async with asyncio.timeout(10), found.request() as got:
            async for piece in got.content.iter_any():
                whole += piece
                heard.set()
        assert whole == server_sent(events(words=["a"] * 40))


async def test_the_end_is_in_the_ledger_before_the_agent_hears_it(tmp_path: Path) -> None:
    """Whatever becomes of the gateway when the agent has heard all of it, it was charged for it."""
    async with place(tmp_path) as found:
        heard_all = asyncio.Event()
        whole = server_sent(events())

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await out.prepare(request)
            await out.write(whole[:200])
            await out.write(whole[200:])
            await heard_all.wait()  # the connection stays: the end is in the words alone
            return out

        found.api.behave = answer
        heard = b""
        async with asyncio.timeout(10), found.request() as got:
            async for piece in got.content.iter_any():
                heard += piece
                if heard == whole:
                    assert found.tickets.closed == [("complete", KNOWN)]
                    heard_all.set()
        assert heard == whole


async def test_a_client_that_goes_away_ends_the_request(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        never = asyncio.Event()

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await out.prepare(request)
            await out.write(server_sent(events()[:4]))
            await never.wait()
            return out

        found.api.behave = answer
        async with found.request() as got:
            await got.content.readany()
            got.close()
        await until(lambda: found.api.broken_off == 1)
        await until(lambda: found.tickets.closed)
        assert found.tickets.closed == [("aborted", Counts(MODEL, 100, 1, 40, 10, 20, {}))]


async def test_a_client_that_goes_away_before_the_answer_ends_the_request_too(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        never = asyncio.Event()

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            await never.wait()
            return web.Response()

        found.api.behave = answer
        asking = asyncio.create_task(found.ask())
        await until(lambda: found.api.seen)
        asking.cancel()
        await until(lambda: found.api.broken_off == 1)
        await until(lambda: found.tickets.closed)
        assert found.tickets.closed == [("aborted", None)]


async def test_the_end_of_the_gateway_ends_what_is_under_way_and_counts_it_before(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        never = asyncio.Event()

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await out.prepare(request)
            await out.write(server_sent(events()[:4]))
            await never.wait()
            return out

        found.api.behave = answer
        async with found.request() as got:
            await got.content.readany()
            await found.runner.cleanup()
            assert found.tickets.closed == [("aborted", Counts(MODEL, 100, 1, 40, 10, 20, {}))]
            with pytest.raises(aiohttp.ClientError):
                await got.content.read()


async def test_a_large_request_goes_in_one_piece(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        body = b"x" * 3_000_000
        assert (await found.ask(data=body))[0] == 200
        assert found.api.seen[0].body == body
        assert found.api.seen[0].headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_an_answer_that_breaks_off_is_never_a_whole_one(tmp_path: Path, kind: str) -> None:
    async with place(tmp_path) as found:

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            out = web.StreamResponse(headers={"Content-Type": kind})
            await out.prepare(request)
            await out.write(server_sent(events()[:4]))
            assert request.transport is not None
            await asyncio.sleep(0.02)
            request.transport.abort()
            return out

        found.api.behave = answer
        with pytest.raises(aiohttp.ClientError):
            await found.ask()
        ((state, counts),) = found.tickets.closed
        assert state == "aborted"
        assert (counts is not None) == (kind == "text/event-stream")


async def test_a_failure_in_the_middle_of_a_stream_is_one(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        body = server_sent([*events()[:4], error])

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            return await streamed(request, [body])

        found.api.behave = answer
        assert (await found.ask())[2] == body
        assert found.tickets.closed == [("failed", Counts(MODEL, 100, 1, 40, 10, 20, {}))]


async def test_a_slow_client_slows_the_api_down(tmp_path: Path) -> None:
    """Nothing piles up in the gateway: the API's own writes wait."""
    async with place(tmp_path) as found:
        sent = 0
        piece = server_sent([{"type": "ping", "pad": "x" * 60_000}])

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            nonlocal sent
            out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await out.prepare(request)
            for _number in range(2000):
                await out.write(piece)
                sent += 1
            await out.write_eof()
            return out

        found.api.behave = answer
        async with found.request() as got:
            await got.content.read(10)
            before = -1
            while sent != before:  # until it stands still
                before = sent
                await asyncio.sleep(0.3)
            assert sent < 400  # of 2,000: what sockets hold, not what memory does
            size = 10
            async for part in got.content.iter_any():
                size += len(part)
        assert size == 2000 * len(piece)


async def test_a_packed_answer_passes_packed_and_is_counted(tmp_path: Path) -> None:
    packed = gzip.compress(server_sent(events()))

    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Content-Encoding": "gzip"})
        await out.prepare(request)
        await out.write(packed)
        return out

    async with place(tmp_path) as found:
        found.api.behave = answer
        _, headers, body = await found.ask()
        assert body == packed
        assert headers["Content-Encoding"] == "gzip"
        assert found.tickets.closed == [("complete", KNOWN)]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (400, {}),
        (402, {}),
        (403, {}),
        (404, {}),
        (413, {}),
        (500, {"x-should-retry": "false"}),
        (503, {"retry-after": "7"}),
        (529, {"retry-after": "3", "x-should-retry": "true"}),
    ],
)
async def test_errors_of_the_api_pass_as_they_are(
    tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    body = orjson.dumps({"type": "error", "error": {"type": "x_error", "message": "Its own words."}})

    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)

    async with place(tmp_path) as found:
        found.api.behave = answer
        got = await found.ask()
        assert (got[0], got[2]) == (status, body)
        assert {name: got[1][name] for name in headers} == headers
        assert found.tickets.closed == [("failed", None)]
        assert len(found.api.seen) == 1


async def test_an_api_that_tells_no_usage_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        return web.json_response({"id": "m", "content": []})

    async with place(tmp_path) as found:
        assert (await found.ask())[0] == 200
        assert "tell no usage" not in capsys.readouterr().out
        found.api.behave = answer
        for _ in range(3):
            assert (await found.ask())[0] == 200
        assert capsys.readouterr().out.count("tell no usage") == 1


async def test_what_cannot_be_written_down_is_not_handed_out(tmp_path: Path) -> None:
    """A full volume: no answer ends well that nobody could count."""

    class Full(Tickets):
        async def admit(self, agent: str, *, model: str, estimate_micros: int) -> OneTicket:
            return FullTicket(self)

    class FullTicket(OneTicket):
        async def closed(self, state: str, counts: Counts | None) -> None:
            raise OSError(28, "No space left on device")

    async with place(tmp_path, meter=Full()) as found:
        for kind, body in (("text/event-stream", server_sent(events())), ("application/json", plain())):

            async def answer(
                request: web.BaseRequest, _: bytes, body: bytes = body, kind: str = kind
            ) -> web.StreamResponse:
                return await streamed(request, [body[:100], body[100:]], kind)

            found.api.behave = answer
            with pytest.raises(aiohttp.ClientError):
                await found.ask()


async def test_calls_that_cost_nothing_need_no_ticket(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        return web.json_response({"input_tokens": 12})

    async with place(tmp_path) as found:
        found.api.behave = answer
        found.tickets.refused = "The budget is spent."
        for path, method in (
            ("/v1/messages/count_tokens?beta=true", "POST"),
            ("/v1/models?limit=1000", "GET"),
            ("/v1/models/claude-sonnet-4-6", "GET"),
        ):
            assert (await found.ask(path, method=method))[0] == 200
        assert not found.tickets.admitted
        assert found.api.seen[0].target == "/v1/messages/count_tokens?beta=true"


async def test_a_spent_budget_is_402_and_the_api_hears_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        found.tickets.refused = "the budget of 5 dollars is spent."
        status, _, body = await found.ask()
        assert status == 402
        assert told(body) == ("billing_error", "kagents: the budget of 5 dollars is spent.")
        assert not found.api.seen


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/messages/"),
        ("GET", "/v1/messages"),
        ("POST", "/v1/complete"),
        ("POST", "/v1/files"),
        ("GET", "/"),
        ("HEAD", "/"),
        ("DELETE", "/v1/models/x"),
        ("POST", "/v1/organizations/api_keys"),
        ("GET", "/v1/models/../organizations"),
        ("GET", "/v1/models/%2e%2e%2forganizations"),
        ("GET", "/v1/models/x%2f..%2f..%2forganizations"),
        ("POST", "//v1/messages"),
        ("POST", "/v1/messages#x"),
        ("POST", "/v1/messages?" + "x" * 5000),
    ],
)
async def test_other_calls_are_not_there(tmp_path: Path, method: str, path: str) -> None:
    async with place(tmp_path) as found:
        status, body = await raw(found, method, path)
        assert status == 404
        if method != "HEAD":
            assert told(body)[0] == "not_found_error"
        assert not found.api.seen


async def raw(found: Place, method: str, path: str) -> tuple[int, bytes]:
    """Status and body of a request whose path is sent exactly as it is written."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(found.url.rpartition(":")[2]))
    text = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer lead\r\n"
    writer.write(f"{text}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body
