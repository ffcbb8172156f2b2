"""``log`` and ``exec`` of a pod: from HTTP and WebSocket to the kubelet and back.

The channel protocol is that of k8s.io/kubelet's remote command, versions 4 and 5: the first byte of a frame
is its channel.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from kagents_local.apiserver.errors import RefusalError, bad_request
from kagents_local.apiserver.requests import Target, flag, number
from kagents_local.pod_access import LogQuery, PodAccess, PodAccessError, ProcessStreams

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, ERROR, RESIZE, CLOSE = 0, 3, 4, 255
HEARTBEAT: Final = 30.0
FRAME_LIMIT: Final = 1 << 20
WRITE_SECONDS: Final = 30.0


def _refusal(error: PodAccessError) -> RefusalError:
    reasons = {404: "NotFound", 400: "BadRequest"}
    return RefusalError(error.status, reasons.get(error.status, "InternalError"), str(error))


def _since(query: Mapping[str, str]) -> datetime | None:
    seconds = number(query, "sinceSeconds")
    if seconds is not None:
        return datetime.now(UTC) - timedelta(seconds=min(seconds, 10**9))
    text = query.get("sinceTime", "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"sinceTime is not an RFC 3339 time: {text[:100]!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def log(
    request: web.BaseRequest, access: PodAccess, target: Target, query: Mapping[str, str]
) -> web.StreamResponse:
    """A container's log as plain text."""
    wanted = LogQuery(
        follow=flag(query, "follow"),
        tail_lines=number(query, "tailLines"),
        since=_since(query),
        timestamps=flag(query, "timestamps"),
        limit_bytes=number(query, "limitBytes"),
        previous=flag(query, "previous"),
    )
    try:
        chunks = await access.logs(target.namespace, target.name, query.get("container") or None, wanted)
    except PodAccessError as error:
        raise _refusal(error) from None
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    async with contextlib.aclosing(chunks):  # type: ignore[type-var]
        async for chunk in chunks:
            async with asyncio.timeout(WRITE_SECONDS):
                await response.write(chunk)
    return response


async def execute(
    request: web.BaseRequest, access: PodAccess, target: Target, query: Any
) -> web.StreamResponse:
    """A command beside a container's process, over a WebSocket."""
    command: Sequence[str] = query.getall("command", [])
    if not command:
        raise bad_request("you must specify at least 1 command for the container")
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise bad_request("exec is served over WebSocket only (kubectl 1.30 and newer speak it)")
    tty = flag(query, "tty")
    stdin = flag(query, "stdin")
    container = query.get("container") or None
    try:
        streams = await access.exec(target.namespace, target.name, container, command, stdin=stdin, tty=tty)
    except PodAccessError as error:
        raise _refusal(error) from None
    socket = web.WebSocketResponse(protocols=PROTOCOLS, heartbeat=HEARTBEAT, max_msg_size=FRAME_LIMIT)
    try:
        await socket.prepare(request)
        await _serve(socket, streams)
    finally:
        await streams.close()
    return socket


async def _serve(socket: web.WebSocketResponse, streams: ProcessStreams) -> None:
    """Both directions until the command has ended and all of its output is sent, or the client has left."""
    reading = asyncio.create_task(_from_client(socket, streams))
    writing = asyncio.create_task(_to_client(socket, streams))
    try:
        await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reading, writing):
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)
        with contextlib.suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(socket.close(), 5.0)


async def _to_client(socket: web.WebSocketResponse, streams: ProcessStreams) -> None:
    async for channel, data in streams.output():
        async with asyncio.timeout(WRITE_SECONDS):
            await socket.send_bytes(bytes([channel]) + data)
    status = _ending(await streams.exit_code())
    await socket.send_bytes(bytes([ERROR]) + orjson.dumps(status))


async def _from_client(socket: web.WebSocketResponse, streams: ProcessStreams) -> None:
    async for message in socket:
        if message.type is not WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel == STDIN and data:
            await streams.write(data)
        elif channel == CLOSE and data[:1] == bytes([STDIN]):
            await streams.close_stdin()
        elif channel == RESIZE:
            _resize(streams, data)


def _resize(streams: ProcessStreams, data: bytes) -> None:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        size = orjson.loads(data)
        streams.resize(min(int(size["Width"]), 10_000), min(int(size["Height"]), 10_000))


def _ending(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        "code": 500,
    }
