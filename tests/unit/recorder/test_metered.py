"""What the gateway has counted: journalled once an answer, summed for the status, told to nobody twice."""

import json
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_core.api.status import TeamStatus
from kagents_core.pricing import Tokens
from kagents_runner.documents import parse_team
from kagents_runner.record.limits import Limits
from kagents_runner.record.spending import QUIET, Response, Spending
from kagents_runner.record.sums import MOST_UNKNOWN, OTHER
from kagents_runner.record.teamlink import TeamLink


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


AT = "2026-11-21T10:59:58.000Z"


def line(identity: str, agent: str = "scout", state: str = "complete", **more: Any) -> dict[str, Any]:
    """A line of the ledger, as the gateway writes it."""
    counts = {"inputTokens": 10, "outputTokens": 20, "cacheReadTokens": 30, "costMicros": 500}
    written = {"cacheWrite5mTokens": 3, "cacheWrite1hTokens": 4}
    names = {"seq": 1, "id": identity, "state": state, "at": AT, "agent": agent, "model": "claude-sonnet-5"}
    return {**names, **counts, **written, "prices": "2026-10-24", "totalMicros": 500, **more}


def enter(world: World, *lines: dict[str, Any]) -> None:
    with (world.gateway / "ledger.jsonl").open("a") as ledger:
        ledger.writelines(json.dumps(each) + "\n" for each in lines)


async def test_an_answer_is_journalled_when_it_has_ended_and_once(world: World) -> None:
    world.with_gateway()
    enter(world, line("req_1", state="open", costMicros=7))
    async with world.recording():
        enter(world, line("req_1"))
        [entry] = await world.until(lambda: world.journal("usage"))
        enter(world, line("req_2", state="aborted", at="2026-11-21T11:00:01.000Z", unknownModel=True))
        await world.until(lambda: len(world.journal("usage")) == 2)
    assert (entry["requestId"], entry["agent"], entry["state"]) == ("req_1", "scout", "complete")
    assert (entry["cacheWriteTokens"], entry["cacheWrite1hTokens"]) == (7, 4)
    assert (entry["costMicros"], entry["estimated"], entry["used"]) == (500, False, AT)
    (world.layout.recorder_state).unlink()  # a crash before the place in the ledger was saved
    async with world.recording():
        enter(world, line("req_3", agent="lead", state="lost"))
        await world.until(lambda: len(world.journal("usage")) == 3)
        usage = world.recorder.status()["usage"]
    assert [each["requestId"] for each in world.journal("usage")] == ["req_1", "req_2", "req_3"]
    assert (usage["costMicros"], usage["requests"], usage["estimated"]) == (1500, 3, False)
    assert usage["prices"] == "2026-10-24" and usage["unknownModels"] == ["claude-sonnet-5"]
    assert [(each["agent"], each["requests"], each["costMicros"]) for each in usage["byModel"]] == [
        ("lead", 1, 500),
        ("scout", 2, 1000),
    ]
    assert usage["hours"] == [
        {"hour": "2026-11-21T10", "costMicros": 1000, "tokens": 134},
        {"hour": "2026-11-21T11", "costMicros": 500, "tokens": 67},
    ]
    TeamStatus.model_validate(world.recorder.status())


async def test_what_an_agent_s_transcript_says_of_metered_requests_is_ignored(world: World) -> None:
    """It is the agent's to write: it could neither make the team dearer nor cheaper."""
    world.with_gateway()
    used = {"input_tokens": 10**8, "output_tokens": 1}
    message = {"id": "msg", "role": "assistant", "model": "claude-opus-4", "usage": used, "content": []}
    async with world.recording():
        world.supervise("scout", "running")
        world.transcript("scout", {"type": "assistant", "requestId": "r", "message": message})
        await world.until(lambda: world.books.offsets.get("home/scout/s.jsonl"))
        assert world.books.spending.next_due is None
        enter(world, line("req_1"))
        await world.until(lambda: world.journal("usage"))
    assert [each["requestId"] for each in world.journal("usage")] == ["req_1"]


