"""Faults at every call of scenarios, schedules drawn by chance, and proof that the oracle has teeth."""

import pytest
from simulator.budget_stories import SCENARIOS
from simulator.faults import FAULTS, Schedule
from simulator.runs import judge, play, reference
from simulator.search import drawn, exhaustive, shrink

from kagents_controller.executor import CreationRefused, Executor, Subject
from kagents_core.reconcile import Plan

QUICK = ("gated",)
EVERY = 17
"""Of the exhaustive schedules of a scenario, each so many is played in a hurry: each fault at some calls."""


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_scenario_comes_to_its_end_without_faults(scenario: str) -> None:
    assert judge(Schedule(scenario)) == []


@pytest.mark.parametrize("scenario", QUICK)
def test_faults_at_many_calls(scenario: str) -> None:
    failed = [str(each) for each in list(exhaustive([scenario]))[::EVERY] if judge(each)]
    assert failed == [], "play each again with: python -m tests.simulation --replay SCHEDULE"


def test_schedules_drawn_by_chance() -> None:
    failed = [str(shrink(each)) for each in (drawn(8, number) for number in range(30)) if judge(each)]
    assert failed == [], "play each again with: python -m tests.simulation --replay SCHEDULE"


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", ["gated", "delivered"])
def test_every_fault_at_every_call(scenario: str) -> None:
    failed = [str(each) for each in exhaustive([scenario]) if judge(each)]
    assert failed == [], "play each again with: python -m tests.simulation --replay SCHEDULE"


def test_a_run_takes_the_same_course_each_time() -> None:
    schedule = Schedule.parse("gated/17:crash-after,23:lag-pods@7")
    assert play(schedule) == play(schedule)
    assert Schedule.parse(str(schedule)) == schedule


def test_a_schedule_is_the_same_by_number_and_by_verb_and_object() -> None:
    schedule = Schedule.parse("gated/17:crash-after,23:lag-pods@7")
    pinned = schedule.pinned(play(schedule).calls)
    assert all(isinstance(fault.call, str) for fault in pinned.faults)
    assert play(Schedule.parse(str(pinned))) == play(schedule)


def test_faults_at_requests_about_leases() -> None:
    """Their renewals have no number, as they never end."""
    listed = [each for each in exhaustive(["led-by-two"]) if isinstance(each.faults[0].call, str)]
    assert {fault.call for each in listed for fault in each.faults} >= {
        "POST leases/kagents#1",
        "WATCH leases#1",
    }
    failed = [str(each) for each in listed[::EVERY] if judge(each)]
    assert failed == [], "play each again with: python -m tests.simulation --replay SCHEDULE"


def test_a_team_that_is_recorded_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is not the team's alone lets a restarted controller write the record again."""
    names = (f"record-{number}" for number in range(100))
    monkeypatch.setattr("kagents_core.reconcile.usage_record.record_name", lambda *_: next(names))
    schedule = Schedule.parse("cost-recorded/POST agentusages/record-0#1:crash-after@0")
    assert any("a second record" in each for each in play(schedule).problems)


def test_a_controller_that_asks_nobody_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without looking at the server before it gives an agent a second pod."""

    async def believes(*_: object) -> bool:
        return True

    monkeypatch.setattr("kagents_controller.controller.replaces_only_the_dead", believes)
    assert any(
        "two live pods" in each
        for each in judge(Schedule.parse("gated/PATCH agentteams/demo/status#1:crash-stale@0"))
    )


def test_a_controller_that_tells_first_and_makes_later_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A status that speaks of pods before they are made: a crash in between loses them for good."""
    carry_out = Executor._make_children

    async def late(self: Executor, subject: Subject, plan: Plan) -> CreationRefused | None:
        await self.report(subject, plan.status, ())
        return await carry_out(self, subject, plan)

    monkeypatch.setattr(Executor, "_make_children", late)
    schedules = [each for each in exhaustive(["gated"]) if each.faults[0].kind == "crash-after"]
    assert any(judge(each) for each in schedules)


def test_a_failure_is_shrunk_to_the_fault_that_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reference("gated")
    monkeypatch.setattr("simulator.search.judge", lambda each: [f for f in each.faults if f.kind == "gone"])
    assert str(shrink(Schedule.parse("gated/3:500,9:gone,12:late@77"))) == "gated/9:gone@0"


def test_a_fault_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no fault 'sharks'"):
        Schedule.parse("gated/3:sharks@1")
    assert all(FAULTS.values())
