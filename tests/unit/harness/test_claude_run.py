"""The harness around a fake CLI: every way in which an agent can end, and what the log says meanwhile."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.harness.claude_code import ClaudeCodeHarness
from kagents_runner.harness.claude_code.narrate import Narrator
from kagents_runner.harness.claude_code.screen import last_words
from kagents_runner.harness.claude_code.watch import START_SECONDS, WAKE_AFTER, SessionWatch
from kagents_runner.harness.protocol import AgentContext, HarnessExit, HarnessState
from kagents_runner.secret_values import secrets_of

MakeContext = Callable[..., AgentContext]
FakeClaude = Callable[..., str]
SAMPLES = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329/gateway-and-hooks"


class Run:
    """One run of the harness around a fake CLI."""

    def __init__(self, context: AgentContext) -> None:
        self.states: list[HarnessState] = []
        self.log: list[str] = []
        self.stop = asyncio.Event()
        self.context = context
        self.wake_after: Sequence[float] = WAKE_AFTER

    async def ended(self) -> HarnessExit:
        harness = ClaudeCodeHarness(lambda line, _: self.log.append(line), wake_after=self.wake_after)
        async with asyncio.timeout(30):
            return await harness.run(self.context, self.states.append, self.stop)


def begin(context_events: str = "$EVENTS") -> str:
    start = json.dumps(
        {"hook_event_name": "SessionStart", "source": "startup", "model": "m", "transcript_path": ""}
    )
    return f"echo '{start}' >> {context_events}"


@pytest.fixture
def run(context: MakeContext, fake_claude: FakeClaude, tmp_path: Path) -> Callable[..., Run]:
    def make(lines: str, **agent: Any) -> Run:
        events = tmp_path / "team/events/worker.jsonl"
        path = fake_claude(f"EVENTS={events}\n{lines}")
        return Run(context(environment={"KAGENTS_CLAUDE": path}, **agent))

    return make


async def test_a_native_end_is_success(run: Callable[..., Run]) -> None:
    one = run(f"{begin()}; sleep 0.7; exit 0")
    assert await one.ended() == HarnessExit(0)
    assert [state.state for state in one.states] == ["starting", "starting", "running"]
    assert one.log == ["session startup, model m"]


async def test_a_failure_says_the_end_of_the_screen_in_clean_words(run: Callable[..., Run]) -> None:
    ended = await run("printf 'noise\\033[31m error: \\033]0;title\\007bad flag --x\\n'; exit 3").ended()
    assert ended.code == 1 and ended.sentence == "claude ended with status 3: noise error: bad flag --x"


async def test_a_failure_says_the_last_failed_turn(run: Callable[..., Run]) -> None:
    failure = {
        "hook_event_name": "StopFailure",
        "error": "unknown",
        "last_assistant_message": "API Error: 500",
    }
    ended = await run(f"{begin()}; echo '{json.dumps(failure)}' >> $EVENTS; exit 1").ended()
    assert ended == HarnessExit(1, "claude ended with status 1: API Error: 500")


async def test_a_refused_credential_ends_it_at_once(run: Callable[..., Run]) -> None:
    failure = {
        "hook_event_name": "StopFailure",
        "error": "authentication_failed",
        "last_assistant_message": "no",
    }
    ended = await run(f"{begin()}; echo '{json.dumps(failure)}' >> $EVENTS; sleep 60").ended()
    assert ended == HarnessExit(64, "The model refused: no")


async def test_it_stops_when_told(run: Callable[..., Run]) -> None:
    one = run(f"{begin()}; sleep 600 & wait")
    task = asyncio.create_task(one.ended())
    async with asyncio.timeout(20):
        while not one.log:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    one.stop.set()
    assert await task == HarnessExit(143)
    assert not Path(f"/proc/{one.states[-1].pid}").exists()


async def test_cancelled_it_leaves_no_process(run: Callable[..., Run]) -> None:
    one = run(f"{begin()}; trap '' TERM; sleep 600 & wait; sleep 600")
    task = asyncio.create_task(one.ended())
    async with asyncio.timeout(20):
        while not one.log:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        while Path(f"/proc/{one.states[-1].pid}").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_its_timeout_ends_it(run: Callable[..., Run]) -> None:
    ended = await run(f"{begin()}; sleep 600", timeoutSeconds=0.5).ended()
    assert ended == HarnessExit(1, "The agent's timeout of 0.5 s is over.")


async def test_a_session_that_is_not_what_it_seemed_is_started_the_other_way(run: Callable[..., Run]) -> None:
    refuse = """case "$*" in *{0}*) echo '{1}'; exit 1;; esac; """
    used = refuse.format("--session-id", "Session ID x is already in use")
    assert await run(f"{used}{begin()}; exit 0").ended() == HarnessExit(0)
    missing = refuse.format("--resume", "No conversation found with ID x")
    one = run(f"{missing}{begin()}; exit 0")
    folder = one.context.home_dir / "projects/-w"
    folder.mkdir(parents=True)
    (folder / f"{one.context.agent.session_id}.jsonl").write_text('{"type":"user"}\n')
    assert await one.ended() == HarnessExit(0)


@pytest.mark.parametrize(
    ("environment", "named"),
    [({"KAGENTS_CLAUDE": "/nowhere"}, "/nowhere"), ({"ANTHROPIC_API_KEY": ""}, "apiKeySecret")],
)
async def test_what_a_person_must_change_is_said(
    context: MakeContext, fake_claude: FakeClaude, environment: dict[str, str], named: str
) -> None:
    ended = await Run(context(environment={"KAGENTS_CLAUDE": fake_claude("exit 0"), **environment})).ended()
    assert ended.code == 64 and ended.sentence is not None and named in ended.sentence


async def test_a_prompt_too_long_for_the_kernel_is_a_sentence(run: Callable[..., Run]) -> None:
    ended = await run("exit 0", prompt="x" * 200_000).ended()
    assert (
        ended.code == 1 and ended.sentence is not None and ended.sentence.startswith("claude cannot be run: ")
    )


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[SessionWatch, Callable[..., None], list[float]]]:
    layout = TeamLayout(tmp_path, "demo")
    layout.events_dir.mkdir(parents=True)
    layout.events("w").write_text('{"hook_event_name":"StopFailure","error":"billing_error"}\n')
    now = [0.0]
    watch = SessionWatch(layout, "w", clock=lambda: now[0])

    def add(name: str, **fields: Any) -> None:
        with layout.events("w").open("a") as file:
            file.write(json.dumps({"hook_event_name": name, **fields}) + "\n")
        watch.poll()

    yield watch, add, now


def test_a_dialog_at_the_start_cannot_block_for_ever(watched: Any) -> None:
    watch, _, now = watched
    watch.poll()
    assert watch.verdict() is None, "a failure of an earlier attempt is not this one's"
    now[0] = START_SECONDS
    verdict = watch.verdict()
    assert verdict.code == 1 and verdict.shows_screen


def fail(add: Any, kind: str) -> None:
    add("StopFailure", error=kind, last_assistant_message="API Error")


def test_after_a_failed_turn_the_agent_is_woken_once(watched: Any) -> None:
    watch, add, now = watched
    add("SessionStart")
    fail(add, "server_error")
    now[0] = WAKE_AFTER[0] - 1
    assert not watch.must_be_woken and watch.verdict() is None
    now[0] = WAKE_AFTER[0]
    assert watch.must_be_woken
    watch.woken()
    assert not watch.must_be_woken
    fail(add, "server_error")
    now[0] += WAKE_AFTER[0]
    assert not watch.must_be_woken, "the second pause in a row is longer"
    now[0] += WAKE_AFTER[1]
    assert watch.must_be_woken
    add("Stop")
    assert not watch.must_be_woken and watch.failure is None
    fail(add, "server_error")
    now[0] += WAKE_AFTER[0]
    assert watch.must_be_woken, "a turn that went well starts the count again"


@pytest.mark.parametrize(("kind", "ends"), [("server_error", True), ("unknown", True), ("rate_limit", False)])
def test_failures_without_end_end_the_agent_but_a_rate_limit_is_waited_out(
    watched: Any, kind: str, ends: bool
) -> None:
    watch, add, now = watched
    add("SessionStart")
    for _ in WAKE_AFTER:
        fail(add, kind)
        assert watch.verdict() is None
    fail(add, kind)
    verdict = watch.verdict()
    assert (verdict is not None and verdict.code == 1) is ends
    now[0] += WAKE_AFTER[-1]
    assert watch.must_be_woken


async def test_the_failed_turn_s_wake_up_is_a_message(run: Callable[..., Run]) -> None:
    failure = {
        "hook_event_name": "StopFailure",
        "error": "server_error",
        "last_assistant_message": "529 \x1b[31m",
    }
    inbox = "$(dirname $EVENTS)/../teams/demo/inboxes/worker.json"
    wait = f"while ! grep -q 529 {inbox} 2>/dev/null; do sleep 0.05; done; cp {inbox} $EVENTS.seen; exit 0"
    one = run(f"{begin()}; echo '{json.dumps(failure)}' >> $EVENTS; {wait}")
    one.wake_after = [0.2]
    (one.context.team_dir / "teams/demo/inboxes").mkdir(parents=True)
    assert await one.ended() == HarnessExit(0)
    [message] = json.loads((one.context.team_dir / "events/worker.jsonl.seen").read_text())
    assert message["from"] == "team-lead" and "\x1b" not in message["text"] and "Go on" in message["text"]


def test_the_log_tells_what_happened_in_safe_lines(tmp_path: Path) -> None:
    lines: list[str] = []
    narrator = Narrator(lambda line, _: lines.append(line), ["secret-value"])
    path = tmp_path / "t"
    for name in ("received_message_worker", "assistant_sendmessage_usage", "api_error"):
        with path.open("a") as file:
            file.write(json.dumps(json.loads((SAMPLES / f"transcript/{name}.json").read_text())) + "\n")
    said = {"type": "text", "text": "a secret-value\n\x1b[31mred\u202e"}
    tool = {
        "type": "tool_use",
        "name": "Bash",
        "input": {"command": "echo secret-value", "description": "Say it"},
    }
    with path.open("a") as file:
        entry = {"type": "assistant", "timestamp": "2027", "message": {"model": "m", "content": [said, tool]}}
        file.write(json.dumps(entry) + "\n")
    narrator.transcript(path)
    assert lines == [
        "mail from team-lead: go",
        "mail to team-lead: rep",
        "error: API Error: 402 kagents: budget exhausted (5.00 of 5.00 USD); raise it with kagents budget",
        "said: a *** ␛[31mred⟨U+202E⟩",
        "Bash: Say it",
    ]
    narrator.transcript(path)
    assert len(lines) == 5


def test_secrets_are_known_by_the_names_of_their_variables() -> None:
    environment = {
        "ANTHROPIC_API_KEY": "k" * 20,
        "DB_PASSWORD": "p" * 10,
        "PATH": "/bin/long/enough",
        "X_TOKEN": "1",
    }
    assert secrets_of(environment) == ["k" * 20, "p" * 10]


def test_last_words_drop_frames_and_sequences() -> None:
    screen = "╭──────╮\r\n│ Hello│\x1b[2J\x1b]0;t\x07\x1b[1;31mworld\x1b[0m\x9b31m".encode()
    assert last_words(screen, 100).startswith("Hello world")
    assert last_words(b"a" * 50, 10) == "a" * 10