@pytest.mark.parametrize(
    "wrong",
    [
        "{torn",
        "[]",
        json.dumps(line("r", agent="nobody")),
        json.dumps(line("r", state="paid")),
        json.dumps(line("r", costMicros=-1)),
        json.dumps(line("r", inputTokens=True)),
        json.dumps({**line("r"), "id": 7}),
    ],
)
async def test_a_line_that_is_not_understood_is_set_aside_and_the_others_count(
    world: World, wrong: str
) -> None:
    world.with_gateway()
    async with world.recording():
        with (world.gateway / "ledger.jsonl").open("a") as ledger:
            ledger.write(f"{wrong}\n")
        enter(world, line("req_1"))
        await world.until(lambda: world.journal("usage"))
    [problem] = world.journal("malformed")
    assert problem["source"] == "gateway/ledger.jsonl"


async def test_a_line_that_is_still_being_written_is_waited_for(world: World) -> None:
    world.with_gateway()
    whole = json.dumps(line("req_1")) + "\n"
    async with world.recording():
        path = world.gateway / "ledger.jsonl"
        path.write_text(json.dumps(line("req_0")) + "\n" + whole[:40])
        await world.until(lambda: world.journal("usage"))
        assert len(world.journal("usage")) == 1 and world.journal("malformed") == []
        with path.open("a") as ledger:
            ledger.write(whole[40:])
        await world.until(lambda: len(world.journal("usage")) == 2)


async def test_the_end_of_the_team_waits_for_answers_that_are_under_way(world: World) -> None:
    world.with_gateway()
    enter(world, line("req_1", state="open"))
    async with world.recording():
        await world.until(lambda: world.recorder._metered.under_way)
        world.recorder.observe_team({"status": {"phase": "BudgetExceeded"}, "metadata": {}})
        await world.until(lambda: world.journal("phase"))
        enter(world, line("req_1", state="aborted"))
    assert [each["requestId"] for each in world.journal("usage")] == ["req_1"]


# -- sums ----------------------------------------------------------------------------------------------------

ENTRIES = st.builds(
    lambda agent, model, number, micros, known: {
        "kind": "usage",
        "agent": agent,
        "model": model,
        "requestId": f"r{number}",
        "inputTokens": micros % 7,
        "outputTokens": micros % 11,
        "cacheReadTokens": micros % 13,
        "cacheWriteTokens": micros % 17,
        "costMicros": micros,
        "estimated": False,
        "prices": "1",
        **({} if known else {"unknownModel": True}),
    },
    st.sampled_from(["lead", "a", "b"]),
    st.text(max_size=3),
    st.integers(0, 30),
    st.integers(0, 10**9),
    st.booleans(),
)


@given(st.lists(st.tuples(ENTRIES, st.integers(0, 4_000_000_000))))
@settings(deadline=None)
def test_every_view_of_the_sums_says_the_same_and_nothing_counts_twice(found: list) -> None:
    spending = Spending(["lead", "a", "b"], ["lead", "a", "b"])
    for entry, at in [*found, *found]:
        spending.learn(entry, float(at))
    once = {(entry["agent"], entry["requestId"]): entry for entry, _ in reversed(found)}
    usage = spending.shown()
    total = sum(entry["costMicros"] for entry in once.values())
    assert usage["costMicros"] == total
    assert usage["requests"] == len(once)
    assert sum(each["costMicros"] for each in usage.get("byModel", ())) == total
    tokens = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
    for name in (*tokens, "requests"):
        assert sum(each[name] for each in usage.get("byModel", ())) == usage[name]
    hours = usage.get("hours", [])
    assert [each["hour"] for each in hours] == sorted({each["hour"] for each in hours})
    assert sum(each["tokens"] for each in hours) == sum(usage[name] for name in tokens)
    assert len(usage.get("unknownModels", ())) <= MOST_UNKNOWN
    TeamStatus.model_validate({"usage": usage})


