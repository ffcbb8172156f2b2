"""What an exceeded AgentBudget holds back: agents that never started, or the whole team."""

from collections.abc import Iterator, Sequence

from kagents_core.api.status import Condition
from kagents_core.reconcile.plan import Hold
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.conditions import condition


def standstill(holds: Sequence[Hold], states: Sequence[AgentState]) -> str | None:
    """Why the team is suspended by a budget, in words; None when it is not.

    Also where the budget only blocks: once nothing runs any more and nothing waits but for it, the team's
    time must not go on.
    """
    left = [state for state in states if not state.ended]
    if not holds or not left:
        return None
    stopping = [hold.message for hold in holds if hold.stop]
    if stopping:
        return "; ".join(stopping)
    if any(state.held for state in left) and all(only_waits(state) for state in left):
        return "; ".join(hold.message for hold in holds)
    return None


def only_waits(state: AgentState) -> bool:
    """Nothing of it runs, and no person is asked for it."""
    return state.phase == "Waiting" and state.waiting_gate is None


def within_budgets(holds: Sequence[Hold], states: Sequence[AgentState]) -> Iterator[Condition]:
    """Which budgets hold the team back; nothing while none does, nor once all agents have ended."""
    left = [state for state in states if not state.ended]
    if left and (any(hold.stop for hold in holds) or any(state.held for state in left)):
        words = "; ".join(hold.message for hold in holds)
        yield condition("WithinBudgets", False, "AgentBudgetExceeded", words)
