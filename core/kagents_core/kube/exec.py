"""A command inside a container over a WebSocket, in the Kubernetes remote command protocol (v5, or v4).

Each frame starts with a channel number: 0 standard input, 1 standard output, 2 standard error, 3 the final
``Status``, 4 the terminal size; in v5, 255 closes the channel whose number follows.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson

from kagents_core.kube.errors import ApiError, Invalid, Unreachable, error_from_status, status_code

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_FRAME_LIMIT = 32 * 1024


class ExecStream:
    """Enter it to connect; iterate it for ``(1, stdout)`` and ``(2, stderr)`` until the command has ended.

    Raises ApiError on entry when the server refuses, Unreachable in the iteration when the connection breaks.
    """

    def __init__(self, connection: AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]) -> None:
        self._connection = connection
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.exit_code: int | None = None
        """The command's exit code; None until it has ended."""

    async def __aenter__(self) -> Self:
        self._socket = await self._connection.__aenter__()
        if self._socket.protocol not in PROTOCOLS:
            await self._connection.__aexit__(None, None, None)
            raise ApiError(0, "NoProtocol", "The server speaks no known exec protocol (v5 or v4 is needed).")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket = None
        await self._connection.__aexit__(kind, error, trace)

    @property
    def can_close_stdin(self) -> bool:
        """Whether the end of input can be told apart from the end of the connection (protocol v5)."""
        return self._open().protocol == PROTOCOLS[0]

    async def send(self, data: bytes) -> None:
        """Write to the command's standard input."""
        view = memoryview(data)
        for start in range(0, len(data), _FRAME_LIMIT):
            await self._frame(_STDIN, bytes(view[start : start + _FRAME_LIMIT]))

    async def close_stdin(self) -> None:
        """Tell the command that its input has ended. Raises Invalid on a server without v5."""
        if not self.can_close_stdin:
            raise Invalid(
                0, "NoHalfClose", "The server cannot end standard input: it needs Kubernetes 1.30 or newer."
            )
        await self._frame(_CLOSE, bytes([_STDIN]))

    async def resize(self, width: int, height: int) -> None:
        """Tell the command's terminal its size, in characters."""
        await self._frame(_RESIZE, orjson.dumps({"Width": width, "Height": height}))

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        socket = self._open()
        async for message in socket:
            if message.type is aiohttp.WSMsgType.ERROR:
                break
            if message.type not in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
                continue
            data = message.data if isinstance(message.data, bytes) else message.data.encode()
            if not data:
                continue
            channel, content = data[0], data[1:]
            if channel in (_STDOUT, _STDERR) and content:
                yield channel, content
            elif channel == _STATUS:
                self.exit_code = _exit_code(content)
                return
        if self.exit_code is None:
            raise Unreachable("The exec stream ended before the command did.", socket.exception())

    async def _frame(self, channel: int, content: bytes) -> None:
        try:
            await self._open().send_bytes(bytes([channel]) + content)
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable("The exec stream is closed.", error) from error

    def _open(self) -> aiohttp.ClientWebSocketResponse:
        if self._socket is None:
            raise RuntimeError("the exec stream is closed: use it inside `async with`")
        return self._socket


def _exit_code(content: bytes) -> int:
    """The exit code in the final ``Status``. Raises ApiError when the command was never started."""
    try:
        status: dict[str, Any] = orjson.loads(content)
        if status.get("status") == "Success":
            return 0
        if status.get("reason") == "NonZeroExitCode":
            causes = (status.get("details") or {}).get("causes") or []
            return int(next(cause["message"] for cause in causes if cause.get("reason") == "ExitCode"))
    except (ValueError, KeyError, StopIteration, AttributeError, TypeError):
        raise Unreachable("The exec stream ended with an unreadable status.") from None
    raise error_from_status(status_code(status), status, fallback="The command could not be run.")
