"""Whose token it is: a pod's of this team, made by this cluster for us, and of the agent's latest attempt.

A pod's name tells agent and attempt, and nobody but the controller makes pods of that name. Once an attempt
has been seen, what an earlier one has left is good for nothing, also after a restart of the gateway.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
import orjson

from kagents_core.reconcile.names import child_name
from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_runner.gateway.published_keys import PublishedKeys
from kagents_runner.gateway.seams import UnknownCaller
from kagents_runner.output import say

AUDIENCE: Final = "kagents-hub"
ATTEMPTS: Final = "attempts.json"
CACHED: Final = 1024
"""Tokens that are not checked anew each time."""
_TOKEN_LIMIT: Final = 16 * 1024
_FILE_LIMIT: Final = 1024 * 1024
_DIGEST: Final = 5
_AHEAD: Final = 256
"""Attempts after the latest seen that a pod's name is looked for among."""
_SLACK: Final = 60.0
"""Seconds by which the clock of whoever made a token may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Team:
    """The team whose agents may come in."""

    name: str
    namespace: str
    uid: str
    agents: tuple[str, ...]
    """Names of those that may."""


@dataclass(frozen=True, slots=True)
class _Caller:
    agent: str
    attempt: int
    expires: float


class Identities:
    """Tells agents by their tokens."""

    def __init__(
        self,
        team: Team,
        keys: PublishedKeys,
        issuer: Callable[[], str],
        folder: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``issuer`` says who issues this cluster's tokens; ``folder`` remembers attempts.

        Raises ``OSError`` and ``ValueError`` when what is remembered cannot be read.
        """
        self._team = team
        self._keys = keys
        self._issuer = issuer
        self._file = folder / ATTEMPTS
        self._clock = clock
        self._latest = _remembered(self._file, team.agents)
        self._known: OrderedDict[bytes, _Caller] = OrderedDict()

    async def agent_of(self, authorization: str) -> str:
        """The agent whose token this header holds.

        Raises ``UnknownCaller``, and ``CallersNotKnownYet`` while nobody can tell.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not 0 < len(token) <= _TOKEN_LIMIT:
            raise UnknownCaller("no token is shown")
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        caller = self._known.get(digest)
        if caller is None:
            caller = await self._checked(token)
            self._known[digest] = caller
            while len(self._known) > CACHED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(digest)
        if caller.expires <= self._clock():
            raise UnknownCaller("the token has expired")
        self._see(caller)
        return caller.agent

    async def _checked(self, token: str) -> _Caller:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = await self._keys.find(kid) if isinstance(kid, str) else None
            if key is None:
                raise UnknownCaller("the token is signed by another")
            claims = jwt.decode(
                token,
                key.key,
                [str(key.algorithm_name)],
                audience=AUDIENCE,
                issuer=self._issuer(),
                options={
                    "require": ["exp", "iat", "nbf", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            return self._caller(claims)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise UnknownCaller("the token is not one for this hub") from error

    def _caller(self, claims: Mapping[str, Any]) -> _Caller:
        bound = claims["kubernetes.io"]
        start, expires = float(claims["nbf"]), float(claims["exp"])
        if start > self._clock() + _SLACK:
            raise UnknownCaller("the token is not good yet")
        if bound["namespace"] != self._team.namespace:
            raise UnknownCaller("the token is of another namespace")
        agent, attempt = self._of_pod(str(bound["pod"]["name"]))
        return _Caller(agent, attempt, expires)

    def _of_pod(self, pod: str) -> tuple[str, int]:
        """Agent and attempt of a pod's name."""
        name, uid = self._team.name, self._team.uid
        for agent in self._team.agents:
            if pod[:-_DIGEST] != child_name(name, uid, agent)[:-_DIGEST]:
                continue
            for attempt in range(self._latest.get(agent, 0) + _AHEAD):
                if pod == child_name(name, uid, agent, attempt):
                    return agent, attempt
        raise UnknownCaller("the token is of no agent of this team")

    def _see(self, caller: _Caller) -> None:
        latest = self._latest.get(caller.agent, -1)
        if caller.attempt < latest:
            raise UnknownCaller("another attempt of this agent has taken its place")
        if caller.attempt > latest:
            self._latest[caller.agent] = caller.attempt
            say(f"{caller.agent}: attempt {caller.attempt} asks for the first time")
            replace_file(self._file, orjson.dumps(self._latest), mode=0o600, durable=True)


def _remembered(file: Path, agents: Iterable[str]) -> dict[str, int]:
    try:
        found = orjson.loads(read_bounded(file, _FILE_LIMIT))
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict):
        raise ValueError("it holds no attempts")
    kept = {agent: found[agent] for agent in agents if agent in found}
    if not all(type(attempt) is int for attempt in kept.values()):
        raise ValueError("an attempt in it is no number")
    return kept
