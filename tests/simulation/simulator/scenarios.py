"""What scenarios are made of: what a person applies and does when, how agents' programs end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.api.status import TERMINAL_PHASES
from simulator.addresses import Object
from simulator.cluster import Life
from simulator.world import World

Condition = Callable[[World], Any]


@dataclass(frozen=True)
class Act:
    """What a person does, so many seconds after a condition has come true."""

    when: Condition
    do: Callable[[World], None]
    after: float = 0.5


@dataclass(frozen=True)
class Scenario:
    """A course of things, and what it must come to."""

    name: str
    begin: Callable[[World], None]
    done: Condition
    acts: tuple[Act, ...] = ()
    life: Life = field(default_factory=Life)
    controllers: int = 1
    without: tuple[str, ...] = ()
    """Beginnings of faults that make this scenario another one: a timeout by a clock that is wrong."""


SCENARIOS: dict[str, Scenario] = {}


def spec(*mates: Object, gates: tuple[Object, ...] = (), **lifecycle: Any) -> Object:
    """A team that works on documents."""
    return {
        "workspace": {"output": {"size": "1Gi"}},
        "harness": "simulated",
        "lead": {"prompt": "lead"},
        "teammates": [{"prompt": "work", **mate} for mate in mates],
        "lifecycle": {"approvalGates": list(gates), **lifecycle},
    }


def applied(wanted: Object, name: str = "demo") -> Callable[[World], None]:
    """A person applies a team."""
    return lambda world: world.apply(AGENT_TEAMS, name, wanted)


def phase(*wanted: str, name: str = "demo") -> Condition:
    """The team is in one of these phases."""
    return lambda world: world.status(name).get("phase") in wanted


def ended(name: str = "demo") -> Condition:
    """The team has come to an end."""
    return phase(*TERMINAL_PHASES, name=name)


def waits(agent: str) -> Condition:
    """The teammate waits for its approval."""
    return lambda world: any(
        mate["name"] == agent and mate.get("pendingApproval")
        for mate in world.status().get("teammates") or ()
    )


def annotate(key: str, value: str | None) -> Callable[[World], None]:
    """A person annotates the team."""
    return lambda world: world.change({"metadata": {"annotations": {key: value}}})


def decide(event: str, word: str = "true") -> Callable[[World], None]:
    """A person decides on a gate."""
    return annotate(APPROVAL_PREFIX + event, word)


def add(name: str, wanted: Object, done: Condition, *acts: Act, **more: Any) -> None:
    """A scenario with one team."""
    SCENARIOS[name] = Scenario(name, applied(wanted), done, acts, **more)