def test_models_without_end_are_kept_apart_as_far_as_there_is_room() -> None:
    spending = Spending([], ["a"])
    for number in range(1000):
        spending.observed(Response("a", f"r{number}", f"m{number}", Tokens(input=1), AT), 0.0)
    for entry in spending.due(QUIET):
        spending.learn(entry, 0.0)
    usage = spending.shown()
    TeamStatus.model_validate({"usage": usage})
    assert usage["byModel"][-1]["model"] == OTHER
    assert sum(each["requests"] for each in usage["byModel"]) == 1000
    assert usage["estimated"] and len(usage["unknownModels"]) == MOST_UNKNOWN


def test_the_last_hours_are_kept() -> None:
    spending = Spending(["a"], ["a"])
    for hour in range(2000):
        entry = {**line("r"), "cacheWriteTokens": 0, "requestId": str(hour), "agent": "a", "estimated": False}
        spending.learn(entry, hour * 3600.0)
    hours = spending.shown()["hours"]
    assert len(hours) == 768 and hours[-1]["hour"] == "1970-03-25T07"


def test_only_what_a_gateway_counts_is_exact() -> None:
    spending = Spending(["real"], ["real", "played"])
    assert spending.shown()["estimated"] is False
    spending.observed(Response("played", "r", "claude-haiku-4-5", Tokens(input=1), AT), 0.0)
    spending.observed(Response("real", "r", "claude-haiku-4-5", Tokens(input=1), AT), 0.0)
    [entry] = spending.due(QUIET)
    spending.learn(entry, 0.0)
    assert (entry["agent"], spending.shown()["estimated"]) == ("played", True)
    assert Spending().shown()["estimated"] is True


# -- limits --------------------------------------------------------------------------------------------------


def told(world: World) -> Any:
    return json.loads((world.limits / "limits.json").read_text())


def object_with(limit: str | None, lead: str | None = None, scout: str | None = None) -> dict[str, Any]:
    spec = {"lifecycle": {"budgetLimit": limit}, "lead": {"budget": lead}}
    return {"spec": spec | {"teammates": [{"name": "scout", "budget": scout}]}}


async def test_the_gateway_is_told_the_limits_at_once_and_whenever_they_change(world: World) -> None:
    world.with_gateway(5_000_000, scout=1_000_000)
    async with world.recording():
        await world.until(lambda: (world.limits / "limits.json").exists())
        assert told(world) == {"budgetMicros": 5_000_000, "agents": {"scout": 1_000_000}}
        world.recorder.observe_team(object_with("7.50", lead="2.00"))
        assert told(world) == {"budgetMicros": 7_500_000, "agents": {"lead": 2_000_000}}
        before = (world.limits / "limits.json").stat().st_ino
        world.recorder.observe_team(object_with("7.50", lead="2.00"))
        assert (world.limits / "limits.json").stat().st_ino == before
    async with world.recording():  # started again in the same pod: what was told last is younger than the pod
        await world.until(lambda: world.recorder.stepped.is_set())
        assert told(world)["budgetMicros"] == 7_500_000
        world.recorder.observe_team(object_with(None))
        assert told(world) == {"budgetMicros": None, "agents": {}}


def test_a_limit_counts_as_reached_to_the_micro_dollar(world: World) -> None:
    world.with_gateway(1000, scout=600)
    limits = Limits(parse_team(json.dumps(world.document)))

    def status(lead: int, scout: int) -> dict[str, Any]:
        shares = [("lead", lead), ("scout", scout - 1), ("scout", 1)]
        models = [{"agent": agent, "costMicros": micros} for agent, micros in shares]
        return {"usage": {"costMicros": lead + scout, "byModel": models}}

    assert limits.reached({"usage": {}}) == frozenset()
    assert limits.reached(status(400, 599)) == frozenset()
    assert limits.reached(status(399, 600)) == {"scout"}
    assert limits.reached(status(400, 600)) == {"scout", ""}


def test_a_limit_that_is_reached_does_not_wait_with_the_numbers() -> None:
    link = TeamLink(None, "demo", "default", "u", urgent=lambda status: status["usage"] >= 10)  # type: ignore[arg-type]
    throttle = link._throttle
    throttle.written({"activity": [], "usage": 1}, 100.0)
    assert throttle.due({"activity": [], "usage": 9}) == 110.0
    assert throttle.due({"activity": [], "usage": 10}) == 101.0
