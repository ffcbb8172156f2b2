"""The budgets of a team and of its agents, and how much of each is spent."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from kagents_core.api.quantities import MICROS_PER_DOLLAR, parse_money
from kagents_core.api.status import LeadStatus, TeammateStatus
from kagents_core.reconcile.roster import Agent
from kagents_core.reconcile.snapshot import Snapshot

WARNING_PERCENT = 80
_WAITS = "budget: $"
"""Not the name of a budget over several teams, which an agent may wait for that never started."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit, and what is spent of it, in micro-dollars."""

    agent: str | None
    """Whose it is; None: the team's."""
    limit: str
    """As a person wrote it."""
    micros: int
    spent: int
    metered: bool
    """It was counted by a gateway, and not read from transcripts."""

    @property
    def reached(self) -> bool:
        """Whether all of it is spent."""
        return self.spent >= self.micros

    @property
    def near(self) -> bool:
        """Whether so much of it is spent that people are warned."""
        return self.spent * 100 >= self.micros * WARNING_PERCENT

    @property
    def shown(self) -> str:
        """What is spent in dollars, cut off behind as many places as the limit is written with, or cents."""
        places = max(2, len(self.limit.partition(".")[2]))
        dollars, rest = divmod(self.spent, MICROS_PER_DOLLAR)
        return f"{dollars}.{f'{rest:06d}'[:places]}"

    @property
    def said(self) -> str:
        """What is spent of it, in words."""
        how = "metered" if self.metered else "estimated"
        name = "its budget" if self.agent else "lifecycle.budgetLimit"
        return f"{self.agent or 'the team'} spent ${self.shown} ({how}) of {name} ${self.limit}"

    @property
    def warning(self) -> str:
        """That it will soon be spent, in words that stay the same while more is."""
        name = f"the budget of {self.agent}," if self.agent else "lifecycle.budgetLimit"
        return f"{WARNING_PERCENT} % of {name} ${self.limit} are spent"


def team_budget(snapshot: Snapshot) -> Budget | None:
    """The team's; None without a limit, and before anything was reported."""
    limit = snapshot.spec.lifecycle.budget_limit
    if not limit or (cost := spent_micros(snapshot)) is None:
        return None
    return Budget(None, limit, parse_money(limit), cost, _metered(snapshot))


def agent_budget(snapshot: Snapshot, agent: Agent) -> Budget | None:
    """An agent's own; None without one, and before anything was reported."""
    limit, usage = agent.spec.budget, snapshot.status.usage
    if not limit or usage is None:
        return None
    cost = sum(each.cost_micros for each in usage.by_model if each.agent == agent.name)
    return Budget(agent.name, limit, parse_money(limit), cost, _metered(snapshot))


def budgets(snapshot: Snapshot) -> Iterator[Budget]:
    """All of them, the team's first."""
    found = [team_budget(snapshot), *map(partial(agent_budget, snapshot), snapshot.agents)]
    return (each for each in found if each is not None)


def holds_team(snapshot: Snapshot) -> Budget | None:
    """The budget for whose sake the team is suspended, if it is to be."""
    budget = team_budget(snapshot) if snapshot.spec.lifecycle.on_budget == "suspend" else None
    return budget if budget and budget.reached else None


def waits_for(budget: Budget) -> str:
    """``waitingFor`` of an agent that is stopped until its budget is raised."""
    return f"{_WAITS}{budget.shown} of ${budget.limit} are spent"


def was_stopped(previous: LeadStatus | TeammateStatus | None) -> bool:
    """Whether status says of an agent that its budget had stopped it."""
    return previous is not None and waits_for_budget(previous.waiting_for)


def waits_for_budget(waiting_for: str | None) -> bool:
    """Whether these words of a status say that an agent's own budget had stopped it."""
    return (waiting_for or "").startswith(_WAITS)


def spent_micros(snapshot: Snapshot) -> int | None:
    """What the recorder says of the team's cost: exactly, or, an older one, in cents. None: nothing yet."""
    usage, cost = snapshot.status.usage, snapshot.status.estimated_cost
    if usage is not None and "cost_micros" in usage.model_fields_set:
        return usage.cost_micros
    if cost is None:
        return None
    try:
        return parse_money(cost)
    except ValueError:  # a report of nothing: ``parse_money`` refuses 0
        return 0


def _metered(snapshot: Snapshot) -> bool:
    usage = snapshot.status.usage
    return usage is not None and not usage.estimated
