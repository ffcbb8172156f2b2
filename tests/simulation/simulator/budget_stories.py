"""Scenarios of money: budgets over several teams, of a team and of an agent; what was spent is recorded."""

from kagents_core.api.resources import AGENT_BUDGETS
from simulator.addresses import Object
from simulator.cluster import Ending, Life
from simulator.later_stories import SCENARIOS
from simulator.scenarios import Act, Condition, Scenario, add, applied, ended, phase, spec
from simulator.stories import AT_LAST, CLOCK, A, both, runs, says, set_spec
from simulator.world import World

__all__ = ["SCENARIOS"]

DOLLAR = 1_000_000
LATER = {"name": "b", "dependsOn": ["a"]}
"""A teammate that has not started when the budget is spent."""


def _budget(**limits: object) -> Object:
    return {"period": "month", "limit": "5.00"} | limits


def _shared(wanted: Object, **limits: object) -> Condition:
    """A budget over the namespace's teams, then a team."""
    return both(lambda world: world.apply(AGENT_BUDGETS, "monthly", _budget(**limits)), applied(wanted))


def _raise(world: World) -> None:
    world.change({"spec": {"limit": "50.00"}}, "monthly", AGENT_BUDGETS)


def _recorded(*names: str) -> Condition:
    """These teams have ended, and it is written down what they have cost."""

    def over(world: World) -> bool:
        written = {record["spec"]["team"] for record in world.server.all("agentusages")}
        return all(ended(name)(world) for name in names) and written >= set(names)

    return over


def _stands_still(world: World) -> bool:
    return bool(phase("Suspended")(world)) and not world.pods("a") + world.pods("lead")


_SPENT = Life({"a": (Ending(60.0),), "lead": (Ending(120.0),)}, usage=((3.0, "a", 6 * DOLLAR),))
_STOPPED = Life({"a": AT_LAST, "lead": AT_LAST}, usage=((200.0, "a", 6 * DOLLAR),))


def _with_budget(
    name: str, begin: Condition, *acts: Act, life: Life = _SPENT, **more: tuple[str, ...]
) -> None:
    SCENARIOS[name] = Scenario(name, begin, _recorded("demo"), acts, life, **more)


add("cost-recorded", spec(A), _recorded("demo"), life=Life(usage=((1.0, "a", 42), (4.0, "lead", 2 * DOLLAR))))
SCENARIOS["cost-of-two"] = Scenario(
    "cost-of-two",
    both(_shared(spec(A)), applied(spec(A), "other")),
    _recorded("demo", "other"),
    life=Life(usage=((1.0, "a", DOLLAR),)),
)
_with_budget(
    "budget-blocks", _shared(spec(A, LATER)), Act(says("WithinBudgets", "AgentBudgetExceeded"), _raise)
)
_with_budget(
    "budget-stops",
    _shared(spec(A), onExceeded="stop"),
    Act(_stands_still, _raise),
    life=_STOPPED,
    without=CLOCK,
)
_with_budget(
    "budget-deleted",
    _shared(spec(A), onExceeded="stop"),
    Act(_stands_still, lambda world: world.delete("monthly", AGENT_BUDGETS)),
    life=_STOPPED,
    without=CLOCK,
)
_with_budget(
    "budget-period-ends",  # midnight in Noumea is an hour after the run's begin
    _shared(spec(A), onExceeded="stop", period="day", timeZone="Pacific/Noumea"),
    life=_STOPPED,
    without=CLOCK,
)
_with_budget(
    "own-budget-suspends",
    applied(spec(A, budgetLimit="5.00", onBudget="suspend")),
    Act(_stands_still, lambda world: world.change({"spec": {"lifecycle": {"budgetLimit": "50.00"}}})),
    life=_STOPPED,
    without=CLOCK,
)
_with_budget(
    "agent-held",
    applied(spec(A | {"budget": "5.00"}, onBudget="suspend")),
    Act(
        lambda world: (
            says("BudgetLeft", "AgentsStopped")(world) and runs("lead")(world) and not world.pods("a")
        ),
        set_spec(teammates=[{"prompt": "work", "name": "a", "budget": "50.00"}]),
    ),
    life=Life({"a": AT_LAST, "lead": (Ending(500.0),)}, usage=((200.0, "a", 6 * DOLLAR),)),
    without=CLOCK,
)
add(
    "agent-over-budget",
    spec(A | {"budget": "5.00"}),
    lambda world: phase("BudgetExceeded")(world) and _recorded("demo")(world),
    life=Life({"a": AT_LAST, "lead": AT_LAST}, usage=((200.0, "a", 6 * DOLLAR),)),
)
