"""The scenarios. What a person does follows from what is seen, so that faults delay it and no more."""

from typing import Any

from kagents_core.api.constants import ANNOTATION_EXPORT, APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS, PODS
from simulator.addresses import Object
from simulator.cluster import Ending, Life
from simulator.scenarios import (
    SCENARIOS,
    Act,
    Condition,
    Scenario,
    add,
    annotate,
    applied,
    decide,
    ended,
    phase,
    spec,
    waits,
)
from simulator.world import World

__all__ = ["SCENARIOS"]

GATE = {"event": "spawn-b"}
A, B = {"name": "a"}, {"name": "b"}
EVER = (Ending(None),)
"""A program that does not end by itself."""

AT_LAST = (Ending(None), Ending(5.0))
"""One that does so only in its second pod."""

FAILS = Ending(4.0, 1, "it broke")
FAILS_LATE = Ending(150.0, 1, "it broke")
CLOCK = ("clock-",)
HOOK = {"url": "https://hooks.example.com/x", "events": ["approval.required", "teammate.completed"]}


def lives(**endings: tuple[Ending, ...]) -> Life:
    """How each agent's programs end."""
    return Life(endings)


def gone(world: World) -> bool:
    """Nothing of any team is left."""
    return not any(world.server.all(plural) for plural in ("agentteams", "pods", "persistentvolumeclaims"))


def says(kind: str, reason: str) -> Condition:
    """The team's condition has this reason."""
    return lambda world: any(
        (each["type"], each["reason"]) == (kind, reason) for each in world.status().get("conditions") or ()
    )


def runs(*agents: str) -> Condition:
    """A pod of each of these runs."""
    return lambda world: (
        phase("Running")(world)
        and all(any(pod["status"]["phase"] == "Running" for pod in world.pods(agent)) for agent in agents)
    )


def kill(agent: str) -> Any:
    """A person deletes the agent's pods."""
    return lambda world: [world.delete(pod["metadata"]["name"], PODS) for pod in world.pods(agent)]


def set_spec(**fields: Any) -> Any:
    """A person changes the team's spec."""
    return lambda world: world.change({"spec": fields})


def coding(*mates: Object, gates: tuple[Object, ...] = (), **lifecycle: Any) -> Object:
    """A team whose work is delivered."""
    wanted = spec(*mates, gates=gates, **({"onComplete": "create-pr"} | lifecycle))
    del wanted["workspace"]
    return wanted | {"repository": {"url": "https://example.com/x.git", "credentialsSecret": "git"}}


def both(first: Any, second: Any) -> Any:
    """One, then the other."""

    def one_after_the_other(world: World) -> None:
        first(world)
        second(world)

    return one_after_the_other


# ── from the beginning to a good end ──────────────────────────────────────────────────────────────────────

add("plain", spec(A, {"name": "b", "dependsOn": ["a"]}), ended())
add("alone", spec(), ended())
add(
    "chain",
    spec(A, {"name": "b", "dependsOn": ["a"]}, {"name": "c", "dependsOn": ["b"]}, {"name": "d"}),
    ended(),
    life=lives(lead=(Ending(40.0),)),
)
add("gated", spec(A, B, gates=(GATE,)), ended(), Act(waits("b"), decide("spawn-b")))
add(
    "gated-after",
    spec(A, {"name": "b", "dependsOn": ["a"]}, gates=(GATE,)),
    ended(),
    Act(waits("b"), decide("spawn-b")),
)
SCENARIOS["approved-before"] = Scenario(
    "approved-before",
    lambda world: world.apply(
        AGENT_TEAMS, "demo", spec(A, B, gates=(GATE,)), annotations={f"{APPROVAL_PREFIX}spawn-b": "true"}
    ),
    ended(),
)
add(
    "denied",
    spec(A, B, {"name": "c", "dependsOn": ["b"]}, gates=(GATE,)),
    ended(),
    Act(waits("b"), decide("spawn-b", "false")),
)
SCENARIOS["two-teams"] = Scenario(
    "two-teams",
    both(applied(spec(A)), applied(spec(B), "other")),
    lambda world: ended()(world) and ended("other")(world),
)
add(
    "led-by-two",
    spec(A, B, gates=(GATE,)),
    ended(),
    Act(waits("b"), decide("spawn-b")),
    controllers=2,
)

# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────

