"""HTTP to one API server: a single session with TLS, credentials, time limits, and our own errors."""

import asyncio
import random
import socket
import ssl
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from yarl import URL

from kagents_core.kube.config import ClientConfig
from kagents_core.kube.credentials import Credentials
from kagents_core.kube.errors import ApiError, ConfigError, Unauthorized, Unreachable, error_from_status
from kagents_core.kube.lean import loads

RESPONSE_LIMIT = 256 * 1024 * 1024
"""Bytes of one answer: far above any real page of 500 objects, far below what would hurt."""

REQUEST_SECONDS = 30.0
CONNECTIONS = 256
_CONNECT_SECONDS = 10.0
_ERROR_BODY_LIMIT = 64 * 1024
_RETRIES = 5
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Query = Sequence[tuple[str, str]]


class Transport:
    """Sends requests with the configuration's credentials. Open it with ``async with``, once.

    ``connections`` are open at most at once, watches and streams included; a further request waits for one.
    """

    def __init__(self, config: ClientConfig, connections: int = CONNECTIONS) -> None:
        self.config = config
        self._connections = connections
        self._credentials = Credentials(config)
        self._base = URL(config.server)
        self._session: aiohttp.ClientSession | None = None
        self._proxy = _proxy_for(config, self._base)

    async def __aenter__(self) -> Self:
        tls: ssl.SSLContext | bool = True
        if self._base.scheme == "https":
            tls = _tls_context(self.config, await self._credentials.certificate())
        connector = aiohttp.TCPConnector(ssl=tls, limit=self._connections, socket_factory=_keepalive_socket)
        # As kubectl does: exec and logs are not JSON, and a server answers 406 to who takes nothing else.
        headers = {"User-Agent": "kagents", "Accept": "application/json, */*"}
        if not self.config.compression or self._base.host in _LOOPBACK:
            headers["Accept-Encoding"] = "identity"
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any = None,
        content_type: str = "application/json",
        seconds: float = REQUEST_SECONDS,
        lean: bool = False,
    ) -> Any:
        """One request and its decoded JSON answer. Raises ApiError; waits when the server asks for it.

        ``lean``: without the ``managedFields`` of what is answered.
        """
        data = None if body is None else orjson.dumps(body)
        headers = {} if data is None else {"Content-Type": content_type}
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS)
        for attempt in range(_RETRIES + 1):
            try:
                async with self._send(method, path, query, headers, timeout, data) as response:
                    return _decode(await _read(response, RESPONSE_LIMIT), f"{method} {path}", lean=lean)
            except Unauthorized:
                if attempt > 0 or not self._credentials.forget():
                    raise
            except ApiError as error:
                if error.retry_after is None or attempt == _RETRIES:
                    raise
                await asyncio.sleep(min(error.retry_after, 30.0) * random.uniform(1.0, 1.25))  # noqa: S311
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Query = (), read_seconds: float | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of a GET as chunks. ``read_seconds`` limits the silence between two chunks.

        Without it TCP keep-alive alone notices a dead peer, within about a minute.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=read_seconds)
        async with self._send("GET", path, query, {}, timeout, None) as response:
            yield self._chunks(response)

    @asynccontextmanager
    async def websocket(
        self, path: str, *, query: Query, protocols: Sequence[str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket with one of ``protocols``; pings keep it alive and end it when the peer is gone."""
        session = self._opened()
        headers = await self._authorized({})
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                socket_ = await session.ws_connect(
                    self._url(path, query),
                    protocols=protocols,
                    headers=headers,
                    heartbeat=30.0,
                    max_msg_size=16 * 1024 * 1024,
                    proxy=self._proxy,
                    server_hostname=self.config.tls_server_name,
                )
        except aiohttp.WSServerHandshakeError as error:
            raise await self._handshake_error(error, path, query) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error, REQUEST_SECONDS) from error
        try:
            yield socket_
        finally:
            await socket_.close()

    async def _handshake_error(
        self, error: aiohttp.WSServerHandshakeError, path: str, query: Query
    ) -> ApiError:
        """The server's own words, asked for plainly: aiohttp drops the body of a refused upgrade."""
        plain: ApiError = error_from_status(error.status, None, fallback=f"{path}: HTTP {error.status}")
        if error.status in (401, 403, 404):
            try:
                await self.request("GET", path, query=query, seconds=10.0)
            except ApiError as answer:
                if answer.status == error.status:
                    return answer
        return plain

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: dict[str, str],
        timeout: aiohttp.ClientTimeout,
        data: bytes | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        session = self._opened()
        headers = await self._authorized(headers)
        try:
            async with session.request(
                method,
                self._url(path, query),
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxy,
                server_hostname=self.config.tls_server_name,
            ) as response:
                if response.status >= 300:
                    raise await _refusal(response, f"{method} {path}")
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error, timeout.total or timeout.sock_read or _CONNECT_SECONDS) from error

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error, 0.0) from error

    async def _authorized(self, headers: dict[str, str]) -> dict[str, str]:
        authorization = await self._credentials.authorization()
        return headers if authorization is None else {**headers, "Authorization": authorization}

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is closed: use it inside `async with`")
        return self._session

    def _url(self, path: str, query: Query) -> URL:
        return self._base.joinpath(path.lstrip("/"), encoded=True).with_query(list(query))

    def _unreachable(self, error: BaseException, seconds: float) -> Unreachable:
        server = self.config.server
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            problem = error.certificate_error
            words = str(getattr(problem, "verify_message", None) or problem).rstrip(".")
            return Unreachable(f"The certificate of {server} is not trusted: {words}.", error)
        if isinstance(error, aiohttp.ClientConnectorError):
            return Unreachable(f"{server} cannot be reached: {error.os_error.strerror or error}.", error)
        if isinstance(error, TimeoutError):
            limit = f" within {seconds:g} s" if seconds else " in time"
            return Unreachable(f"{server} did not answer{limit}.", error)
        return Unreachable(
            f"The connection to {server} broke off: {str(error) or type(error).__name__}.", error
        )


