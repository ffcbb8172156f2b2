"""A team's life as a trace: all of it at a real endpoint, nothing twice, nothing secret, never in the way."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # otlp_collector lies beside these tests

from otlp_collector import Collector, collecting

from kagents_core.teamfiles.toolcalls import ToolCall
from kagents_core.teamfiles.transcript import TranscriptBatch
from kagents_runner.documents import parse_team
from kagents_runner.record.clock import rfc3339
from kagents_runner.record.tracing import Span, Story, Tracing, sender, tracing
from kagents_runner.record.tracing.sender import Sender, address
from kagents_runner.record.tracing.spans import MOST_EVENTS, span_id, trace_id
from kagents_runner.record.tracing.turns import Turns

CANARY = "sk-canary-do-not-tell"
UID = "00000000-0000-0000-0000-000000000001"


def prompt(world: Any, agent: str, text: str = CANARY) -> None:
    world.transcript(agent, {"type": "user", "message": {"role": "user", "content": text}})


def call(world: Any, agent: str, name: str, key: str, *, failed: bool = False, result: bool = True) -> None:
    use = {"type": "tool_use", "id": key, "name": name, "input": {"command": CANARY}}
    counts = {"input_tokens": 10, "output_tokens": 4, "cache_read_input_tokens": 1}
    message = {"id": f"m{key}", "model": "claude-opus-5", "content": [use], "usage": counts}
    world.transcript(agent, {"type": "assistant", "requestId": f"r{key}", "message": message})
    if result:
        block = {"type": "tool_result", "tool_use_id": key, "content": CANARY, "is_error": failed}
        world.transcript(agent, {"type": "user", "message": {"role": "user", "content": [block]}})


def over(world: Any, phase: str = "Completed") -> None:
    world.recorder.observe_team({"metadata": {"uid": UID}, "status": {"phase": phase}})


def environment(collector: Collector, **more: str) -> dict[str, str]:
    return {"KAGENTS_TRACING_ENDPOINT": collector.url, **more}


async def recorded(world: Any, collector: Collector, *steps: Any) -> None:
    """A recorder with a trace: the steps one after the other, each until the recorder has read all of it."""
    document = parse_team(json.dumps(world.document))
    async with tracing(document, environment(collector)) as trace, world.recording(tracing=trace):
        for step in steps:
            step()
            await read(world)


async def read(world: Any) -> None:
    def caught_up() -> bool:
        sizes = {
            f"events/{path.name}": path.stat().st_size for path in world.layout.events_dir.glob("*.jsonl")
        }
        sizes |= {
            f"home/{path.parts[-4]}/{path.name}": path.stat().st_size
            for path in world.homes.glob("*/projects/-w/*.jsonl")
        }
        return all(world.books.offsets.get(name) == size for name, size in sizes.items())

    await world.until(caught_up)


async def test_the_whole_tree_arrives(world: Any) -> None:
    def works() -> None:
        world.recorder.observe_team({"metadata": {"uid": UID}, "status": {"phase": "Running"}})
        world.supervise("lead", "running")
        world.supervise("scout", "running")
        prompt(world, "lead")
        call(world, "lead", "Bash", "1")
        call(world, "lead", "Read", "2", failed=True)
        world.event("lead", hook_event_name="Stop", last_assistant_message=CANARY)

    def fails() -> None:
        prompt(world, "lead")
        call(world, "lead", "mcp__kagents__finish", "3", result=False)
        world.event("lead", hook_event_name="StopFailure", error="rate_limit", last_assistant_message=CANARY)
        prompt(world, "scout")
        world.event("scout", hook_event_name="Stop")

    def ends() -> None:
        world.supervise("scout", "ended")
        world.supervise("lead", "ended")

    async with collecting() as collector:
        await recorded(world, collector, works, fails, ends, lambda: over(world))
    collector.check()
    assert collector.tree() == {
        "": ["team demo"],
        "team demo": ["agent lead", "agent scout"],
        "agent lead": ["turn", "turn"],
        "turn": ["tool Bash", "tool Read", "tool mcp__kagents__finish"],
        "agent scout": ["turn"],
    }
    assert all(CANARY.encode() not in body for body in collector.bodies)
    (team,) = collector.named("team")
    assert team.trace == trace_id(UID)
    assert team.events == ["Running", "Completed"]
    assert team.attributes["kagents.phase"] == "Completed"
    assert team.attributes["gen_ai.usage.output_tokens"] == 12
    (lead,) = collector.named("agent lead")
    assert lead.attributes["gen_ai.request.model"] == "sonnet"
    assert lead.attributes["kagents.cost_micros"] > 0
    (bash,), (reading,), (cut,) = map(collector.named, ("tool Bash", "tool Read", "tool mcp"))
    assert (bash.failed, reading.failed, cut.failed) == (False, True, False)
    assert cut.attributes["kagents.unfinished"] is True
    first, second = sorted((span for span in collector.named("turn") if span.parent == lead.id), key=start)
    assert (first.failed, second.failed, second.why) == (False, True, "rate_limit")
    assert bash.parent == first.id
    assert cut.parent == second.id
    assert first.attributes["kagents.tools"] == 2
    assert collector.resources[0]["kagents.team"] == "demo"


def start(span: Any) -> int:
    return int(span.start)


async def test_a_recorder_that_was_stopped_tells_nothing_twice(world: Any) -> None:
    def begins() -> None:
        world.supervise("lead", "running")
        prompt(world, "lead")
        call(world, "lead", "Bash", "1", result=False)

    def goes_on() -> None:
        block = {"type": "tool_result", "tool_use_id": "1", "content": "x"}
        world.transcript("lead", {"type": "user", "message": {"role": "user", "content": [block]}})
        world.event("lead", hook_event_name="Stop")

    def ends() -> None:
        world.supervise("lead", "ended")

    async with collecting() as collector:
        await recorded(world, collector, begins)
        assert collector.spans == []
        await recorded(world, collector, goes_on)
        await recorded(world, collector, ends, lambda: over(world))
    collector.check()
    assert collector.tree() == {
        "": ["team demo"],
        "team demo": ["agent lead"],
        "agent lead": ["turn"],
        "turn": ["tool Bash"],
    }


async def test_a_recorder_that_was_killed_tells_the_same_ids(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had not saved is told once more: a span of the same id is the same span to every store."""
    monkeypatch.setattr("kagents_runner.record.tracing.turns.SETTLED", 1.0)

    def works() -> None:
        world.supervise("lead", "running")
        prompt(world, "lead")
        call(world, "lead", "Bash", "1")
        world.event("lead", hook_event_name="Stop")

    def ends() -> None:
        world.supervise("lead", "ended")

    def known() -> set[Any]:
        return {(span.id, span.name, span.parent, span.start, span.end) for span in collector.spans}

    async with collecting() as collector:
        document = parse_team(json.dumps(world.document))
        async with tracing(document, environment(collector)) as trace, world.recording(tracing=trace):
            works()
            await world.until(lambda: len(collector.spans) == 2)
        told = known()
        world.layout.recorder_state.unlink()
        collector.spans.clear()
        await recorded(world, collector, lambda: None, ends, lambda: over(world))
        again = known()
    collector.check()
    assert {name for _, name, *_ in told} == {"turn", "tool Bash"}
    assert told < again
    assert len(again) == 4