add("fails-once", spec(A), ended(), life=lives(a=(FAILS, Ending(5.0)), lead=(Ending(30.0),)))
add("fails-twice", spec(A), ended(), life=lives(a=(FAILS, FAILS, Ending(5.0))))
add("fails-for-good", spec(A, maxRestarts=1), phase("Failed"), life=lives(a=(FAILS_LATE,), lead=EVER))
add("lead-fails", spec(A, maxRestarts=0), phase("Failed"), life=lives(a=EVER, lead=(FAILS_LATE,)))
add("pod-deleted", spec(A), ended(), Act(runs("a"), kill("a")), life=lives(a=AT_LAST))
add("hub-deleted", spec(A), ended(), Act(runs("hub"), kill("hub")), life=lives(lead=(Ending(200.0),)))
add("invalid", spec({"name": "a", "dependsOn": ["nobody"]}), phase("Failed"))
add(
    "node-lost",
    spec(A),
    ended(),
    Act(runs("a", "lead", "hub"), lambda world: world.cluster.lose_node()),
    Act(
        lambda world: all(
            pod["metadata"].get("deletionTimestamp") for pod in world.pods("a") + world.pods("hub")
        ),
        lambda world: world.cluster.remove_node(),
        after=5.0,
    ),
    life=lives(a=AT_LAST, lead=AT_LAST),
)


def _refused(world: World) -> None:
    world.server.admission = lambda body: "exceeded quota: pods" if "-a-" in body["metadata"]["name"] else ""
    applied(spec(A))(world)


SCENARIOS["quota"] = Scenario(
    "quota",
    _refused,
    ended(),
    (
        Act(
            says("AgentsHealthy", "CreationRefused"),
            lambda world: setattr(world.server, "admission", lambda body: ""),
        ),
    ),
)

# ── a person's word, and limits ───────────────────────────────────────────────────────────────────────────

add(
    "suspended",
    spec(A),
    ended(),
    Act(runs("a", "lead"), set_spec(suspend=True)),
    Act(
        lambda world: phase("Suspended")(world) and not world.pods("a") + world.pods("lead"),
        set_spec(suspend=False),
        after=8.0,
    ),
    life=lives(a=AT_LAST, lead=AT_LAST),
    without=CLOCK,
)
add(
    "suspended-gated",
    spec(A, B, gates=(GATE,)),
    ended(),
    Act(lambda world: waits("b")(world) and runs("a", "lead")(world), set_spec(suspend=True)),
    Act(phase("Suspended"), decide("spawn-b")),
    Act(
        lambda world: phase("Suspended")(world) and not world.pods("a") + world.pods("lead"),
        set_spec(suspend=False),
    ),
    life=lives(a=(Ending(400.0),), lead=(Ending(400.0),)),
    without=CLOCK,
)
add(
    "cancelled",
    spec(A),
    ended(),
    Act(runs("a", "lead"), set_spec(cancel=True)),
    life=lives(a=EVER, lead=EVER),
)
add(
    "cancelled-gated",
    spec(B, gates=(GATE,)),
    ended(),
    Act(lambda world: waits("b")(world) and runs("lead")(world), set_spec(cancel=True)),
    life=lives(lead=EVER),
)
add("times-out", spec(A, timeout="10m"), phase("TimedOut"), life=lives(a=EVER, lead=EVER), without=CLOCK)
add(
    "over-budget",
    spec(A, budgetLimit="2.00"),
    phase("BudgetExceeded"),
    life=Life({"a": EVER, "lead": EVER}, ((5.0, "1.00"), (200.0, "2.10"))),
)
add(
    "edited",
    spec(A),
    ended(),
    Act(runs("a"), set_spec(teammates=[{"prompt": "work", "name": each} for each in ("a", "c")])),
    life=lives(lead=(Ending(400.0),), a=(Ending(300.0),)),
)
add("deleted", spec(A), gone, Act(runs("a", "lead"), World.delete), life=lives(a=EVER, lead=EVER))
add(
    "deleted-and-back",
    spec(A),
    ended(),
    Act(runs("a", "lead"), World.delete),
    Act(lambda world: not world.team(), applied(spec(B)), after=0.2),
    life=lives(a=EVER, lead=(Ending(150.0),)),
    without=("late",),
)
add("ttl", spec(A, ttlSecondsAfterFinished=60), lambda world: bool(world.invariants.created) and gone(world))
add(
    "exported",
    spec(A),
    lambda world: ended()(world) and not world.pods("export"),
    Act(runs("a"), annotate(ANNOTATION_EXPORT, "w1")),
    Act(
        lambda world: [1 for pod in world.pods("export") if pod["status"]["phase"] == "Running"],
        annotate(ANNOTATION_EXPORT, None),
    ),
    life=lives(a=(Ending(400.0),)),
)
