"""What agents ask, in full, and the answers of a person: over exec in the hub, which alone decides.

Every answer names the team by its UID and the request by agent and id: a team that was made again, or a
request that was answered or withdrawn meanwhile, is refused, never hit.
"""

import asyncio
import getpass
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from kagents_core.asks import Choices, Mode
from kagents_tui.acts import ActError
from kagents_tui.hub import PROGRAM, RECORDER, Giving, hand_over, running_hub
from kagents_tui.journal_stream import lines, parse
from kagents_tui.rows.attention import Request, asks
from kagents_tui.rows.fields import line, mapping, sequence

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

ANSWER_SECONDS: Final = 40.0
READ_SECONDS: Final = 20.0


class NoSuchRequestError(ActError):
    """The team has no such open request."""


async def answer(
    client: "Client",
    team: Mapping[str, Any],
    request: Request,
    *,
    uid: str,
    allow: bool,
    reason: str | None = None,
    choices: Choices = (),
    mode: Mode | None = None,
) -> None:
    """Answers one request. Raises ActError with the hub's sentence when it is refused.

    ``team`` is the object as it is now, ``uid`` that of the team whose request the person has seen.
    """
    metadata = team["metadata"]
    if metadata["uid"] != uid:
        raise ActError(
            f"{metadata['namespace']}/{metadata['name']} was deleted and made again in the meantime; "
            "look at the new one first"
        )
    document: dict[str, Any] = {"id": secrets.token_hex(16), "agent": request.agent, "request": request.id}
    document |= {"allow": allow, "by": await who(client), "reason": reason, "mode": mode}
    if choices:
        document["choices"] = [list(each) for each in choices]
    hub = await running_hub(client, team, "nobody can take the answer now")
    giving = Giving("the answer", "the requests", ANSWER_SECONDS)
    await hand_over(client, hub, [PROGRAM, "answer"], json.dumps(document).encode(), giving)


async def who(client: "Client") -> str:
    """Who answers, as the API server knows the person; where it does not say, the account of this machine."""
    from kagents_core.kube.errors import KubeError

    try:
        name = await client.user_name()
    except KubeError:
        name = ""
    if name:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


async def in_full(client: "Client", team: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The journal's ``ask`` entry of an open request. Raises NoSuchRequestError when it is not there."""
    wanted = (request.agent, request.id)
    entries = entries_of(client, team, "ask", after=max(0, request.seq - 1))
    async with aclosing(entries):
        async for entry in entries:
            if (entry.get("agent"), entry.get("id")) == wanted:
                return entry
    raise NoSuchRequestError(f"the journal does not hold the request {line(request.id, 100)}")


async def entries_of(
    client: "Client", team: Mapping[str, Any], *kinds: str, after: int = 0
) -> AsyncGenerator[dict[str, Any]]:
    """The journal's entries of some kinds up to now, from the running hub. Raises ActError without one.

    It ends within ``READ_SECONDS`` of silence, else ActError says so.
    """
    pod = await running_hub(client, team, "its journal cannot be read now")
    command = [PROGRAM, "tail", "--after", str(after)]
    for kind in kinds:
        command += ["--kind", kind]
    metadata = pod["metadata"]
    session = await client.exec(metadata["namespace"], metadata["name"], command, container=RECORDER)
    async with session:

        async def output() -> AsyncIterator[bytes]:
            async for channel, data in session:
                if channel == 1:
                    yield data

        async with aclosing(lines(output())) as whole:
            while True:
                try:
                    async with asyncio.timeout(READ_SECONDS):
                        found = await anext(whole, None)
                except TimeoutError:
                    raise ActError(f"the hub has not answered for {READ_SECONDS:.0f} s") from None
                entry = parse(found) if found is not None else None
                if found is None or (entry is not None and entry.get("kind") == "live"):
                    return
                if entry is not None and entry.get("kind") in kinds:
                    yield entry


def open_requests(team: Mapping[str, Any]) -> list[Request]:
    """Every request that the team's status lists, the oldest of each agent first."""
    activity = map(mapping, sequence(mapping(team.get("status")).get("activity")))
    return [need.request for each in activity for need in asks(each, line(each.get("agent"))) if need.request]


def choose(team: Mapping[str, Any], wanted: str) -> Request:
    """The open request with this id, or the only one of the agent with this name.

    Raises NoSuchRequestError, or ActError when the name fits several.
    """
    requests, name = open_requests(team), team["metadata"]["name"]
    by_id = [each for each in requests if each.id == wanted]
    found = by_id or [each for each in requests if each.agent == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(each.id if not by_id else each.agent for each in found)
        raise ActError(f"{wanted} of {name} asks {len(found)} things; name one of {several}")
    known = ", ".join(f"{each.id} ({each.agent})" for each in requests) or "none"
    raise NoSuchRequestError(f"{name} has no open request {wanted}; open: {known}")
