"""What an API server and its configuration say: kubeconfigs, watches, errors, exec, credential programs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fuzzing.harness import Harness, demand, demand_harmless, finished

from harnesses.places import scratch_file
from kagents_core.kube.config import ExecPlugin, load_kubeconfig
from kagents_core.kube.credentials import _expiry, run_plugin
from kagents_core.kube.errors import ApiError, ConfigError
from kagents_core.kube.exec import _exit_code
from kagents_core.kube.kubeconfig import read_kubeconfig
from kagents_core.kube.transport import _decode, _refusal
from kagents_core.kube.watch import WatchEvent, read_events
from kagents_core.safetext import clean


def _kubeconfig(data: bytes) -> None:
    path = str(scratch_file("kubeconfig", data))
    try:
        for name in read_kubeconfig(path).context_names[:10]:
            demand_harmless(clean(name), "a context")
            try:
                load_kubeconfig(path, context=name)
            except ConfigError as error:
                demand_harmless(clean(str(error)), "an error")
    except ConfigError as error:
        demand_harmless(clean(str(error)), "an error")


def _watch(data: bytes) -> None:
    whole = _events_in(data, len(data) or 1)
    for size in (1, 7, 1000):
        demand(
            _events_in(data[:20_000], size) == _events_in(data[:20_000], 20_000),
            f"cut into {size} it is another",
        )
    for event in whole[0]:
        demand(isinstance(event.object, dict), "an event without an object")


def _events_in(data: bytes, size: int) -> tuple[list[WatchEvent], str]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), size):
            yield data[start : start + size]

    found: list[WatchEvent] = []

    async def read() -> str:
        try:
            async for event in read_events(pieces()):
                found.append(event)
        except ApiError as error:
            return f"{type(error).__name__} {error}"
        return ""

    return found, finished(read())


class _Content:
    """A body that comes at once."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, limit: int = -1) -> bytes:
        """The next bytes."""
        limit = len(self._data) if limit < 0 else limit
        given, self._data = self._data[:limit], self._data[limit:]
        return given


class _Response:
    """As much of an answer as is looked at."""

    def __init__(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.status, self.content, self.headers, self.reason = status, _Content(data), headers, "Reason"


def _refused(data: bytes) -> None:
    head, _, body = data.partition(b"\n")
    status = int(head) if head.isdigit() and len(head) == 3 else 400
    headers = {"Retry-After": body[:12].decode("utf-8", "replace")}
    response: Any = _Response(status, body, headers)
    error = finished(_refusal(response, "GET /x"))
    demand_harmless(clean(str(error)), "an error")
    demand(len(str(error)) < 10_000, "an endless sentence")
    for lean in (True, False):
        with contextlib.suppress(ApiError):
            _decode(bytearray(body), "GET /x", lean=lean)


def _exec(data: bytes) -> None:
    try:
        _exit_code(data)
    except ApiError as error:
        demand_harmless(clean(str(error)), "an error")


def _credential(data: bytes) -> None:
    plugin = ExecPlugin(command="x", args=(), env=(), api_version="client.authentication.k8s.io/v1")
    try:
        status = _printed(data, plugin)
        _expiry(status, plugin)
    except ConfigError as error:
        demand_harmless(clean(str(error)), "an error")


def _printed(data: bytes, plugin: Any) -> dict[str, Any]:
    """What ``run_plugin`` makes of such an output, without a process for each."""

    class Process:
        returncode = 0

    async def started(*_: Any, **__: Any) -> Any:
        return Process()

    async def collected(*_: Any) -> tuple[bytes, bytes]:
        return data, b""

    from kagents_core.kube import credentials

    start, collect = asyncio.create_subprocess_exec, credentials._collect
    try:
        credentials.asyncio.create_subprocess_exec = started  # type: ignore[assignment]
        credentials._collect = collected  # type: ignore[assignment]
        return finished(run_plugin(plugin))
    finally:
        credentials.asyncio.create_subprocess_exec = start
        credentials._collect = collect


_KUBECONFIG = b"""apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: "QUJD", tls-server-name: x}
users:
- name: u
  user: {token: abc}
- name: p
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks], env: [{name: A, value: b}], interactiveMode: Never}
contexts:
- name: dev
  context: {cluster: c, user: u, namespace: n}
- name: other
  context: {cluster: c, user: p}
"""
_EVENTS = b"""{"type":"ADDED","object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"5"}}}
{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"9"}}}
{"type":"DELETED","object":{"metadata":{"name":"a"}}}
"""
_GONE = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'
_MANAGED = b'{"type":"ADDED","object":{"metadata":{"name":"a","managedFields":[{"manager":"m","fieldsV1":{"f:a":{}}}],"uid":"u"}}}\n'
_REFUSAL = (
    b'422\n{"kind":"Status","status":"Failure","message":"no","reason":"Invalid","code":422,'
    b'"details":{"causes":[{"reason":"FieldValueInvalid","field":"metadata.uid","message":"x"}]}}'
)
_EXIT = (
    b'{"metadata":{},"status":"Failure","message":"m","reason":"NonZeroExitCode",'
    b'"details":{"causes":[{"reason":"ExitCode","message":"3"}]}}'
)
_CREDENTIAL = (
    b'{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",'
    b'"status":{"token":"t","expirationTimestamp":"2026-11-22T00:00:00Z"}}'
)


def _merges() -> list[bytes]:
    merges = [b"a0: &a0 {k: v}"]
    merges += [b"a%d: &a%d {<<: [%s]}" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)]
    return [b"\n".join(merges), b"[" * 100_000]


HARNESSES = (
    Harness(
        "kubeconfig",
        "kubeconfigs",
        "kube.kubeconfig, kube.config",
        _kubeconfig,
        lambda: [_KUBECONFIG, *_merges()],
        "yaml",
    ),
    Harness(
        "watch",
        "the API server's watch",
        "kube.watch.read_events",
        _watch,
        lambda: [_EVENTS, _EVENTS + _GONE, _MANAGED],
        "lines",
    ),
    Harness(
        "refusal",
        "the API server's answers and errors",
        "kube.transport, kube.errors",
        _refused,
        lambda: [_REFUSAL, b"429\n5", b"200\n{}"],
        "bytes",
        (b'"code":', b'"details":', b"[]", b"null", b"1"),
    ),
    Harness(
        "exec",
        "the last word of an exec",
        "kube.exec",
        _exec,
        lambda: [_EXIT, b'{"status":"Success"}'],
        "json",
    ),
    Harness(
        "credential",
        "what credential programs print",
        "kube.credentials",
        _credential,
        lambda: [_CREDENTIAL],
        "json",
    ),
)
