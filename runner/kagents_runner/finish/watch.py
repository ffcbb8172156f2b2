"""Looks at a request again and again until its checks have ended, or the time for it is over.

Nothing that a forge answers here makes a delivery fail: what is not known is said to be so.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from kagents_runner.finish.checks import Checks
from kagents_runner.finish.forge import SECONDS as FORGE_SECONDS
from kagents_runner.finish.forge import ForgeError, RefusedError, Request
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 60.0
_GROWTH: Final = 1.5
APPEAR_SECONDS: Final = 120.0
"""A forge without a check by then has none for this request."""
NO_ANSWER: Final = "the forge did not answer in time."

Look = Callable[[], Awaitable[tuple[Request, Checks]]]
Sleep = Callable[[float], Awaitable[None]]
Over = Callable[[Checks | None, Checks, float], bool]
"""Whether to stop: the look before, this one, the seconds waited so far."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last known; ``problem`` is why nothing is."""

    request: Request | None = None
    checks: Checks | None = None
    problem: str = ""


async def glance(look: Look, seconds: float, *, sleep: Sleep = asyncio.sleep) -> Seen:
    """Until there is any check, which may take a forge a moment."""
    return await _watch(look, seconds, 1.0, lambda before, now, waited: now.total > 0, sleep)


async def until_ended(look: Look, seconds: float, *, sleep: Sleep = asyncio.sleep) -> Seen:
    """Until no check is pending any more: seen twice, as one that ends at once can be before the others."""

    def over(before: Checks | None, now: Checks, waited: float) -> bool:
        if now.total == 0:
            return waited >= APPEAR_SECONDS
        return now.pending == 0 and before == now

    return await _watch(look, seconds, FIRST_PAUSE, over, sleep, last_look=FORGE_SECONDS)


async def _watch(
    look: Look, seconds: float, pause: float, over: Over, sleep: Sleep, *, last_look: float = 0.0
) -> Seen:
    """The last look, and why the one after it failed. What a person must change ends the watch."""
    seen, waited = Seen(problem=NO_ANSWER), 0.0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds + last_look):
            while True:
                try:
                    request, checks = await look()
                except (ForgeError, RunnerError) as error:
                    seen = replace(seen, problem=str(error))
                    if _is_final(error):
                        return seen
                else:
                    before, seen = seen.checks, Seen(request, checks)
                    if request.state != "open" or over(before, checks, waited):
                        return seen
                if waited >= seconds:
                    return seen
                step = min(pause, seconds - waited)
                await sleep(step)
                waited, pause = waited + step, min(pause * _GROWTH, LONGEST_PAUSE)
    return seen


def _is_final(error: ForgeError | RunnerError) -> bool:
    needs_person = isinstance(error, RunnerError) and error.code == EXIT_NEEDS_A_PERSON
    return needs_person or isinstance(error, RefusedError)
