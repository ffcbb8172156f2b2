"""What the gateway and its relay hear: answers of the model's API, requests, tokens, keys, credentials."""

import base64
import json
import struct
import time
import zlib
from typing import Any, Final

from fuzzing.harness import Harness, demand, demand_harmless, finished

from harnesses.places import scratch
from kagents_core.reconcile.names import child_name
from kagents_local.apiserver.service_tokens import ServiceTokens, TokenRefusedError
from kagents_runner.gateway import messages
from kagents_runner.gateway.google import GoogleAccount, GoogleError, account_of
from kagents_runner.gateway.identity import AUDIENCE, Identities, Team
from kagents_runner.gateway.passing import _stream
from kagents_runner.gateway.published_keys import PublishedKeys
from kagents_runner.gateway.seams import CallersNotKnownYet, UnknownCaller
from kagents_runner.gateway.usage import Usage

_STREAM: Final = "text/event-stream"
_AMAZON: Final = "application/vnd.amazon.eventstream"


def _used(data: bytes, kind: str, encoding: str, size: int) -> tuple[Any, ...]:
    usage = Usage(kind, encoding)
    for start in range(0, len(data), size):
        usage.feed(data[start : start + size])
    usage.end()
    counts = usage.counts("claude-sonnet-4-5")
    demand_harmless(usage.response_id, "an id")
    if counts is not None:
        demand_harmless(counts.model, "a model")
        for name, times in counts.server_tools.items():
            demand_harmless(name, "a tool")
            demand(0 <= times <= 10**12, "an absurd count")
        demand(0 <= counts.input < 10**13 and 0 <= counts.output < 10**13, "an absurd count")
    return counts, usage.response_id, usage.ended, usage.failed


def _cut_anywhere(kind: str, encoding: str = "") -> Any:
    def feed(data: bytes) -> None:
        if encoding and not _unpacks(data):
            _used(data, kind, encoding, 7)
            return  # how much of it is read before it breaks depends on where it is cut
        whole = _used(data, kind, encoding, len(data) or 1)
        sizes = (1, 2, 3, 16) if len(data) <= 3000 else (509, 4096)
        for size in sizes:
            demand(
                _used(data, kind, encoding, size) == whole,
                f"cut into pieces of {size} it tells something else",
            )

    return feed


def _unpacks(data: bytes) -> bool:
    """Whether a stream is packed well, as far as it goes."""
    try:
        zlib.decompressobj(wbits=47).decompress(data, 2**24)
    except zlib.error:
        return False
    return True


class _Wire:
    """Takes what the gateway writes to the agent."""

    def __init__(self) -> None:
        self.written = bytearray()

    async def write(self, data: bytes) -> None:
        """The next bytes."""
        self.written += data


class _Answer:
    """An answer of the model's API that comes in pieces."""

    def __init__(self, data: bytes, size: int) -> None:
        self.content, self._data, self._size = self, data, size

    async def iter_any(self) -> Any:
        """The pieces."""
        for start in range(0, len(self._data), self._size):
            yield self._data[start : start + self._size]


class _Silent:
    """A bill that nobody writes down."""

    def __init__(self) -> None:
        self.usage = Usage(_STREAM, "")
        self.settled = 0

    def heard(self) -> None:
        """Nothing is done with it."""

    async def settle(self) -> None:
        """Once at least for an answer that has told its end."""
        self.settled += 1


def _passed_on(data: bytes) -> None:
    """What the agent gets is what the model's API has sent, to the byte."""
    size = len(data) % 61 + 1 if len(data) < 5000 else 1460
    wire, bill = _Wire(), _Silent()
    passing: Any = _stream
    finished(passing(wire, _Answer(data, size), bill))
    demand(bytes(wire.written) == data, "other bytes than came are passed on")
    demand(not bill.usage.ended or bill.settled > 0, "an end is passed on before it is written down")


def _message(data: bytes) -> None:
    head, _, body = data.partition(b"\r\n\r\n")
    for read in (messages.request, lambda given: messages.answer(given, b"POST")):
        try:
            found = read(head + b"\r\n\r\n")
        except messages.MessageError:
            continue
        taken = _taken(found.body, body, len(body) or 1)
        again = _taken((read(head + b"\r\n\r\n")).body, body, 1) if len(body) < 3000 else taken
        demand(taken == again, "cut into bytes it ends elsewhere")
        raw = found.head.without((b"connection",)).bytes((b"host", b"x"))
        demand(
            raw.endswith(b"\r\n\r\n") and raw.count(b"\r\n\r\n") == 1, "a field has become a line of its own"
        )


def _taken(body: messages.Body, data: bytes, size: int) -> tuple[int, bool] | str:
    at = 0
    try:
        while at < len(data) and not body.done:
            piece = data[at : at + size]
            took = body.take(piece)
            at += took
            if took < len(piece):
                break
    except messages.MessageError as error:
        return type(error).__name__
    return at, body.done


