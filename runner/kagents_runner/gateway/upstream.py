"""The model's API: requests are sent to it with the gateway's credential, and its answers come back unread.

A request is sent again only when the API has refused it unread: by another key, or after its pause.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from kagents_runner.gateway.bodies import HeldBody
from kagents_runner.gateway.calls import Call
from kagents_runner.gateway.credentials import Credential, Outgoing
from kagents_runner.gateway.google import GoogleError
from kagents_runner.gateway.pool import Pool
from kagents_runner.gateway.proxies import proxy_for
from kagents_runner.gateway.secret import ModelSecret, SecretError
from kagents_runner.gateway.turns import Turns
from kagents_runner.output import say

CONNECT_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 600.0
"""Without a byte: an answer that is no stream may be thought about for as long."""
KEEP_ALIVE_SECONDS: Final = 30.0
_HEADER_LIMIT: Final = 64 * 1024
_STEP: Final = 64 * 1024
_LARGE: Final = 1024 * 1024


class UpstreamError(Exception):
    """There is no answer; ``status`` and the sentence are for whoever asked."""

    def __init__(self, status: int, sentence: str) -> None:
        """The sentence holds no secret."""
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose API it is, and where."""

    name: str = "anthropic"
    base_url: str | None = None
    region: str | None = None
    project: str | None = None

    @property
    def address(self) -> str:
        """Where calls go, without a slash at the end."""
        if self.base_url:
            return self.base_url.rstrip("/")
        region = self.region or ""
        if self.name == "bedrock":
            domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
            return f"https://bedrock-runtime.{region}.{domain}"
        if self.name == "vertex":
            return f"https://{_vertex_host(region)}"
        return "https://api.anthropic.com"


def _vertex_host(region: str) -> str:
    if region in ("", "global"):
        return "aiplatform.googleapis.com"
    if region in ("us", "eu"):
        return f"aiplatform.{region}.rep.googleapis.com"
    return f"{region}-aiplatform.googleapis.com"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is still to come, and what must not be seen in it."""

    response: aiohttp.ClientResponse
    secrets: tuple[str, ...] = field(repr=False)


@dataclass
class Upstream:
    """One provider, in ``async with``."""

    provider: Provider
    secret: ModelSecret
    pool: Pool = field(default_factory=Pool)
    turns: Turns = field(default_factory=Turns)
    connect_seconds: float = CONNECT_SECONDS
    idle_seconds: float = IDLE_SECONDS
    _session: aiohttp.ClientSession | None = None
    _proxies: dict[str, str | None] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        """Opens nothing yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(sock_connect=self.connect_seconds, sock_read=self.idle_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=_STEP,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what is still under way."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def ask(
        self, agent: str, method: str, call: Call, headers: CIMultiDict[str], body: HeldBody
    ) -> AsyncIterator[Answer]:
        """The answer to a call of this agent's, once its headers are there. Raises ``UpstreamError``.

        The answer is broken off where it has not been read to its end.
        """
        deadline = self.turns.deadline()
        tried, again = 0, False
        while True:
            await self.turns.enter(agent, deadline, again=again)
            again = True
            credential, answer = await self._send(method, call, headers, body.data)
            tried += 1
            if self._once_more(credential, answer, deadline, tried):
                continue
            body.drop()
            with self.pool.used(credential):
                try:
                    yield Answer(answer, credential.secrets)
                finally:
                    answer.close()
            return

    async def _send(
        self, method: str, call: Call, headers: CIMultiDict[str], body: bytes
    ) -> tuple[Credential, aiohttp.ClientResponse]:
        """Sends it once. Whoever gets an answer says to ``turns`` what it was."""
        assert self._session is not None
        try:
            self.pool.update(self.secret.credentials())
            credential = self.pool.choose()
            address = self.provider.address
            url = URL(address + call.target, encoded=True)
            if address not in self._proxies:
                self._proxies = {address: proxy_for(address)}
            proxy = self._proxies[address]
            sent = headers.copy()
            sent["Host"] = url.host_port_subcomponent or ""
            outgoing = Outgoing(method, sent["Host"], url.raw_path_qs, sent, body)
            with self.pool.used(credential):
                await credential.add_to(outgoing, self._session)
                answer = await self._session.request(
                    method, url, headers=sent, data=_payload(body), allow_redirects=False, proxy=proxy
                )
        except BaseException as error:
            self.turns.answered()
            failure = _failure(error)
            if failure is None:
                raise
            say(f"the model's API: {failure.sentence}", "warn")
            raise failure from None
        return credential, answer

    def _once_more(
        self, credential: Credential, answer: aiohttp.ClientResponse, deadline: float, tried: int
    ) -> bool:
        """Whether to send it again; then the answer is done with."""
        more = False
        if answer.status == 401:
            self.turns.answered()
            renewed = credential.refused() and tried == 1
            self.pool.refuse(credential)
            more = renewed or self.pool.another()
            say(f"the model's API does not take {credential.name} (401)", "warn")
        elif answer.status == 429:
            more = self._limited(credential, answer, deadline)
        else:
            self.pool.works(credential)
            self.turns.answered()
        if more:
            answer.close()
        return more

    def _limited(self, credential: Credential, answer: aiohttp.ClientResponse, deadline: float) -> bool:
        seconds = _retry_after(answer)
        self.pool.rest(credential, max(seconds or 0.0, self.turns.first_pause))
        if self.pool.another():
            self.turns.answered()
            return asyncio.get_running_loop().time() < deadline
        if answer.headers.get("x-should-retry", "").lower() == "false":
            self.turns.answered()
            return False
        self.turns.limited(None if seconds is None else min(seconds, self.pool.soonest()))
        return self.turns.worth_waiting(deadline)


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """A large body is sent in steps, between which others get their turn."""
    return io.BytesIO(body) if len(body) > _LARGE else body or None


def _failure(error: BaseException) -> UpstreamError | None:
    """What to say of it; None for what is no fault of the API's."""
    if isinstance(error, SecretError):
        return UpstreamError(503, str(error))
    if isinstance(error, GoogleError):
        return UpstreamError(502, str(error))
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamError(504, "the model's API cannot be reached in time.")
    if isinstance(error, TimeoutError):
        return UpstreamError(504, "the model's API did not answer in time.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamError(502, f"the model's API cannot be reached ({_kind(error)}).")
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return UpstreamError(502, f"the model's API broke off before it answered ({_kind(error)}).")
    return None


def _kind(error: Exception) -> str:
    """What kind of failure it was: words of the system, none of the request."""
    inner = getattr(error, "os_error", None)
    strerror = getattr(inner, "strerror", None)
    return strerror if isinstance(strerror, str) and strerror else type(error).__name__


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    """Seconds that a 429 names; None where it names none, or a date."""
    told = answer.headers.get("Retry-After", "")
    try:
        seconds = float(told)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 10**6 else None
