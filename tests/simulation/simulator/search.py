"""Which schedules are played: every fault at every call, or drawn by chance; and how one is shrunk."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from simulator.budget_stories import SCENARIOS
from simulator.faults import FAULTS, Fault, Schedule, in_order
from simulator.runs import judge, reference

MOST_FAULTS = 4


def exhaustive(scenarios: Iterable[str] = (), only: str | None = None) -> Iterator[Schedule]:
    """Every fault at every call of every scenario; ``only``: this one."""
    for name in scenarios or SCENARIOS:
        calls = range(len(reference(name).calls))
        for call in (*calls, *reference(name).elections):
            for kind in (each for each in possible(name) if only in (None, each)):
                yield Schedule(name, (Fault(call, kind),))


def possible(scenario: str) -> list[str]:
    """The faults after which this scenario is still the same."""
    return [kind for kind in FAULTS if not kind.startswith(SCENARIOS[scenario].without or ("-",))]


def drawn(seed: int, number: int, always: str | None = None) -> Schedule:
    """The schedule of this number: up to four faults, with its own times. ``always``: this one in each."""
    chance = random.Random(f"{seed}/{number}")
    name = chance.choice(sorted(SCENARIOS))
    calls = len(reference(name).calls) + 20  # faults make further calls, which may fail too
    size = chance.choice((0, *range(1, MOST_FAULTS + 1)))
    places: list[int | str] = [*range(calls), *reference(name).elections]
    faults = {chance.choice(places): chance.choice(possible(name)) for _ in range(size)}
    if always in possible(name):
        faults[chance.choice(places)] = always
    listed = in_order(Fault(call, kind) for call, kind in faults.items())
    return Schedule(name, listed, chance.randrange(1, 1_000_000))


def shrink(schedule: Schedule) -> Schedule:
    """The smallest schedule that still fails: fewer faults, then plain times."""
    smaller = True
    while smaller:
        smaller = False
        for fault in schedule.faults:
            tried = replace(schedule, faults=tuple(each for each in schedule.faults if each != fault))
            if judge(tried):
                schedule, smaller = tried, True
                break
    plain = replace(schedule, seed=0)
    return plain if schedule.seed and judge(plain) else schedule
