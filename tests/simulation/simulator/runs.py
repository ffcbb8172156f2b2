"""Plays a schedule and judges it against the same scenario without faults."""

import asyncio
import logging
import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from kagents_core.reconcile.rules.gates import UNCONFIRMED
from simulator.addresses import Object
from simulator.budget_stories import SCENARIOS
from simulator.cluster import agent_of, attempt_of
from simulator.faults import Schedule
from simulator.loop import NothingWillHappen, VirtualLoop
from simulator.scenarios import Scenario
from simulator.world import Complaints, World

HORIZON = 3 * 3600.0
"""Seconds within which every scenario has come to its end, whatever goes wrong."""

_SETTLE = 200.0
"""Then the last hub, webhook and watch come to rest."""

_REST = 400.0
"""And in that time nobody writes any more."""

_TIMES = frozenset(
    {
        "startedAt",
        "completedAt",
        "suspendedAt",
        "suspendedSeconds",
        "lastTransitionTime",
        "at",
        "lastAttemptAt",
        "attempts",
        "messages",
        "id",
        "creationTimestamp",
        "podName",
        "endedAt",
    }
)


@dataclass(frozen=True)
class Outcome:
    """What a run has come to, without what may differ from run to run."""

    final: Any
    pods: tuple[tuple[str, str, int], ...]
    webhooks: tuple[tuple[str, str, str], ...]
    delivered: int
    problems: tuple[str, ...]
    calls: tuple[str, ...]
    elections: tuple[str, ...]
    seconds: float


def play(schedule: Schedule) -> Outcome:
    """One run, the same each time."""
    scenario = SCENARIOS[schedule.scenario]
    random.seed(schedule.seed)
    loop, complaints = VirtualLoop(), Complaints()
    logger = logging.getLogger("kagents_controller")
    logger.addHandler(complaints)
    logger.propagate = False
    previous, logger.level = logger.level, logging.ERROR
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(_play(scenario, schedule, loop, complaints))
    finally:
        logger.removeHandler(complaints)
        logger.level, logger.propagate = previous, True
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


async def _play(scenario: Scenario, schedule: Schedule, loop: VirtualLoop, complaints: Complaints) -> Outcome:
    faults = {fault.call: fault.kind for fault in schedule.faults}
    world = World(loop, faults, schedule.seed, scenario.life, scenario.controllers)
    problems = []
    try:
        scenario.begin(world)
        async with asyncio.timeout(HORIZON):
            for act in scenario.acts:
                await _until(world, act.when)
                await asyncio.sleep(act.after)
                act.do(world)
            await _until(world, scenario.done)
        reached = loop.time()
        await asyncio.sleep(_SETTLE)
        writes, final = world.writes, _final(world)
        await asyncio.sleep(_REST)
        if world.writes != writes or _final(world) != final:
            problems.append("it does not come to rest")
    except TimeoutError:
        reached = loop.time()
        problems.append(f"it never comes to its end: {world.status()}")
    except NothingWillHappen:
        reached = loop.time()
        problems.append("everything stands still")
    outcome = Outcome(
        _final(world),
        tuple(sorted(world.invariants.created)),
        tuple(sorted(_words(body) for body in world.receiver.got.values())),
        world.invariants.delivered,
        (*problems, *world.problems, *world.invariants.broken, *complaints.told),
        tuple(world.weather.calls),
        tuple(world.weather.elections),
        reached,
    )
    await world.stop()
    return outcome


async def _until(world: World, condition: Any) -> None:
    while not condition(world):
        world.changed.clear()
        await world.changed.wait()


def _words(body: Object) -> tuple[str, str, str]:
    data = body.get("data") or {}
    return str(body.get("event")), str(data.get("subject")), str(data.get("message"))


def _final(world: World) -> Any:
    """Every object that matters, without its times and counters of writes."""
    found: list[Any] = []
    for key, body in world.server.everything():
        plural = key[0].rpartition("/")[2]
        if plural == "pods":
            found.append(("pod", agent_of(body), attempt_of(body), body["status"]["phase"]))
        elif plural.startswith("agentteam") or plural in ("agentbudgets", "agentusages"):
            found.append((plural, key[2], _plain(body.get("spec")), _plain(body.get("status") or {})))
        elif plural == "persistentvolumeclaims":
            found.append((plural, key[2][:-6]))
    return sorted(found, key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return sorted((_plain(inner) for inner in value), key=repr)
    return value


@cache
def reference(scenario: str) -> Outcome:
    """The same scenario when nothing goes wrong."""
    outcome = play(Schedule(scenario))
    if outcome.problems:
        raise AssertionError(f"{scenario} without any fault: {outcome.problems}")
    return outcome


def judge(schedule: Schedule) -> list[str]:
    """What is wrong with this run; nothing when all is well."""
    wanted, got = reference(schedule.scenario), play(schedule)
    stale = any(fault.kind == "crash-stale" for fault in schedule.faults)
    # Of pods that it sees as they were, a controller says what they were, until it sees more.
    wrong = [told for told in got.problems if not (stale and "goes back to" in told)]
    jumped = any(fault.kind.startswith("clock-") for fault in schedule.faults)
    died = any(fault.kind.startswith("crash-") for fault in schedule.faults)
    for name in ("final", "pods", "webhooks", "delivered"):
        expected, found = getattr(wanted, name), getattr(got, name)
        if name == "final" and jumped:
            expected, found = _without_hubs(expected), _without_hubs(found)
        if name == "final" and died:
            found = _told(found, {event for event, *_ in got.webhooks})
        if expected != found:
            wrong.append(f"{name}: {difference(expected, found)}")
    return wrong


def _without_hubs(final: Any) -> Any:
    """A hub may write for two minutes after the end, by a clock that was an hour ahead for none."""
    return [entry for entry in final if entry[:2] != ("pod", "hub")]


def _told(final: Any, arrived: set[str]) -> Any:
    """A gate's webhook that arrived, of which its controller died before it could say so.

    Once the gate is decided nobody asks the receiver again, so that this cannot be known any more.
    """
    for entry in final:
        notes = entry[3].get("notifications", []) if entry[0] == "agentteams" else []
        for note in notes:
            if note["event"] in arrived and note == note | {"state": "failed", "message": UNCONFIRMED}:
                note["state"] = "sent"
                del note["message"]
        notes.sort(key=repr)
    return final


def difference(wanted: Any, got: Any) -> str:
    """In words."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        unlike = [key for key in sorted({*wanted, *got}) if wanted.get(key) != got.get(key)]
        return "; ".join(f"{key}: {difference(wanted.get(key), got.get(key))}" for key in unlike)
    if not isinstance(wanted, list | tuple) or not isinstance(got, list | tuple):
        return f"{got!r} instead of {wanted!r}"
    missing = [each for each in wanted if each not in got]
    surplus = [each for each in got if each not in wanted]
    if len(missing) == len(surplus) == 1 and len(missing[0]) == len(surplus[0]) == 4:
        return "; ".join(
            difference(*pair) for pair in zip(missing[0], surplus[0], strict=True) if pair[0] != pair[1]
        )
    return f"missing {missing!r}, besides {surplus!r}" if missing or surplus else f"{got!r} for {wanted!r}"
