"""Scenarios of what comes beside and after an agent's work: webhooks, deliveries, runs of templates."""

from kagents_core.api.constants import ANNOTATION_RETRY_FINISH
from kagents_core.api.resources import AGENT_TEAM_RUNS, AGENT_TEAM_TEMPLATES
from simulator.cluster import Ending, delivered
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
    spec,
    waits,
)
from simulator.stories import EVER, FAILS_LATE, GATE, HOOK, A, B, both, coding, lives, runs, says
from simulator.world import World

__all__ = ["SCENARIOS"]


def _failing(world: World) -> None:
    world.receiver.failing = 3


# ── what the outside is told ──────────────────────────────────────────────────────────────────────────────

add(
    "told",
    spec(A, B, gates=(GATE,)) | {"observability": {"webhook": HOOK}},
    ended(),
    Act(waits("b"), decide("spawn-b")),
)
SCENARIOS["told-in-vain"] = Scenario(
    "told-in-vain",
    both(_failing, applied(spec(A) | {"observability": {"webhook": HOOK}})),
    ended(),
)
add(
    "gate-told",
    spec(B, gates=(GATE | {"channel": "webhook", "webhookUrl": "https://hooks.example.com/g"},)),
    ended(),
    Act(lambda world: waits("b")(world) and world.receiver.got, decide("spawn-b")),
)

# ── delivery ──────────────────────────────────────────────────────────────────────────────────────────────

add("delivered", coding(A), ended())
add(
    "delivered-when-approved",
    coding(A, gates=({"event": "finish"},)),
    ended(),
    Act(
        lambda world: (
            says("GatesPassed", "WaitingForApproval")(world)
            and not world.pods("finish")
            and all(pod["status"]["phase"] == "Succeeded" for pod in world.pods("a") + world.pods("lead"))
        ),
        decide("finish"),
    ),
)
add(
    "delivery-fails-once",
    coding(A),
    ended(),
    life=lives(finish=(Ending(3.0, 1, "no route", "finish"), delivered(3.0))),
)
add(
    "delivery-needs-a-person",
    coding(A),
    ended(),
    Act(says("Delivered", "NeedsAttention"), annotate(ANNOTATION_RETRY_FINISH, "1")),
    life=lives(finish=(Ending(3.0, 64, "the token has expired", "finish"), delivered(3.0))),
)
add(
    "conflict",
    coding(A, onConflict="lead"),
    ended(),
    life=lives(finish=(Ending(3.0, 66, "a and lead conflict", "merge"), delivered(3.0))),
)

# ── runs of templates ─────────────────────────────────────────────────────────────────────────────────────


def _run_ended(*phases: str) -> Condition:
    def over(world: World) -> bool:
        found = world.server.look(world.key(AGENT_TEAM_RUNS, "demo")) or {}
        return (found.get("status") or {}).get("phase") in phases

    return over


def _run(world: World) -> None:
    own = {key: value for key, value in spec(A).items() if key != "teammates"}
    world.apply(AGENT_TEAM_RUNS, "demo", own | {"templateRef": {"name": "pattern"}})


def _template(world: World) -> None:
    world.apply(AGENT_TEAM_TEMPLATES, "pattern", {"teammates": spec(A)["teammates"]})


SCENARIOS["run"] = Scenario("run", both(_template, _run), _run_ended("Completed"))
SCENARIOS["run-before-its-template"] = Scenario(
    "run-before-its-template",
    _run,
    _run_ended("Completed"),
    (Act(lambda world: _run_ended("Pending")(world), _template),),
)
SCENARIOS["run-fails"] = Scenario(
    "run-fails", both(_template, _run), _run_ended("Failed"), (), lives(a=EVER, lead=(FAILS_LATE,))
)
SCENARIOS["run-cancelled"] = Scenario(
    "run-cancelled",
    both(_template, _run),
    _run_ended("Cancelled"),
    (Act(runs("a"), lambda world: world.change({"spec": {"cancel": True}}, "demo", AGENT_TEAM_RUNS)),),
    lives(a=EVER, lead=EVER),
)