async def test_a_team_without_an_endpoint_has_no_trace(world: Any) -> None:
    async with tracing(parse_team(json.dumps(world.document)), {}) as trace:
        assert trace.next_due is None
        assert trace.state() is None


async def test_a_story_that_breaks_ends_the_trace_and_nothing_else(
    world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(story: Story) -> None:
        raise RuntimeError("bug")

    trace = Tracing(Story(parse_team(json.dumps(world.document)), lambda span: None))
    trace.tell(broken)
    trace.tell(broken)
    assert capsys.readouterr().out.count("the trace of this team ends here") == 1
    async with world.recording(tracing=trace):
        await world.deliver("lead", "scout", "hello")
        await world.until(lambda: world.messages())


# ── sending ───────────────────────────────────────────────────────────────────────────────────────────────


def span(number: int) -> Span:
    return Span(f"turn {number}", span_id(UID, number), None, 1.0, 2.0)


async def sent(sending: Sender, seconds: float = 5.0) -> None:
    task = asyncio.create_task(sending.run())
    await sending.flush(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_cannot_be_sent_is_dropped_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sender, "MOST_WAITING", 10)
    async with collecting() as collector:
        collector.answers = [0]
        sending = Sender(collector.url, trace_id(UID), {})
        task = asyncio.create_task(sending.run())
        began = time.monotonic()
        for number in range(50):
            sending.put(span(number))
        assert time.monotonic() - began < 1.0
        await sending.flush(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert sending.outcomes == {"dropped": 50}
    assert "10 spans of the trace were not sent" in capsys.readouterr().out


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_no_time_that_an_agent_writes_down_ends_the_trace(world: Any, at: str) -> None:
    async with collecting() as collector:
        sending = Sender(collector.url, trace_id(UID), {})
        story = Story(parse_team(json.dumps(world.document)), sending.put)
        calls = ToolCall("1", "Bash", at), ToolCall("2", "Read", "2027-01-15T08:00:00Z")
        story.transcript("lead", TranscriptBatch(0, (), (), (), None, 0, calls=calls), main=True)
        story.learn({"kind": "activity", "agent": "lead", "state": "working"}, 1800000000.0, 1)
        story.learn({"kind": "phase", "phase": "Completed"}, 1800000100.0, 2)
        story.finish()
        await sent(sending)
    assert {"tool Read", "team demo"} <= {each.name for each in collector.spans}


@pytest.mark.parametrize("status", [429, 503])
async def test_an_endpoint_that_is_overloaded_is_asked_again(status: int) -> None:
    async with collecting() as collector:
        collector.answers = [status, status]
        sending = Sender(collector.url, trace_id(UID), {})
        sending.put(span(1))
        await sent(sending)
    assert [each.name for each in collector.spans] == ["turn 1"]
    assert sending.outcomes == {"sent": 1}


@pytest.mark.parametrize("status", [302, 400, 401])
async def test_what_is_refused_for_good_is_not_tried_again(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with collecting() as collector:
        collector.answers = [status]
        sending = Sender(f"{collector.url}/?key={CANARY}", trace_id(UID), {})
        sending._url = address(collector.url)
        sending.put(span(1))
        await sent(sending)
    assert sending.outcomes == {"failed": 1}
    said = capsys.readouterr().out
    assert f"HTTP {status}" in said
    assert CANARY not in said


async def test_headers_are_read_anew_for_every_request(tmp_path: Path) -> None:
    folder = tmp_path / "headers"
    (folder / "..data").mkdir(parents=True)
    (folder / "authorization").write_text("Bearer one\n")
    async with collecting() as collector:
        sending = Sender(collector.url, trace_id(UID), {}, folder)
        task = asyncio.create_task(sending.run())
        sending.put(span(1))
        async with asyncio.timeout(10):
            while not collector.spans:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        (folder / "authorization").write_text("Bearer two")
        sending.put(span(2))
        await sending.flush(5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [each["authorization"] for each in collector.headers] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("https://c/", "https://c/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
    ],
)
def test_an_endpoint_without_a_path_is_the_whole_collectors(endpoint: str, url: str) -> None:
    assert address(endpoint) == url


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────────────

marks = st.lists(
    st.tuples(
        st.sampled_from(("begin", "call", "result", "rest")),
        st.floats(1000.0, 1100.0),
        st.sampled_from(("a", "b", "c")),
        st.booleans(),
    ),
    max_size=40,
)


@given(marks, st.integers(0, 40))
def test_whatever_the_order_every_span_ends_once_below_one_that_was(told: Any, cut: int) -> None:
    agent = Span("agent a", span_id(UID, "agent"), None, 1.0)
    found: list[Span] = []
    turns = Turns(UID, "a", found.append)
    for number, (kind, at, key, sub) in enumerate(told):
        if number == cut:  # the recorder is started anew
            state = json.loads(json.dumps(turns.state()))
            turns = Turns(UID, "a", found.append)
            turns.load(state)
        turns.tell(kind, at, f"{key}{number // 4}", "Bash", sub=sub)
        turns.due(at, agent)
    turns.close(1200.0, agent, None)
    ids = {agent.id} | {each.id for each in found if each.name == "turn"}
    assert all(each.parent in ids for each in found)
    assert all(each.end >= each.start for each in found)
    assert turns.next_due is None


def test_moments_of_a_span_are_bounded() -> None:
    long = Span("team", b"1" * 8, None, 1.0)
    for number in range(MOST_EVENTS + 5):
        long.mark(float(number), "Running")
    assert len(long.moments) == MOST_EVENTS
    assert long.attributes["kagents.moments_left_out"] == 5
    assert Span.unpack(json.loads(json.dumps(long.pack()))).moments == long.moments


def test_a_state_that_cannot_be_read_begins_the_story_again(world: Any) -> None:
    document = parse_team(json.dumps(world.document))
    for state in ({}, {"seq": "x"}, {"seq": 1, "over": False, "phase": 3}):
        story = Story(document, lambda span: None)
        story.load(state)
        assert story.seq == 0
        assert rfc3339(0.0)
