"""What other services answer: forges, GitHub Apps, registries; and secrets in the forms of other tools."""

import contextlib
import io
import json
from typing import Any, Final

from fuzzing.harness import Harness, demand, demand_harmless, finished

from harnesses.places import scratch
from kagents_controller.webhook_keys import SigningKeyError, WebhookKeys
from kagents_core.safetext import clean
from kagents_runner.finish import github, gitlab
from kagents_runner.finish.address import ForgeAddress
from kagents_runner.finish.documents import Intents, read_merged, read_wish
from kagents_runner.finish.forge import ForgeError, Request, Wire
from kagents_runner.registry.pull import _Registry
from kagents_runner.registry.reference import account_of, parse_reference
from kagents_runner.termination import RunnerError

_ADDRESS: Final = "https://forge.example"


class _Answer:
    """One answer."""

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status, self.headers, self._data = status, headers, io.BytesIO(data)
        self.content = self

    async def __aenter__(self) -> "_Answer":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def release(self) -> None:
        """Nothing is held."""

    async def read(self, limit: int = -1) -> bytes:
        """The next bytes."""
        return self._data.read(limit)

    async def iter_chunked(self, size: int) -> Any:
        """The body."""
        while data := self._data.read(size):
            yield data


class _Session:
    """Answers as the input says: status, a header field, and the body; the last one for ever."""

    def __init__(self, data: bytes, header: str) -> None:
        self._answers, self._header = data.split(b"\n===\n"), header
        self.asked = 0

    def request(self, method: str, url: str, **_: Any) -> _Answer:
        """The next answer."""
        self.asked += 1
        demand(self.asked < 200, "it asks for ever")
        text = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        head, _, body = text.partition(b"\n")
        status, _, field = head.decode("latin-1").partition(" ")
        code = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 200
        return _Answer(code, {self._header: field} if field else {}, body)

    def get(self, url: str, **options: Any) -> Any:
        """A GET, which may be awaited or entered."""
        return _Got(self.request("GET", url, **options))


class _Got:
    """As aiohttp has it."""

    def __init__(self, answer: _Answer) -> None:
        self._answer = answer

    def __await__(self) -> Any:
        async def given() -> _Answer:
            return self._answer

        return given().__await__()

    async def __aenter__(self) -> _Answer:
        return self._answer

    async def __aexit__(self, *_: object) -> None:
        return None


def _forge(data: bytes) -> None:
    request: Any = Request(1, "https://forge.example/1", "open", "", False)
    for made in (github.GitHub, gitlab.GitLab):
        wire = Wire(_ADDRESS, {})
        session: Any = _Session(data, "retry-after")
        wire._session = session
        forge: Any = made(wire, ForgeAddress("github", _ADDRESS, "owner/name"))
        for ask in (
            lambda forge=forge: forge.find("kagents/demo/finish"),
            lambda forge=forge: forge.create(head="h", target="main", title="t", body="b", draft=False),
            lambda forge=forge: forge.checks(request, "0" * 40),
            lambda forge=forge: forge.label(request, ("a",)),
            lambda forge=forge: forge.ask(request, ("a", "b/c")),
        ):
            try:
                _told(finished(ask()))
            except ForgeError as error:
                demand(len(str(error)) < 2000, "an endless sentence")
                demand_harmless(str(error), "an error")


def _told(found: Any) -> None:
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, Request):
            demand(isinstance(each.number, int), "a request without a number")
            _ = each.shown_state


def _registry(data: bytes) -> None:
    session: Any = _Session(data, "Location")
    other: Any = _Session(data, "WWW-Authenticate")
    for each in (session, other):
        registry = _Registry(each, parse_reference("registry.example/a/b:1"), ("name", "word"))
        try:
            finished(registry.layers())
        except RunnerError as error:
            demand(len(str(error)) < 2000, "an endless sentence")


def _account(data: bytes) -> None:
    folder = scratch() / "registry"
    folder.mkdir(exist_ok=True)
    (folder / ".dockerconfigjson").write_bytes(data)
    try:
        account_of(folder, parse_reference("registry.example/a/b:1"))
    except RunnerError as error:
        demand("Secret" in str(error), "an error that does not say what to mend")


def _reference(data: bytes) -> None:
    try:
        found = parse_reference(data.decode("utf-8", "replace"))
    except RunnerError:
        return
    demand(found.base.startswith("http"), "an address of another kind")


def _key(data: bytes) -> None:
    folder = scratch() / "keys"
    folder.mkdir(exist_ok=True)
    (folder / "agents").write_bytes(data)
    try:
        WebhookKeys(folder).signatures("agents", "id", 1, b"{}")
    except SigningKeyError as error:
        demand_harmless(clean(str(error)), "an error")


