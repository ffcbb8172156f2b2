"""At most one request for a team, whatever crashes: looked up first, intended on record, never guessed.

The head branch is the team's own and the body carries a marker with the team's UID, so a request that an
earlier attempt made is found again. When nobody can know whether a request was made, a person is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from kagents_runner.finish.documents import FinishDocument, Intent, Intents, PullRequestWish
from kagents_runner.finish.forge import (
    Forge,
    ForgeError,
    LaterError,
    NotSentError,
    RefusedError,
    Request,
    UnknownError,
)
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

LOOKS: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further look for a request whose creation got no answer."""

_EXISTS: Final = (409, 422)
"""How GitLab and GitHub refuse a second request from the same branch."""

Sleep = Callable[[float], Awaitable[None]]


def marker(uid: str) -> str:
    """The line of the body by which a team's request is known."""
    return f"<!-- kagents team {uid} -->"


async def ensure(
    forge: Forge,
    intents: Intents,
    document: FinishDocument,
    wish: PullRequestWish,
    uid: str,
    body: str,
    *,
    sleep: Sleep = asyncio.sleep,
) -> Request:
    """The team's one request, made if need be. Raises ``RunnerError``: 1 to try again, 64 for a person."""
    try:
        found = await made_by(forge, document.branch, uid)
        if found is None:
            found = await _make(forge, intents, document, wish, uid, body, sleep)
    except (NotSentError, LaterError) as error:
        raise RunnerError(str(error)) from error
    except RefusedError as error:
        raise RunnerError(str(error), code=EXIT_NEEDS_A_PERSON) from error
    except ForgeError as error:  # a look-up without an answer: nothing was made by it
        raise RunnerError(str(error)) from error
    intents.clear()
    return found


async def made_by(forge: Forge, head: str, uid: str) -> Request | None:
    """The request of the team with this UID. A stranger's open one from the branch is a person's to judge."""
    requests = await forge.find(head)
    for request in requests:
        if marker(uid) in request.body:
            return request
    for request in requests:
        if request.state == "open":
            raise RunnerError(
                f"Branch {head} has the open request {request.url} already, which this team did not make: "
                "close it, or give this team a branch of its own, then retry.",
                code=EXIT_NEEDS_A_PERSON,
            )
    return None


async def _make(
    forge: Forge,
    intents: Intents,
    document: FinishDocument,
    wish: PullRequestWish,
    uid: str,
    body: str,
    sleep: Sleep,
) -> Request:
    before = intents.read()
    if before is not None and before.retry == document.retry:
        found = await _look(forge, document.branch, uid, sleep)
        if found is None:
            raise _unknown(document.branch, "an earlier attempt was cut off")
        return found
    intents.record(Intent(document.branch, wish.target, document.retry))
    try:
        return await forge.create(
            head=document.branch, target=wish.target, title=wish.title, body=body, draft=wish.draft
        )
    except UnknownError as error:
        found = await _look(forge, document.branch, uid, sleep)
        if found is None:
            raise _unknown(document.branch, str(error)) from error
        return found
    except RefusedError as error:
        found = await _look(forge, document.branch, uid, sleep) if error.status in _EXISTS else None
        if found is None:
            intents.clear()
            raise
        return found
    except ForgeError:
        intents.clear()  # the server has said, or never heard, that there was nothing to make
        raise


async def _look(forge: Forge, head: str, uid: str, sleep: Sleep) -> Request | None:
    """A request appears a moment after it was accepted: several looks, further and further apart."""
    for pause in (0.0, *LOOKS):
        await sleep(pause)
        try:
            found = await made_by(forge, head, uid)
        except (UnknownError, NotSentError, LaterError):
            continue
        if found is not None:
            return found
    return None


def _unknown(head: str, why: str) -> RunnerError:
    return RunnerError(
        f"It is not known whether the request from {head} was made: {why} "
        "Look at the forge; if there is none, retry.",
        code=EXIT_NEEDS_A_PERSON,
    )
