"""The words of budgets over several teams, whole: people and their tools read them."""

from datetime import timedelta
from typing import Any

import pytest
from test_budgets import MONTH, NOW, budget, plan, spender

from kagents_core.api.budget import AgentBudget
from kagents_core.reconcile import Event, Hold, ObservedBudget, Plan, Total, reconcile_budget, refuse_budget
from kagents_core.reconcile.budget import hold_of
from kagents_core.reconcile.spending import NOTHING, HourSpent, Spent, account_of_record, account_of_team

UNTIL = "until 2026-12-01T00:00:00Z or until limit is raised"
SPENT = Total(MONTH, Spent(12_500_000, 77), teams=2)
BOTH = "$10.00 and 500 tokens a month"


def entry(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-21T12:00:00Z",
        "observedGeneration": 3,
    }


@pytest.mark.parametrize(
    ("then", "done"), [("stop", "its teams are suspended"), ("block", "no further agent of its teams starts")]
)
def test_all_that_is_said_when_nothing_is_left(then: str, done: str) -> None:
    made = reconcile_budget(ObservedBudget(budget(tokens=500, onExceeded=then), SPENT, NOW))
    exceeded = f"{BOTH} are spent: {done} {UNTIL}"
    assert made == Plan(
        status={
            "spent": "12.50",
            "costMicros": 12_500_000,
            "tokens": 77,
            "estimated": False,
            "teams": 2,
            "periodStart": "2026-11-01T00:00:00Z",
            "periodEnd": "2026-12-01T00:00:00Z",
            "observedGeneration": 3,
            "conditions": [
                entry("Exceeded", "True", "LimitReached", exceeded),
                entry("Warning", "True", "NearLimit", f"80 % of {BOTH} are spent"),
            ],
        },
        events=(
            Event("Warning", "BudgetExceeded", exceeded),
            Event("Warning", "BudgetWarning", f"80 % of {BOTH} are spent"),
        ),
        wake_at=MONTH.end,
    )


def test_all_that_is_said_when_there_is_money_again() -> None:
    first = plan(12_500_000)
    raised = plan(12_500_000, status=first.status, limit="20.00")
    assert raised.status is not None
    assert raised.status["conditions"] == [
        entry("Exceeded", "False", "WithinLimit"),
        entry("Warning", "False", "WithinLimit"),
    ]
    assert raised.events == (Event("Normal", "BudgetAvailable", "its teams go on"),)


def test_that_less_than_eighty_percent_are_spent_again_is_no_event() -> None:
    near = plan(8_500_000)
    assert [event.reason for event in near.events] == ["BudgetWarning"]
    assert plan(8_500_000, status=near.status, limit="20.00").events == ()


def test_what_was_read_from_transcripts_makes_the_sum_an_estimate() -> None:
    body = {"apiVersion": "claude.amcheste.io/v1alpha1", "kind": "AgentBudget", "metadata": {"name": "m"}}
    made = AgentBudget.model_validate(body | {"spec": {"period": "month", "tokens": 9}})
    status = reconcile_budget(ObservedBudget(made, Total(MONTH, Spent(1, 1), 1, True), NOW)).status
    assert status is not None
    assert (status["estimated"], status["observedGeneration"]) == (True, 0)
    assert [each["observedGeneration"] for each in status["conditions"]] == [0, 0]


def test_of_a_budget_that_is_being_deleted_nothing_is_said() -> None:
    body = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentBudget",
        "metadata": {"name": "m", "deletionTimestamp": "2026-11-21T12:00:00Z"},
        "spec": {"period": "month", "tokens": 9},
    }
    observed = ObservedBudget(AgentBudget.model_validate(body), Total(MONTH), NOW)
    assert reconcile_budget(observed) == Plan()


def test_all_that_is_said_of_a_budget_that_cannot_be_read() -> None:
    reasons = ["spec.timeZone: no such zone", "spec.limit: no number"]
    said = "; ".join(reasons)
    made = refuse_budget({"metadata": {"name": "x", "generation": 3}}, reasons, NOW)
    told = {"observedGeneration": 3, "conditions": [entry("InvalidSpec", "True", "ValidationFailed", said)]}
    assert made == Plan(status=told, events=(Event("Warning", "InvalidSpec", said),))
    unnumbered = refuse_budget({"metadata": {"name": "x"}}, reasons, NOW).status
    assert unnumbered is not None
    assert unnumbered["observedGeneration"] == unnumbered["conditions"][0]["observedGeneration"] == 0


def test_the_whole_words_of_a_hold() -> None:
    assert hold_of("monthly", budget(tokens=500).spec, Total(MONTH)) == Hold(
        "monthly",
        False,
        f"AgentBudget monthly allows {BOTH}: no further agent starts until 2026-12-01T00:00:00Z "
        "or until its limit is raised",
    )


def test_a_team_that_tells_no_hours_counts_from_the_full_hour_in_which_it_began() -> None:
    account = account_of_team(spender(startedAt="2026-10-31T22:10:05Z", estimatedCost="1.50"))
    [hour] = account.hours
    assert hour.at == int((MONTH.start - timedelta(hours=2)).timestamp())


def test_a_record_without_numbers_counts_nothing() -> None:
    hours = [{"hour": "2026-11-02T10"}, {"tokens": 9}, {"hour": "never", "costMicros": 9}]
    account = account_of_record({"spec": {"hours": hours}})
    assert account.hours == (HourSpent(int((MONTH.start + timedelta(hours=34)).timestamp()), 0, 0),)
    assert (account.uid, account.labels, account.estimated) == ("", {}, True)
    assert account.within(MONTH) == NOTHING
    assert account_of_record({}).estimated is False
