"""What agents and their CLI write: mailboxes, tasks, members, transcripts, hook payloads, locks."""

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from fuzzing.harness import Harness, demand, demand_harmless

from harnesses.places import TEAM, layout, on_one_line, samples, scratch
from kagents_core.asks import ask_of, questions_of
from kagents_core.safetext import clean
from kagents_core.teamfiles import config, conversation, mailbox, nativejson, tasks, transcript
from kagents_core.teamfiles.events import read_events
from kagents_core.teamfiles.mailbox import Malformed, Message
from kagents_runner.documents import DocumentError, parse_agent, parse_team
from kagents_runner.harness.claude_code import scope_hook, session
from kagents_runner.harness.claude_code.narrate import Narrator
from kagents_runner.mcp.jsonrpc import Server
from kagents_runner.quality.claude_code_hook import is_held
from kagents_runner.record import hooks, letters
from kagents_runner.record.answers import AnswerError, _answer, _checked
from kagents_runner.record.clock import seconds
from kagents_runner.record.tracing import Story
from kagents_runner.scope import Scope
from kagents_tui.rows import agentlog
from kagents_tui.turns import turn_of


def _mailbox(data: bytes) -> None:
    place = layout().inbox("worker")
    try:
        contents = mailbox.parse_contents(nativejson.parse(data), "worker.json")
    except nativejson.NotJsonError as error:
        demand(bool(str(error)), "no reason is given")
        place.write_bytes(data)
        asyncio.run(_taken(data))
        return
    for message in contents.messages:
        _message(message)
    for each in contents.malformed:
        demand(len(each.excerpt) <= nativejson.EXCERPT_LIMIT, "the excerpt is too long")
    again = mailbox.parse_contents(
        nativejson.parse(nativejson.indented([dict(each.raw) for each in contents.messages])), "worker.json"
    )
    demand(len(again.messages) == len(contents.messages), "a message that was read cannot be written again")


async def _taken(data: bytes) -> None:
    """What is no JSON is set aside, and the mailbox goes on."""
    _, malformed = await mailbox.take(layout(), "worker", budget=1.0)
    demand(bool(malformed) or len(data) <= 2 or not data.strip(), "what cannot be read is not told")
    for each in layout().inboxes.iterdir():
        each.unlink() if not each.is_dir() else each.rmdir()


def _message(message: Message) -> None:
    told = (message.sender, message.text, message.id, message.summary, message.color, message.written)
    for each in (*told, message.type, message.read):
        demand_harmless(clean(str(each)), "a message")
    if (data := message.data) is not None and (ask := ask_of("worker", data)) is not None:
        json.dumps(ask.input, ensure_ascii=False)
        questions_of(ask.input)
        demand_harmless(clean(ask.summary), "a request")
    letter = letters.Letter(
        message.sender, "lead", message.text, message.summary, message.written, message.id
    )
    letters.likeness(letter)
    letters.message_entry(letter, "id", None)
    seconds(message.written, 0.0)


def _task(data: bytes) -> None:
    found = tasks.parse_task(data, "1.json")
    if isinstance(found, Malformed):
        demand(len(found.excerpt) <= nativejson.EXCERPT_LIMIT, "the excerpt is too long")
        return
    told = (found.subject, found.description, found.owner, found.status, *found.blocks, *found.blocked_by)
    for each in told:
        demand_harmless(clean(str(each)), "a task")
    demand(
        tasks.parse_task(nativejson.indented(dict(found.raw)), "1.json") == found, "it is not read as written"
    )


def _config(data: bytes) -> None:
    layout().config.write_bytes(data)
    for name, member in config.read_members(layout()).items():
        demand(member["name"] == name, "a member under another's name")


def _transcript(data: bytes) -> None:
    path = scratch() / "transcript.jsonl"
    path.write_bytes(data)
    batch = transcript.read_transcript(path)
    demand(batch.offset <= len(data), "read beyond the end")
    session.has_conversation(path)
    offset = 0
    while (part := transcript.read_transcript(path, offset, chunk=4096)).offset > offset:
        offset = part.offset
    story = Story(parse_team(json.dumps(TEAM)), lambda span: None)
    for usage in batch.usage:
        dataclasses.asdict(usage)
    story.transcript("lead", batch, main=True)
    story.learn({"kind": "phase", "phase": "Completed"}, 1800000100.0, 2)
    story.finish()
    Narrator(lambda text, _: demand_harmless(text, "a narrated line"), ("secret",)).transcript(path)
    for line in data.split(b"\n")[:200]:
        for told in conversation.turns_of(line):
            turn = turn_of({"kind": "turn", **dataclasses.asdict(told)})
            demand(turn is not None, "a turn that the terminal does not know")
            assert turn is not None
            for shown in (*agentlog.turn_lines(turn), *agentlog.whole_turn(turn)):
                demand_harmless(shown.text, "a turn")
            demand_harmless(agentlog.turn_text(turn), "a turn")


