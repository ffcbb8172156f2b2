"""The proxy's HTTP side: git's smart protocol for one repository, over TLS, for agents that show their token.

Bodies are streamed to git and from it, so memory does not grow with them; every request has a time limit.
"""

import asyncio
import base64
import binascii
import re
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from aiohttp import web

from kagents_core.safetext import clean
from kagents_runner.documents import TeamDocument
from kagents_runner.gitproxy.bodies import Body, BodyError
from kagents_runner.gitproxy.keys import Agents
from kagents_runner.gitproxy.mirror import Mirror
from kagents_runner.gitproxy.packets import FLUSH, PacketError, error_packet, packet
from kagents_runner.gitproxy.receiving import receive
from kagents_runner.gitproxy.rules import NO_PUSH
from kagents_runner.gitproxy.streams import advertised, uploaded
from kagents_runner.locations import branch_of, place_of
from kagents_runner.output import say
from kagents_runner.prepare.git import GitError
from kagents_runner.termination import RunnerError

PATH: Final = "/repository.git"
REQUEST_SECONDS: Final = 1800.0
AT_ONCE: Final = 4
"""Requests of one agent that git works on at the same time; one more is refused."""
_PROTOCOL: Final = re.compile(r"version=[012]")
_CREDENTIAL_LIMIT: Final = 1024
_SERVICES: Final = ("git-upload-pack", "git-receive-pack")

Handler = Callable[[web.Request, str], Awaitable[web.StreamResponse]]
"""Answers the request of this agent."""


class Proxy:
    """One team's proxy."""

    def __init__(self, team: TeamDocument, agents: Agents, mirror: Mirror) -> None:
        """For these agents of this team."""
        self._team = team
        self._agents = agents
        self._mirror = mirror
        self._busy: Counter[str] = Counter()

    def application(self) -> web.Application:
        """What a web server serves. The server must not unpack bodies itself."""
        application = web.Application()
        application.router.add_get(f"{PATH}/info/refs", self._guarded(self._advertise))
        application.router.add_post(f"{PATH}/git-upload-pack", self._guarded(self._fetch))
        application.router.add_post(f"{PATH}/git-receive-pack", self._guarded(self._push))
        application.router.add_route("*", "/{rest:.*}", self._guarded(_nothing))
        return application

    def _guarded(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Who it is, not too much of it, and not for ever."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            agent = self._who(request)
            if agent is None:
                headers = {"WWW-Authenticate": 'Basic realm="kagents"'}
                return web.Response(status=401, text="The token is not this team's.\n", headers=headers)
            if self._busy[agent] >= AT_ONCE:
                return web.Response(status=429, text=f"{AT_ONCE} requests of this agent are under way.\n")
            self._busy[agent] += 1
            try:
                return await _limited(handler, request, agent)
            finally:
                self._busy[agent] -= 1

        return guarded

    def _who(self, request: web.Request) -> str | None:
        kind, _, shown = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic" or len(shown) > _CREDENTIAL_LIMIT:
            return None
        try:
            agent, _, token = base64.b64decode(shown, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return agent if self._agents.knows(agent, token) else None

    async def _advertise(self, request: web.Request, agent: str) -> web.StreamResponse:
        service = request.query.get("service", "")
        if service not in _SERVICES:
            return web.Response(status=403, text="Only git's smart protocol is spoken here.\n")
        protocol = _protocol(request) if service == "git-upload-pack" else ""
        head = b"" if protocol == "version=2" else packet(f"# service={service}\n".encode()) + FLUSH
        kind = f"application/x-{service}-advertisement"
        refused = None if service == "git-upload-pack" or self._may_push else NO_PUSH
        if refused is None:
            try:
                await self._mirror.refresh()
            except RunnerError as failure:
                refused = failure.sentence
        if refused is not None:
            say(f"{agent}: {refused}")
            first = packet(f"# service={service}\n".encode()) + FLUSH
            return web.Response(body=first + error_packet(refused), content_type=kind)
        told = advertised(self._mirror, service.removeprefix("git-"), protocol)
        return await _streamed(request, kind, told, head)

    async def _fetch(self, request: web.Request, _: str) -> web.StreamResponse:
        body = _body(request)
        told = uploaded(self._mirror, _protocol(request), body)
        return await _streamed(request, "application/x-git-upload-pack-result", told)

    async def _push(self, request: web.Request, agent: str) -> web.StreamResponse:
        if not self._may_push:
            return web.Response(status=403, text=f"{NO_PUSH}\n")
        branch = branch_of(self._team.name, place_of(self._team, agent))
        answer = await receive(self._mirror, agent, branch, _body(request))
        return web.Response(body=answer, content_type="application/x-git-receive-pack-result")

    @property
    def _may_push(self) -> bool:
        repository = self._team.repository
        return repository is not None and repository.agent_access == "push"


async def _limited(handler: Handler, request: web.Request, agent: str) -> web.StreamResponse:
    """The answer, or what went wrong in one line."""
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            return await handler(request, agent)
    except (PacketError, BodyError) as error:
        return web.Response(status=400, text=f"{clean(str(error), limit=300, multiline=False)}\n")
    except EOFError:
        return web.Response(status=400, text="The push ends before its objects.\n")
    except GitError as error:
        say(f"{agent}: {error}", "warn")
        return web.Response(status=500, text="git failed in the hub.\n")
    except TimeoutError:
        say(f"{agent}: a request took longer than {REQUEST_SECONDS:g} s", "warn")
        return web.Response(status=504, text=f"That took longer than {REQUEST_SECONDS:g} seconds.\n")
    except ConnectionError:
        return web.Response(status=400)  # nobody listens any more


async def _nothing(_: web.Request, __: str) -> web.StreamResponse:
    return web.Response(status=404, text="There is one repository here.\n")


def _body(request: web.Request) -> Body:
    return Body(request.content, request.headers.get("Content-Encoding", ""))


def _protocol(request: web.Request) -> str:
    told = request.headers.get("Git-Protocol", "")
    return told if _PROTOCOL.fullmatch(told) else ""


async def _streamed(
    request: web.Request, kind: str, told: AsyncGenerator[bytes, None], head: bytes = b""
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind, "Cache-Control": "no-cache"})
    async with aclosing(told) as chunks:
        await response.prepare(request)
        try:
            if head:
                await response.write(head)
            async for chunk in chunks:
                await response.write(chunk)
            await response.write_eof()
        except BaseException:
            if request.transport is not None:
                request.transport.abort()  # half an answer is not to look like a whole one
            raise
    return response