_NOW: Final = 1_800_000_000.0
_TEAM: Final = Team("demo", "agents", "11111111-2222-3333-4444-555555555555", ("lead", "worker"))


class _Signer:
    """A cluster that signs tokens and publishes its keys."""

    def __init__(self) -> None:
        import jwt
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
        from jwt.algorithms import ECAlgorithm

        self._private: Any = generate_private_key(SECP256R1())
        public = ECAlgorithm.to_jwk(self._private.public_key(), as_dict=True)
        self.keys = {"keys": [{"use": "sig", "kid": "k1", "alg": "ES256", **public}]}
        self._encode = jwt.encode

    def pem(self) -> bytes:
        """The private key."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        pem: bytes = self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem

    def token(self, agent: str) -> bytes:
        """Of an agent's pod."""
        pod = child_name(_TEAM.name, _TEAM.uid, agent)
        bound = {
            "namespace": "agents",
            "pod": {"name": pod, "uid": "p"},
            "serviceaccount": {"name": "default"},
        }
        claims = {"aud": [AUDIENCE], "iss": "cluster", "iat": _NOW, "nbf": _NOW, "exp": _NOW + 3600}
        return self._encode(
            {**claims, "kubernetes.io": bound}, self._private, "ES256", headers={"kid": "k1"}
        ).encode()

    def signed(self, claims: bytes) -> str:
        """Claims of any form, signed well: a cluster says what it likes."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        head = b'{"alg":"ES256","kid":"k1","typ":"JWT"}'
        text = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in (head, claims))
        r, s = decode_dss_signature(self._private.sign(text, ECDSA(SHA256())))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return (text + b"." + base64.urlsafe_b64encode(raw).rstrip(b"=")).decode()


_SIGNERS: list[_Signer] = []


def _signer() -> _Signer:
    if not _SIGNERS:
        _SIGNERS.append(_Signer())
    return _SIGNERS[0]


def _asked(token: str, keys: Any) -> str | None:
    async def ask() -> Any:
        return keys

    folder = scratch() / "identity"
    folder.mkdir(exist_ok=True)
    known = Identities(_TEAM, PublishedKeys(ask), lambda: "cluster", folder, clock=lambda: _NOW + 1)
    try:
        return finished(known.agent_of(f"Bearer {token}"))
    except (UnknownCaller, CallersNotKnownYet):
        return None


def _token(data: bytes) -> None:
    """A token of anybody: only the two that were issued are somebody's."""
    text = data.decode("ascii", "replace").strip()
    found = _asked(text, _signer().keys)
    good = {_signer().token(name).rpartition(b".")[0] for name in ("lead", "worker")}
    demand(
        found is None or text.rpartition(".")[0].encode() in good, "a token that nobody issued is somebody's"
    )


def _claims(data: bytes) -> None:
    _asked(_signer().signed(data), _signer().keys)


def _keys(data: bytes) -> None:
    try:
        keys = json.loads(data)
    except (ValueError, RecursionError):
        return  # the client has refused it before: harness ``refusal``
    _asked(_signer().token("lead").decode(), keys)


def _attempts(data: bytes) -> None:
    folder = scratch() / "remembered"
    folder.mkdir(exist_ok=True)
    (folder / "attempts.json").write_bytes(data)

    async def ask() -> Any:
        return None

    try:
        Identities(_TEAM, PublishedKeys(ask), lambda: "cluster", folder)
    except (OSError, ValueError):
        return  # declared: the verb says so and ends (64)


def _engine_token(data: bytes) -> None:
    if not _ENGINE:
        _ENGINE.append(ServiceTokens(_signer().pem(), time.time))
    try:
        _ENGINE[0].check(data.decode("utf-8", "replace"))
    except TokenRefusedError:
        return
    demand(False, "a token that nobody issued is somebody's")


_ENGINE: list[ServiceTokens] = []


def _google(data: bytes) -> None:
    try:
        account = account_of(data)
    except GoogleError as error:
        demand_harmless(str(error), "an error")
        return
    try:
        account._word(int(_NOW))
    except GoogleError as error:
        demand_harmless(str(error), "an error")


class _Post:
    """Google's token service, as it answers one request."""

    def __init__(self, data: bytes) -> None:
        self._data, self.status, self.content = data, 200, self

    def post(self, *_: Any, **__: Any) -> "_Post":
        """A request."""
        return self

    async def __aenter__(self) -> "_Post":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def read(self, limit: int = -1) -> bytes:
        """The next bytes."""
        given, self._data = self._data[:limit], self._data[limit:]
        return given


