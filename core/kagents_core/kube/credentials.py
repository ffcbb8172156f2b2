"""Who a request comes from: a fixed token, a token file that may change, or an exec credential plugin."""

import asyncio
import base64
import os
import time
from datetime import datetime
from typing import Any

import orjson

from kagents_core.kube.config import ClientConfig, ExecPlugin
from kagents_core.kube.errors import ConfigError

_PLUGIN_SECONDS = 60.0
_OUTPUT_LIMIT = 1024 * 1024
_RENEW_BEFORE_SECONDS = 30.0


class Credentials:
    """The ``Authorization`` header of one configuration, fetched when needed and kept while it is valid."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._lock = asyncio.Lock()
        self._file_mark: tuple[int, int, int] | None = None
        self._file_token = ""
        self._plugin: dict[str, Any] | None = None
        self._plugin_expires: float | None = None

    async def authorization(self) -> str | None:
        """The header's value, or None for anonymous and certificate users. Raises ConfigError."""
        config = self._config
        if config.exec_plugin is not None:
            token = (await self._from_plugin(config.exec_plugin)).get("token")
            return f"Bearer {token}" if token else None
        if config.token_file is not None:
            return f"Bearer {self._from_file()}"
        if config.token is not None:
            return f"Bearer {config.token}"
        if config.username is not None:
            pair = f"{config.username}:{config.password or ''}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return None

    async def certificate(self) -> tuple[bytes, bytes] | None:
        """The client certificate and key (PEM) for TLS, if the user has them. Raises ConfigError."""
        config = self._config
        if config.client_certificate is not None and config.client_key is not None:
            return config.client_certificate, config.client_key
        if config.exec_plugin is None:
            return None
        status = await self._from_plugin(config.exec_plugin)
        certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
        return (certificate.encode(), key.encode()) if certificate and key else None

    def forget(self) -> bool:
        """Drop what is cached because the server refused it; False when fetching again cannot help."""
        had = self._plugin is not None or self._file_mark is not None
        self._plugin, self._file_mark = None, None
        return had

    def _from_file(self) -> str:
        path = self._config.token_file
        assert path is not None
        try:
            stat = path.stat()
            mark = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if mark != self._file_mark:
                self._file_token = path.read_text().strip()
                self._file_mark = mark
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: the token cannot be read ({error})") from None
        return self._file_token

    async def _from_plugin(self, plugin: ExecPlugin) -> dict[str, Any]:
        async with self._lock:
            fresh = self._plugin_expires is None or time.time() < self._plugin_expires - _RENEW_BEFORE_SECONDS
            if self._plugin is None or not fresh:
                self._plugin = await run_plugin(plugin)
                self._plugin_expires = _expiry(self._plugin, plugin)
            return self._plugin


async def run_plugin(plugin: ExecPlugin) -> dict[str, Any]:
    """Run a credential program; the ``status`` of the ExecCredential it prints. Raises ConfigError."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.cluster_info is not None:
        spec["cluster"] = dict(plugin.cluster_info)
    request = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    environment = {**os.environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": orjson.dumps(request).decode()}
    hint = f" ({plugin.install_hint.strip()[:300]})" if plugin.install_hint else ""
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        message = f"the credential program {plugin.command!r} cannot be started: {error.strerror}{hint}"
        raise ConfigError(message) from None
    output, complaint = await _collect(process, plugin.command)
    if process.returncode != 0:
        lines = complaint.decode(errors="replace").strip().splitlines()
        said = f": {lines[-1][:300]}" if lines else ""
        raise ConfigError(f"the credential program {plugin.command!r} failed ({process.returncode}){said}")
    try:
        status = orjson.loads(output)["status"]
        if status.get("token") or (status.get("clientCertificateData") and status.get("clientKeyData")):
            return dict(status)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ConfigError(f"the credential program {plugin.command!r} printed no usable ExecCredential")


async def _collect(process: asyncio.subprocess.Process, command: str) -> tuple[bytes, bytes]:
    """Both outputs of a process, bounded in time and size; the process never outlives this call."""
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_PLUGIN_SECONDS):
            async with asyncio.TaskGroup() as group:
                output = group.create_task(_read_bounded(process.stdout))
                complaint = group.create_task(_read_bounded(process.stderr))
            await process.wait()
        return output.result(), complaint.result()
    except TimeoutError:
        message = f"the credential program {command!r} did not end within {_PLUGIN_SECONDS:.0f} s"
        raise ConfigError(message) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _read_bounded(stream: asyncio.StreamReader) -> bytes:
    """Everything until the end; what exceeds the limit is dropped, so that the writer never blocks."""
    kept = bytearray()
    while chunk := await stream.read(65536):
        kept += chunk[: max(0, _OUTPUT_LIMIT - len(kept))]
    return bytes(kept)


def _expiry(status: dict[str, Any], plugin: ExecPlugin) -> float | None:
    stamp = status.get("expirationTimestamp")
    if stamp is None:
        return None
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        message = (
            f"the credential program {plugin.command!r} gave an unreadable expirationTimestamp {stamp!r}"
        )
        raise ConfigError(message) from None