def _finish(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for read in (read_wish,):
        try:
            read(text)
        except RunnerError as error:
            demand(len(str(error)) < 20_000, "an endless sentence")
    folder = scratch() / "finish"
    folder.mkdir(exist_ok=True)
    (folder / "merged.json").write_bytes(data)
    (folder / "intent.json").write_bytes(data)
    with contextlib.suppress(RunnerError):
        read_merged(folder)
    with contextlib.suppress(RunnerError):
        Intents(folder).read()


def _forges() -> list[bytes]:
    request = {
        "number": 7,
        "html_url": "u",
        "state": "open",
        "body": "b",
        "draft": False,
        "head": {"ref": "kagents/demo/finish"},
        "iid": 7,
        "web_url": "u",
        "description": "d",
        "source_branch": "kagents/demo/finish",
        "id": 3,
        "status": "success",
    }
    checks = {
        "check_runs": [{"status": "completed", "conclusion": "success"}],
        "statuses": [{"state": "pending"}],
    }
    found = [f"200\n{json.dumps(each)}".encode() for each in ([request], request, checks, [])]
    refused = {"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}, "x"]}
    return [*found, b"\n===\n".join(found), b"422 5\n" + json.dumps(refused).encode(), b"502\n<html>"]


def _registries() -> list[bytes]:
    import hashlib

    layer = b"hello"
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    entry = {
        "mediaType": "x",
        "digest": digest,
        "size": 5,
        "annotations": {"org.opencontainers.image.title": "SKILL.md"},
    }
    manifest = json.dumps({"schemaVersion": 2, "layers": [entry]}).encode()
    index = json.dumps({"manifests": [{"digest": digest, "size": 5}]}).encode()
    challenge = b'401 Bearer realm="https://registry.example/token",service="s",scope="r"\n\n===\n'
    return [
        b"200\n" + manifest + b"\n===\n200\n" + layer,
        b"200\n" + index + b"\n===\n200\n" + manifest,
        challenge + b'200\n{"token":"t"}\n===\n200\n' + manifest + b"\n===\n200\nhello",
        b"307 https://other.example/x\n\n===\n200\n" + manifest,
    ]


_MERGED = (
    b'{"base":"0","commit":"1","files":3,"work":[{"agent":"worker","commits":1,"files":["a"]}],"summary":"s",'
    b'"tasks":"t","cost":"1.00","head":"h","target":"main","retry":""}'
)
_WISH = (
    b'{"branch":"b","order":["worker"],"retry":"","scopes":{"worker":{"include":["src/**"],"exclude":[],"onViolation":"fail"}},'
    b'"pullRequest":{"title":"t","target":"main","reviewers":["a"],"labels":["b"],"draft":false,"provider":"github",'
    b'"apiUrl":null,"glanceSeconds":1,"waitSeconds":0}}'
)
_DOCKER = b'{"auths":{"https://registry.example/v1/":{"auth":"bmFtZTp3b3Jk"},"o.example":{"username":"a","password":"b"}}}'

HARNESSES = (
    Harness(
        "forge",
        "answers of GitHub and GitLab, of GitHub Apps too",
        "finish.forge, github, gitlab",
        _forge,
        _forges,
        "bytes",
        (b"\n===\n", b"200\n", b"422\n", b'"errors":', b'"number":', b"null", b"[]", b"{}", b"1"),
    ),
    Harness(
        "registry",
        "answers of OCI registries",
        "registry.pull",
        _registry,
        _registries,
        "bytes",
        (b"\n===\n", b"307 ", b"401 ", b"https://[x", b'realm="', b'"layers":', b'"size":'),
    ),
    Harness(
        "registry-account",
        "docker configurations",
        "registry.reference.account_of",
        _account,
        lambda: [_DOCKER],
        "json",
    ),
    Harness(
        "reference",
        "names of OCI artifacts",
        "registry.reference.parse_reference",
        _reference,
        lambda: [b"registry.example:5000/a/b:1", b"r.io/a@sha256:" + b"0" * 64],
        "bytes",
    ),
    Harness(
        "webhook-key",
        "signing keys",
        "controller.webhook_keys",
        _key,
        lambda: [b"whsec_" + b"QUJD" * 8 + b"\n"],
        "bytes",
    ),
    Harness(
        "finish", "what merge left for finish", "finish.documents", _finish, lambda: [_MERGED, _WISH], "json"
    ),
)