def _decode(data: bytearray, what: str, *, lean: bool) -> Any:
    parse = loads if lean else orjson.loads
    try:
        return parse(data) if data else None
    except orjson.JSONDecodeError:
        raise ApiError(
            200, "NotJSON", f"{what}: the answer is not JSON; is this a Kubernetes API server?"
        ) from None


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytearray:
    if (response.content_length or 0) <= limit:
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > limit:
                break
        else:
            return data
    raise Unreachable(f"The answer is larger than {limit // 1048576} MiB.")


async def _refusal(response: aiohttp.ClientResponse, what: str) -> ApiError:
    """The error that an answer with a status of 300 or more stands for."""
    data = await response.content.read(_ERROR_BODY_LIMIT)
    while len(data) < _ERROR_BODY_LIMIT and (
        more := await response.content.read(_ERROR_BODY_LIMIT - len(data))
    ):
        data += more
    try:
        status = orjson.loads(data)
    except orjson.JSONDecodeError:
        status = None
    retry_after = None
    if response.status == 429 or response.status >= 500:
        header = response.headers.get("Retry-After", "")
        retry_after = float(header) if header.isdecimal() else None
    fallback = f"{what}: HTTP {response.status} {response.reason or ''}".rstrip()
    body: Mapping[str, Any] | None = status if isinstance(status, dict) else None
    return error_from_status(response.status, body, fallback=fallback, retry_after=retry_after)


def _tls_context(config: ClientConfig, certificate: tuple[bytes, bytes] | None) -> ssl.SSLContext:
    try:
        authority = None if config.ca_data is None else config.ca_data.decode("ascii")
        context = ssl.create_default_context(cadata=authority)
        if config.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate is not None:
            # OpenSSL reads certificates from files only; this one is 0600 and gone at the end of the block.
            with tempfile.NamedTemporaryFile() as pem:
                pem.write(b"\n".join(certificate))
                pem.flush()
                context.load_cert_chain(pem.name)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "not PEM"
        raise ConfigError(
            f"{config.source or config.server}: certificate or key cannot be used ({reason})"
        ) from None
    return context


def _keepalive_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices a vanished peer within a minute even when nothing is sent."""
    family, kind, protocol = address[0], address[1], address[2]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made


def _proxy_for(config: ClientConfig, base: URL) -> str | None:
    """The kubeconfig's proxy, else the environment's, never for loopback."""
    if config.proxy_url is not None:
        return config.proxy_url
    host = base.host or ""
    if host in _LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(base.scheme)
