"""``reconcile_budget``: what the teams of a budget have spent, what that means, and when it begins anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kagents_core.api.budget import AgentBudget, AgentBudgetSpec, AgentBudgetStatus
from kagents_core.api.quantities import format_money, parse_money
from kagents_core.api.status import Condition
from kagents_core.reconcile.periods import Span
from kagents_core.reconcile.plan import Event, Hold, Plan
from kagents_core.reconcile.rules.conditions import condition, merged
from kagents_core.reconcile.spending import NOTHING, Spent
from kagents_core.reconcile.times import to_text

WARNING_PERCENT: Final = 80


@dataclass(frozen=True, slots=True)
class Total:
    """What the teams of a budget have spent in its present period."""

    span: Span
    spent: Spent = NOTHING
    teams: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ObservedBudget:
    """A snapshot of one budget."""

    budget: AgentBudget
    total: Total
    now: datetime


def reconcile_budget(observed: ObservedBudget) -> Plan:
    """What should be said of this budget now. What it does to teams is said to each team as a hold."""
    budget, total = observed.budget, observed.total
    if budget.metadata.get("deletionTimestamp"):
        return Plan()
    said = [_exceeded(budget.spec, total), _warning(budget.spec, total)]
    entries = merged(budget.status.conditions, said, observed.now, budget.metadata.get("generation", 0))
    status = AgentBudgetStatus(
        spent=format_money(total.spent.cost_micros),
        cost_micros=total.spent.cost_micros,
        tokens=total.spent.tokens,
        estimated=total.estimated,
        teams=total.teams,
        period_start=to_text(total.span.start),
        period_end=to_text(total.span.end),
        observed_generation=budget.metadata.get("generation", 0),
        conditions=tuple(entries),
    )
    return Plan(
        status=status.model_dump(by_alias=True, exclude_none=True, mode="json"),
        events=tuple(_events(budget, entries)),
        wake_at=total.span.end,
    )


def refuse_budget(body: dict[str, Any], reasons: list[str], now: datetime) -> Plan:
    """The plan for a budget that cannot be read: it holds nobody, and says why."""
    status = AgentBudgetStatus.model_validate(body.get("status") or {})
    generation = body["metadata"].get("generation", 0)
    said = condition("InvalidSpec", True, "ValidationFailed", "; ".join(reasons))
    entries = merged(status.conditions, [said], now, generation)
    told = [entry.model_dump(by_alias=True, exclude_none=True) for entry in entries]
    known = any(entry.type == "InvalidSpec" for entry in status.conditions)
    event = Event("Warning", "InvalidSpec", said.message)
    return Plan(
        status={"observedGeneration": generation, "conditions": told}, events=() if known else (event,)
    )


def exceeded(spec: AgentBudgetSpec, spent: Spent) -> bool:
    """Whether nothing is left."""
    return _share(spec, spent) >= 100


def hold_of(name: str, spec: AgentBudgetSpec, total: Total) -> Hold:
    """What an exceeded budget does to a team. Its words stay the same until the period ends."""
    until = f"until {to_text(total.span.end)} or until its limit is raised"
    what = " and ".join(_limits(spec))
    if spec.on_exceeded == "stop":
        message = f"AgentBudget {name} allows {what} a {spec.period}: its teams are suspended {until}"
    else:
        message = f"AgentBudget {name} allows {what} a {spec.period}: no further agent starts {until}"
    return Hold(name, spec.on_exceeded == "stop", message)


def _share(spec: AgentBudgetSpec, spent: Spent) -> int:
    """Percent of the limit that are spent; of two limits the one that is nearer."""
    shares = []
    if spec.limit is not None:
        shares.append(spent.cost_micros * 100 // parse_money(spec.limit))
    if spec.tokens is not None:
        shares.append(spent.tokens * 100 // spec.tokens)
    return max(shares)


def _limits(spec: AgentBudgetSpec) -> Iterator[str]:
    if spec.limit is not None:
        yield f"${spec.limit}"
    if spec.tokens is not None:
        yield f"{spec.tokens} tokens"


def _exceeded(spec: AgentBudgetSpec, total: Total) -> Condition:
    if not exceeded(spec, total.spent):
        return condition("Exceeded", False, "WithinLimit")
    then = "its teams are suspended" if spec.on_exceeded == "stop" else "no further agent of its teams starts"
    what = " and ".join(_limits(spec))
    until = f"until {to_text(total.span.end)} or until limit is raised"
    return condition("Exceeded", True, "LimitReached", f"{what} a {spec.period} are spent: {then} {until}")


def _warning(spec: AgentBudgetSpec, total: Total) -> Condition:
    if _share(spec, total.spent) < WARNING_PERCENT:
        return condition("Warning", False, "WithinLimit")
    what = " and ".join(_limits(spec))
    return condition("Warning", True, "NearLimit", f"{WARNING_PERCENT} % of {what} a {spec.period} are spent")


def _events(budget: AgentBudget, entries: list[Condition]) -> Iterator[Event]:
    before = {entry.type: entry.status for entry in budget.status.conditions}
    for entry in entries:
        if entry.status == "True" and before.get(entry.type) != "True":
            yield Event("Warning", f"Budget{entry.type}", entry.message)
        elif entry.type == "Exceeded" and entry.status == "False" and before.get(entry.type) == "True":
            yield Event("Normal", "BudgetAvailable", "its teams go on")
