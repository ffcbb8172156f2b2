"""What finishing needs of a forge, the ways its answers can end, and the one connection to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

import aiohttp
import orjson

from kagents_core.safetext import clean
from kagents_runner.finish.checks import Checks
from kagents_runner.reading import at_most

SECONDS: Final = 30.0
_ANSWER_LIMIT: Final = 4 * 1024 * 1024


class ForgeError(Exception):
    """A request that did not succeed; ``str()`` is one plain sentence without a secret."""


class NotSentError(ForgeError):
    """It never reached the server: nothing was made, and it can be tried again."""


class RefusedError(ForgeError):
    """The server refused it (4xx): nothing was made, and a person must change something."""

    def __init__(self, sentence: str, status: int) -> None:
        """The sentence, and the HTTP status."""
        super().__init__(sentence)
        self.status = status


class LaterError(ForgeError):
    """The server asks to come back later (429, or 403 with a rate limit): nothing was made."""


class UnknownError(ForgeError):
    """It was sent, and nobody knows what became of it: time-out, a broken connection, 5xx."""


@dataclass(frozen=True, slots=True)
class Request:
    """A pull or merge request."""

    number: int
    url: str
    state: str
    body: str
    draft: bool = False

    @property
    def shown_state(self) -> str:
        """``open``, ``draft``, ``merged`` or ``closed``, in people's words."""
        return "draft" if self.draft and self.state == "open" else self.state


class Forge(Protocol):
    """GitHub or GitLab, as far as finishing uses them. Every method raises ``ForgeError``."""

    async def find(self, head: str) -> list[Request]:
        """Every request from this branch, whatever its state."""

    async def create(self, *, head: str, target: str, title: str, body: str, draft: bool) -> Request:
        """Makes the request."""

    async def label(self, request: Request, labels: tuple[str, ...]) -> None:
        """Adds labels."""

    async def ask(self, request: Request, reviewers: tuple[str, ...]) -> None:
        """Asks people to review."""

    async def checks(self, request: Request, commit: str) -> Checks:
        """What the request's checks say of this commit."""


class Wire:
    """JSON over HTTP to one API: no redirects, bounded answers, a time limit, the token in a header only."""

    def __init__(self, api: str, headers: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        """``headers`` carry the credential."""
        self._api = api
        self._headers = {"User-Agent": "kagents", **headers}
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, 10.0))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """The decoded answer. Raises ``ForgeError``."""
        assert self._session is not None
        what = f"{method} {self._api}{path.split('?')[0]}"
        try:
            async with self._session.request(
                method,
                self._api + path,
                params=query,
                data=None if body is None else orjson.dumps(body),
                headers={**self._headers, "Content-Type": "application/json"},
                allow_redirects=False,
            ) as answer:
                text = await at_most(answer.content, _ANSWER_LIMIT)
                return _judge(what, answer.status, answer.headers, text)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSentError(f"{what}: the server cannot be reached ({_kind(error)}).") from error
        except aiohttp.InvalidURL as error:
            raise RefusedError(f"{what}: this is no address of an API.", 0) from error
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise UnknownError(f"{what}: no answer came ({_kind(error)}).") from error


def _judge(what: str, status: int, headers: Mapping[str, str], text: bytes) -> Any:
    if 200 <= status < 300:
        try:
            return orjson.loads(text) if text else None
        except ValueError as error:
            raise UnknownError(f"{what}: the answer {status} is not JSON.") from error
    said = f"{what}: {status} {_words(text)}".rstrip()
    limited = status == 403 and (headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers)
    if status in (408, 429) or limited:
        raise LaterError(f"{said} (rate limit).")
    if status >= 500:
        raise UnknownError(f"{said}.")
    raise RefusedError(f"{said}.", status)


def _words(text: bytes) -> str:
    """What the server says, in one line."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    parts = [str(value.get("message") or value.get("error") or "")]
    for entry in value.get("errors") or ():
        parts.append(
            str(entry.get("message") or entry.get("code") or "") if isinstance(entry, dict) else str(entry)
        )
    return clean("; ".join(part for part in parts if part), limit=300, multiline=False)


def _kind(error: BaseException) -> str:
    return clean(str(error) or type(error).__name__, limit=200, multiline=False)