def _google_answer(data: bytes) -> None:
    account = GoogleAccount("a@b", "k", b"x", "https://oauth2.example/token", clock=lambda: _NOW)
    account._word = lambda now: "word"  # type: ignore[method-assign]
    session: Any = _Post(data)
    try:
        token = finished(account.token(session))
        demand(token.isprintable(), "a token that is no header")
    except GoogleError as error:
        demand_harmless(str(error), "an error")


def _sse() -> bytes:
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "model": "claude-sonnet-4-5",
                "usage": {
                    "input_tokens": 100,
                    "cache_creation_input_tokens": 30,
                    "cache_read_input_tokens": 40,
                    "output_tokens": 1,
                    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                    "server_tool_use": {"web_search_requests": 2},
                    "iterations": [{"type": "compaction", "input_tokens": 3}],
                },
            },
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hällo"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}},
        {"type": "message_stop"},
    ]
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in events
    )


def _amazon() -> bytes:
    found = b""
    for line in _sse().split(b"\n"):
        if line.startswith(b"data: "):
            body = json.dumps({"bytes": base64.b64encode(line[6:]).decode(), "p": "x"}).encode()
            name, value = b":message-type", b"event"
            headers = bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
            prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
            message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + body
            found += message + struct.pack(">I", zlib.crc32(message))
    return found


def _packed() -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(_sse()) + packer.flush()


_BODY = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-sonnet-4-5",
    "content": [],
    "usage": {"input_tokens": 5, "output_tokens": 7},
}
_POST = (
    b"POST /x/v1/messages HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"
_ACCOUNT = {
    "client_email": "a@b",
    "private_key": "x",
    "private_key_id": "k",
    "token_uri": "https://o.example/t",
}
_CLAIMS = {
    "aud": [AUDIENCE],
    "iss": "cluster",
    "iat": _NOW,
    "nbf": _NOW,
    "exp": _NOW + 3600,
    "kubernetes.io": {"namespace": "agents", "pod": {"name": child_name("demo", _TEAM.uid, "lead")}},
}

HARNESSES = (
    Harness(
        "sse",
        "the model's stream of events",
        "gateway.framing, tokens, usage",
        _cut_anywhere(_STREAM),
        lambda: [_sse(), _sse().replace(b"\n", b"\r\n"), _sse().replace(b"\n", b"\r")],
        "bytes",
        (b"data: ", b"event: message_stop\n", b"\n\n", b"\r\n\r\n", b'"usage":', b'"type":"message_stop"'),
    ),
    Harness(
        "sse-passed-on",
        "the same on its way to the agent",
        "gateway.passing",
        _passed_on,
        lambda: [_sse()],
        "bytes",
        (b"\n\n", b"data: "),
    ),
    Harness(
        "event-stream",
        "Bedrock's stream of events",
        "gateway.framing.AmazonEvents",
        _cut_anywhere(_AMAZON),
        lambda: [_amazon()],
        "bytes",
    ),
    Harness(
        "packed-stream",
        "a compressed stream",
        "gateway.usage",
        _cut_anywhere(_STREAM, "gzip"),
        lambda: [_packed()],
        "bytes",
    ),
    Harness(
        "model-body",
        "the model's answer as a whole",
        "gateway.tokens",
        _cut_anywhere("application/json"),
        lambda: [json.dumps(_BODY).encode()],
        "json",
    ),
    Harness(
        "http",
        "heads and bodies between CLI, relay and gateway",
        "gateway.messages",
        _message,
        lambda: [_POST, _OK],
        "bytes",
        (
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\n",
            b"Connection: close\r\n",
            b"\r\n",
            b"0\r\n\r\n",
        ),
    ),
    Harness(
        "agent-token",
        "tokens that callers show",
        "gateway.identity",
        _token,
        lambda: [_signer().token("lead"), _signer().token("worker")],
        "bytes",
        (b"eyJhbGciOiJub25lIn0",),
    ),
    Harness(
        "token-claims",
        "claims under a good signature",
        "gateway.identity",
        _claims,
        lambda: [json.dumps(_CLAIMS).encode()],
        "json",
    ),
    Harness(
        "jwks",
        "the cluster's published keys",
        "gateway.published_keys",
        _keys,
        lambda: [json.dumps(_signer().keys).encode()],
        "json",
    ),
    Harness(
        "attempts", "attempts.json", "gateway.identity", _attempts, lambda: [b'{"lead":0,"worker":2}'], "json"
    ),
    Harness(
        "engine-token",
        "tokens shown to the embedded engine",
        "apiserver.service_tokens",
        _engine_token,
        lambda: [_signer().token("lead")],
        "bytes",
    ),
    Harness(
        "google-account",
        "a service account's file",
        "gateway.google.account_of",
        _google,
        lambda: [json.dumps(_ACCOUNT).encode()],
        "json",
    ),
    Harness(
        "google-token",
        "answers of Google's token service",
        "gateway.google",
        _google_answer,
        lambda: [b'{"access_token":"t","expires_in":3600}'],
        "json",
    ),
)