def _hook(data: bytes) -> None:
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError):
        return  # the CLI itself writes this JSON; the hooks end with a traceback that nobody acts on
    if not isinstance(payload, dict):
        return
    is_held(payload)
    scope_hook.before_tool(Scope(("src/**",), ()), scratch(), payload)
    hooks.sent_letter("worker", payload, "2026-11-22T00:00:00Z")
    hooks.assignment("worker", payload)
    hooks.call_id(payload)
    told = hooks.signal(payload)
    demand_harmless(clean(str(told)), "an agent's state")


def _events(data: bytes) -> None:
    path = layout().events("worker")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    found = read_events(layout(), "worker", 0)
    for event in found.payloads:
        _hook(json.dumps(event).encode())


def _answered(data: bytes) -> None:
    try:
        _answer(_checked(nativejson.parse(data)))
    except (AnswerError, nativejson.NotJsonError):
        return


def _documents(data: bytes) -> None:
    for parse in (parse_team, parse_agent):
        try:
            parse(data)
        except DocumentError as error:
            demand(len(str(error)) < 100_000, "an endless sentence")


class _Pipe:
    """What a server writes."""

    def write(self, data: bytes) -> int:
        demand(data.endswith(b"\n") and data.count(b"\n") == 1, "an answer is one line")
        return len(data)

    def flush(self) -> None:
        """Nothing is held."""


def _mcp(data: bytes) -> None:
    import io

    Server("kagents", "1", "", ()).serve(io.BytesIO(data), _Pipe())  # type: ignore[arg-type]


def _lines_of(pattern: str) -> Iterator[bytes]:
    for data in samples(pattern):
        yield on_one_line(data)


def _payloads() -> list[bytes]:
    log = samples("hooks_payloads.log")[0]
    return [line for line in log.split(b"\n") if line.startswith(b"{")] + [
        on_one_line(each) for each in samples("hooks/[MNPSTU]*.json")
    ]


def _transcripts() -> list[bytes]:
    whole = list(_lines_of("transcript*/*.json")) + list(_lines_of("transcript_cost*.json"))
    return [b"\n".join(whole) + b"\n", *[line + b"\n" for line in whole]]


def _requests() -> list[bytes]:
    calls: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {
            "jsonrpc": "2.0",
            "id": 3,
            "method": "tools/call",
            "params": {"name": "team", "arguments": {"a": "b"}},
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    return [b"".join(json.dumps(each).encode() + b"\n" for each in calls)]


_AGENT: dict[str, Any] = {
    **{name: TEAM["agents"][1][name] for name in ("name", "role", "model", "prompt", "harness")},
    "attempt": 0,
    "sessionId": "11111111-2222-3333-4444-555555555555",
    "timeoutSeconds": 60,
    "scope": {"include": ["src/**"], "exclude": [], "onViolation": "fail"},
    "skills": [{"name": "s", "dir": "/kagents-skills/s", "oci": "example.com/a/b:1", "credentials": None}],
    "mcpServers": [{"name": "m", "type": "stdio", "command": "m", "args": [], "env": {"A": "b"}}],
    "quality": {"tests": True, "lint": False, "rounds": 3, "seconds": 60},
    "artifacts": [{"name": "report", "path": "docs/report.md"}],
    "inputs": [{"agent": "lead", "artifact": "plan", "path": "/inputs/plan"}],
}
_ANSWER = {
    "id": "a1",
    "agent": "worker",
    "request": "r1",
    "allow": True,
    "by": "me",
    "reason": "",
    "choices": [[1]],
}

HARNESSES = (
    Harness(
        "mailbox",
        "mailboxes",
        "teamfiles.mailbox, nativejson, asks, record.letters",
        _mailbox,
        lambda: samples("inbox_*.json") + [b"[" + each + b"]" for each in samples("mail/*.json")],
        "json",
    ),
    Harness(
        "task", "task files", "teamfiles.tasks.parse_task", _task, lambda: samples("task_1.json"), "json"
    ),
    Harness(
        "members",
        "config.json of a team",
        "teamfiles.config.read_members",
        _config,
        lambda: samples("config.json*"),
        "json",
    ),
    Harness(
        "transcript",
        "transcripts of the CLI",
        "teamfiles.transcript, toolcalls, conversation, record.tracing.Story, narrate, rows.agentlog",
        _transcript,
        _transcripts,
        "lines",
        (b'<teammate-message teammate_id="lead">\n', b"</teammate-message>"),
    ),
    Harness("hook", "hook payloads", "record.hooks, quality and scope hooks", _hook, _payloads, "json"),
    Harness(
        "events",
        "event files",
        "teamfiles.events.read_events",
        _events,
        lambda: [b"\n".join(_payloads()[:8]) + b"\n"],
        "lines",
    ),
    Harness(
        "answer",
        "answers that a person gives",
        "record.answers",
        _answered,
        lambda: [json.dumps(_ANSWER).encode()],
        "json",
    ),
    Harness(
        "documents",
        "KAGENTS_TEAM, KAGENTS_AGENT",
        "runner.documents",
        _documents,
        lambda: [json.dumps(TEAM).encode(), json.dumps(_AGENT).encode()],
        "json",
    ),
    Harness("mcp", "requests of a model's MCP client", "runner.mcp.jsonrpc.Server", _mcp, _requests, "lines"),
)
