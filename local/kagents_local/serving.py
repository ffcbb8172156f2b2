"""The API server on its loopback port: which port, TLS, start and stop."""

import contextlib
import errno
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from kagents_local.apiserver.authentication import ADMIN
from kagents_local.apiserver.server import ApiServer
from kagents_local.apiserver.store import Store
from kagents_local.certificates import Certificates
from kagents_local.kubelet.volumes import IssueToken
from kagents_local.paths import DataDirectory, write_private
from kagents_local.pod_access import PodAccess
from kagents_local.tokens import Tokens

HOST: Final = "127.0.0.1"
SHUTDOWN_LIMIT: Final = 0.5
"""Seconds for open requests when the server stops."""


class PortTakenError(Exception):
    """The wanted port is in use; one sentence."""


@dataclass(frozen=True, slots=True)
class ApiService:
    """A server that listens."""

    port: int
    issue_token: IssueToken

    _api: ApiServer
    _runner: web.ServerRunner
    _store: Store

    async def stop(self) -> None:
        """Close the port, end what is open, and close the store."""
        self._api.stop_watches()
        await self._runner.cleanup()
        self._store.close()


async def start_api(
    data: DataDirectory, certificates: Certificates, tokens: Tokens, port: int | None, access: PodAccess
) -> ApiService:
    """Serve the data directory's store. Raises PortTakenError when ``port`` was asked for and is in use."""
    listener = listen(data, port)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificates.server, certificates.server_key)
        store = Store(data.store)
        api = ApiServer(store, tokens={tokens.admin: ADMIN}, key=tokens.signing_key, pod_access=access)
        # A client that leaves ends its request: a watch would otherwise be kept until its next event.
        server = web.Server(api.handle, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_LIMIT)
        await runner.setup()
        await web.SockSite(runner, listener, ssl_context=context).start()
    except BaseException:
        listener.close()
        raise
    return ApiService(listener.getsockname()[1], api.issue_token, api, runner, store)


def listen(data: DataDirectory, port: int | None) -> socket.socket:
    """Bind the wanted port, else the one of the last time, else a free one, and remember it."""
    listener = _bound(port or _last_port(data))
    if listener is None and port is not None:
        raise PortTakenError(f"port {port} is in use by another program; choose another with --port")
    if listener is None:
        listener = _bound(0)
    if listener is None:
        raise PortTakenError(f"no port of {HOST} can be had")
    number = str(listener.getsockname()[1]).encode()
    with contextlib.suppress(FileNotFoundError):
        if data.port.read_bytes() == number:
            return listener
    write_private(data.port, number)
    return listener


def _last_port(data: DataDirectory) -> int:
    try:
        port = int(data.port.read_bytes())
    except (OSError, ValueError):
        return 0
    return port if 1 <= port <= 65535 else 0


def _bound(port: int) -> socket.socket | None:
    """A socket on the port; None when it is in use or may not be had."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise
    return listener
