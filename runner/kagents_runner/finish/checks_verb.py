"""The verb ``checks``: waits for a request's checks, and tells in its last words how they and it ended.

It never fails for what a forge says: the work is delivered already.
"""

import argparse
from collections.abc import Mapping

from kagents_runner.finish.checks import Checks
from kagents_runner.finish.documents import outcome, read_merged
from kagents_runner.finish.forge import LaterError, Request
from kagents_runner.finish.opening import opened
from kagents_runner.finish.places import finish_dir, last_words, wish
from kagents_runner.finish.request import made_by
from kagents_runner.finish.watch import Seen, until_ended
from kagents_runner.locations import Locations
from kagents_runner.output import say
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Raises ``RunnerError`` only where there can be no request."""
    team, document, merged = (
        Locations(environment).team(),
        wish(environment),
        read_merged(finish_dir(environment)),
    )
    wanted = document.pull_request
    if team.repository is None or wanted is None:
        raise RunnerError("Only a pull request has checks.", code=EXIT_NEEDS_A_PERSON)
    if merged.empty:
        say("nothing was pushed, so there are no checks")
        return 0
    url = team.repository.url

    async def look() -> tuple[Request, Checks]:
        # Opened anew each time: a GitHub App's token lasts an hour, a Secret may be changed meanwhile.
        async with opened(environment, url, wanted) as forge:
            request = await made_by(forge, document.branch, team.uid)
            if request is None:
                raise LaterError(f"The forge does not show the request from {document.branch}.")
            return request, await forge.checks(request, merged.commit)

    say(f"waiting for the checks of {document.branch}, {wanted.wait_seconds:g} seconds at most")
    seen = await until_ended(look, wanted.wait_seconds)
    last_words(environment, told(seen))
    return 0


def told(seen: Seen) -> bytes:
    """What the controller reads."""
    fields: dict[str, object] = {}
    if seen.request is not None:
        fields["state"] = seen.request.shown_state
    if seen.checks is not None:
        fields["checks"] = seen.checks.as_fields()
        say(f"checks: {seen.checks.state} ({seen.checks.total})")
    warnings = [f"checks not read: {seen.problem}"] if seen.problem else []
    for each in warnings:
        say(each, "warn")
    return outcome(fields, warnings)
