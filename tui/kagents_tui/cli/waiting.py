"""``kagents wait``: until a team has come where a script wants it."""

import argparse
import random
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, get_args

from kagents_core.api.quantities import parse_duration
from kagents_core.api.resources import AGENT_TEAM_RUNS, AGENT_TEAMS, Resource
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

Reached = Callable[[Mapping[str, Any]], bool]


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "wait",
        "wait until a team has a phase, a condition, a gate that waits, or needs a person at all",
        (
            "kagents wait q3-report --for=Completed --timeout=60s",
            "kagents wait q3-report --for=gate",
            "kagents wait q3-report --for=attention",
            "kagents wait q3-report --for=condition=Ready",
            "kagents wait q3-report --for=delete",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team, or run/NAME")
    parser.add_argument(
        "--for", dest="goal", default="Completed", metavar="GOAL",
        help="a phase (Completed when absent), condition=TYPE[=STATUS], gate, gate=EVENT, "
        "attention (a gate, request or delivery waits for a person), or delete",
    )  # fmt: skip
    parser.add_argument(
        "--timeout",
        type=_duration,
        default="10m",
        metavar="TIME",
        help="how long, such as 60s; 10m when absent",
    )
    options.add_connection(parser)
    parser.set_defaults(run=wait)


def _duration(text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: {error}") from None


def goal(text: str) -> Reached | None:
    """The test that the words stand for; None for ``delete``. Raises CommandError for other words."""
    from kagents_core.api.status import Phase
    from kagents_tui.gate_states import gates_of

    word, _, rest = text.partition("=")
    if word == "delete" and not rest:
        return None
    if word == "gate":
        return lambda team: any(
            gate.state == "waiting" and rest in ("", gate.event) for gate in gates_of(team)
        )
    if text == "attention":
        from kagents_tui.rows.attention import needs_of

        return lambda team: any(need.for_person for need in needs_of(team))
    if word == "condition" and rest:
        kind, _, status = rest.partition("=")
        return lambda team: any(
            each.get("type") == kind and each.get("status") == (status or "True")
            for each in _status(team).get("conditions") or ()
        )
    phases = {phase.lower(): phase for phase in get_args(Phase)}
    wanted = phases.get(text.lower())
    if wanted is None:
        known = ", ".join(phases.values())
        raise CommandError(
            exits.USAGE, f"--for={text}: use condition=TYPE, gate, attention, delete, or a phase ({known})"
        )
    return lambda team: _status(team).get("phase") == wanted


def _status(team: Mapping[str, Any]) -> Mapping[str, Any]:
    status = team.get("status")
    return status if isinstance(status, Mapping) else {}


async def wait(arguments: argparse.Namespace) -> int:
    """Watch until the goal is reached, can no longer be reached, or the time is over."""
    import asyncio

    resource, name = options.split_kind(arguments.team, kinds=(AGENT_TEAMS, AGENT_TEAM_RUNS))
    reached = goal(arguments.goal)
    seconds = arguments.timeout if isinstance(arguments.timeout, float) else _duration(arguments.timeout)
    async with options.session(arguments) as session:
        waiter = _Waiter(session.client, resource, session.namespace, name, arguments.goal, reached)
        try:
            async with asyncio.timeout(seconds):
                await waiter.run()
        except TimeoutError:
            phase = waiter.phase or "unknown"
            raise CommandError(
                exits.TIMED_OUT, f"{name}: {arguments.goal} was not reached in time; its phase is {phase}"
            ) from None
    output.write(f"{session.namespace}/{name}: {arguments.goal}\n")
    return exits.OK


class _Waiter:
    """Follows one object by list and watch, through breaks of the connection."""

    def __init__(
        self,
        client: "Client",
        resource: Resource,
        namespace: str,
        name: str,
        words: str,
        reached: Reached | None,
    ) -> None:
        self._client, self._resource, self._namespace, self._name = client, resource, namespace, name
        self._words, self._reached = words, reached
        self.phase: str | None = None

    async def run(self) -> None:
        import asyncio

        from kagents_core.kube.errors import Gone, TooManyRequests, Unreachable

        first, pause = True, 0.2
        while True:
            try:
                if await self._round(first):
                    return
                pause = 0.2
            except Gone:
                pause = 0.2
            except (Unreachable, TooManyRequests):
                if first:
                    raise
            first = False
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311
            pause = min(8.0, pause * 2)

    async def _round(self, first: bool) -> bool:
        """One list and one watch; true when there is nothing left to wait for."""
        from kagents_core.kube.errors import NotFound

        selector = f"metadata.name={self._name}"
        found = await self._client.list(self._resource, self._namespace, fields=selector)
        if not found.items:
            if self._reached is None:
                return True
            kind = self._resource.singular
            gone = "does not exist" if first else "was deleted"
            raise NotFound(404, "NotFound", f"{kind} {self._namespace}/{self._name} {gone}")
        if self._judge(found.items[0]):
            return True
        events = self._client.watch(
            self._resource, self._namespace, resource_version=found.resource_version, fields=selector,
            timeout_seconds=300,
        )  # fmt: skip
        async with aclosing(events):
            async for event in events:
                if event.type == "DELETED":
                    if self._reached is None:
                        return True
                    raise NotFound(404, "NotFound", f"{self._namespace}/{self._name} was deleted")
                if event.type in ("ADDED", "MODIFIED") and self._judge(event.object):
                    return True
        return False

    def _judge(self, team: Mapping[str, Any]) -> bool:
        """Whether the goal is reached. Raises CommandError once it cannot be any more."""
        from kagents_core.api.status import TERMINAL_PHASES

        self.phase = _status(team).get("phase")
        if self._reached is None:
            return False
        if self._reached(team):
            return True
        if self.phase in TERMINAL_PHASES and not self._words.startswith("condition="):
            why = next(
                (f": {each['message']}" for each in _status(team).get("conditions") or ()
                 if each.get("type") == "Succeeded" and each.get("message")), "",
            )  # fmt: skip
            raise CommandError(exits.FAILED, f"{self._name} ended as {self.phase}{why}")
        return False
