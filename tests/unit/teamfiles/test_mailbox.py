"""Mailboxes: the native shape, nothing lost or doubled between processes, hostile contents survived."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.locks import LockTimeoutError, lock
from kagents_core.teamfiles.mailbox import (
    INBOX_LIMIT,
    Contents,
    MailboxFullError,
    Message,
    deliver,
    new_message,
    read,
    take,
)

SAMPLES = Path(__file__).parents[2] / "fixtures" / "protocol-samples" / "2.1.329"
INBOX_SAMPLES = sorted(SAMPLES.glob("inbox_*.json"))


@pytest.mark.parametrize("sample", INBOX_SAMPLES, ids=lambda path: path.stem)
async def test_native_mailboxes_are_read_and_written_byte_for_byte(layout: TeamLayout, sample: Path) -> None:
    layout.inbox("worker").write_bytes(sample.read_bytes())
    messages, malformed = await take(layout, "worker")
    assert messages and not malformed
    assert layout.inbox("worker").read_bytes() == b"[]"
    await deliver(layout, "worker", *messages)
    assert layout.inbox("worker").read_text() == sample.read_text().rstrip("\n")
    assert [path.name for path in layout.inboxes.iterdir()] == ["worker.json"]


async def test_a_new_message_has_the_native_fields_in_their_order(layout: TeamLayout) -> None:
    native = json.loads((SAMPLES / "inbox_team-lead__message_and_idle.json").read_text())[0]
    message = new_message("worker", native["text"], summary=native["summary"], color="blue")
    assert list(message.raw) == list(native)
    assert {**native, "timestamp": message.written, "msg_id": message.id} == dict(message.raw)
    assert len(message.written) == len("2026-11-20T18:12:59.180Z") and message.written.endswith("Z")
    protocol = new_message("team-lead", {"type": "shutdown_request", "requestId": "x"})
    assert protocol.text == '{"type":"shutdown_request","requestId":"x"}'
    assert protocol.type == "shutdown_request" and message.type == "message"


async def test_unknown_fields_and_lone_surrogates_survive(layout: TeamLayout) -> None:
    text = '[{"from":"a","text":"cut \\ud83d","timestamp":"t","future":{"x":[1,12345678901234567890123]}}]'
    layout.inbox("lead").write_text(text)
    await deliver(layout, "lead", new_message("b", "zwei ✓"))
    found = json.loads(layout.inbox("lead").read_bytes())
    assert found[0] == json.loads(text)[0]
    assert "zwei ✓" in layout.inbox("lead").read_text(encoding="utf-8")
    assert b"\\ud83d" in layout.inbox("lead").read_bytes()


async def test_malformed_entries_are_set_aside_and_the_rest_is_read(layout: TeamLayout) -> None:
    good = dict(new_message("a", "hello").raw)
    layout.inbox("lead").write_text(
        json.dumps([1, good, {"from": "x"}, {"from": 1, "text": "t"}, None, good])
    )
    await deliver(layout, "lead", new_message("b", "more"))
    contents = await read(layout, "lead")
    assert [message.text for message in contents.messages] == ["hello", "hello", "more"]
    assert len(contents.malformed) == 4
    messages, malformed = await take(layout, "lead")
    assert (tuple(messages), tuple(malformed)) == (contents.messages, contents.malformed)
    assert (await take(layout, "lead")) == ([], [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"[",
        b'[{"from":"a","te',
        b"\xff\xfe",
        b"{}",
        b"null",
        b"NaN",
        b"[NaN]",
        b"[" * 100_000,
        b"1" * 5000,
    ],
)
async def test_what_is_no_array_is_kept_and_does_not_stop_the_mail(
    layout: TeamLayout, content: bytes
) -> None:
    layout.inbox("lead").write_bytes(content)
    await read(layout, "lead")
    await deliver(layout, "lead", new_message("b", "arrives"))
    messages, _ = await take(layout, "lead")
    assert [message.text for message in messages] == ["arrives"]
    if content.strip() and content != b"[NaN]":
        kept = [path for path in layout.inboxes.iterdir() if ".malformed." in path.name]
        assert [path.read_bytes() for path in kept] == [content]


async def test_a_link_or_a_pipe_in_place_of_a_mailbox_is_not_followed(
    layout: TeamLayout, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text('[{"from":"a","text":"secret"}]')
    layout.inbox("lead").symlink_to(secret)
    os.mkfifo(layout.inbox("pipe"))
    for name in ("lead", "pipe"):
        contents = await read(layout, name)
        assert not contents.messages and len(contents.malformed) == 1
        await deliver(layout, name, new_message("b", "arrives"))
        assert [message.text for message in (await take(layout, name))[0]] == ["arrives"]
    assert "arrives" not in secret.read_text()


async def test_a_huge_mailbox_is_not_read(layout: TeamLayout) -> None:
    with layout.inbox("lead").open("wb") as file:
        file.truncate(INBOX_LIMIT + 1)
    contents = await read(layout, "lead")
    assert "larger than" in contents.malformed[0].reason
    messages, malformed = await take(layout, "lead")
    assert not messages and len(malformed) == 1
    with pytest.raises(MailboxFullError):
        await deliver(layout, "lead", new_message("b", "x" * INBOX_LIMIT))


async def test_a_message_is_not_added_twice(layout: TeamLayout) -> None:
    message = new_message("a", "once")
    await deliver(layout, "lead", message)
    await deliver(layout, "lead", message, new_message("a", "two"))
    assert [found.text for found in (await read(layout, "lead")).messages] == ["once", "two"]


async def test_an_id_that_is_no_text_is_no_id(layout: TeamLayout) -> None:
    layout.inbox("lead").write_text(
        '[{"from":"a","text":"t","msg_id":[]},{"from":"a","text":"u","msg_id":{}}]'
    )
    await deliver(layout, "lead", new_message("b", "arrives"))
    assert [(found.id is None, found.text) for found in (await read(layout, "lead")).messages] == [
        (True, "t"),
        (True, "u"),
        (False, "arrives"),
    ]


async def test_keep_runs_before_anything_is_removed(layout: TeamLayout) -> None:
    await deliver(layout, "lead", new_message("a", "precious"))

    def fail(contents: Contents) -> None:
        assert contents.messages[0].text == "precious"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await take(layout, "lead", keep=fail)
    assert len((await read(layout, "lead")).messages) == 1


async def test_a_held_lock_means_nothing_is_sent(layout: TeamLayout) -> None:
    async with lock(layout.inbox("lead"), budget=1):
        with pytest.raises(LockTimeoutError):
            await deliver(layout, "lead", new_message("a", "x"), budget=0.05)
    assert not layout.inbox("lead").exists()


async def test_a_stale_lock_is_broken(layout: TeamLayout) -> None:
    stale = layout.inbox("lead").with_name("lead.json.lock")
    stale.mkdir()
    os.utime(stale, (time.time() - 11,) * 2)
    await deliver(layout, "lead", new_message("a", "x"), budget=0.05)
    assert not stale.exists() and len((await read(layout, "lead")).messages) == 1


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", ".x", "a\x00", "x" * 300, "a\n"])
def test_names_that_leave_the_directory_are_refused(layout: TeamLayout, name: str) -> None:
    for path in (layout.inbox, layout.events, layout.agent_state, layout.requests):
        with pytest.raises(ValueError, match="not a name"):
            path(name)
    with pytest.raises(ValueError, match="not a"):
        layout.task(name)
    with pytest.raises(ValueError, match="not a name"):
        TeamLayout(layout.root, name)


entries = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["from", "text", "msg_id", "timestamp", "read", "x"]), inner, max_size=6
        )
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=200), entries.map(lambda value: json.dumps(value).encode())))
def test_no_content_stops_a_mailbox(layout: TeamLayout, content: bytes) -> None:
    async def run() -> None:
        layout.inbox("lead").write_bytes(content)
        contents = await read(layout, "lead")
        for message in contents.messages:
            assert [message.id, message.type, message.summary, message.color, message.written, message.read]
        sent = new_message("b", "arrives")
        await deliver(layout, "lead", sent)
        messages, _ = await take(layout, "lead")
        assert messages[-1] == sent and len(messages) <= len(contents.messages) + 1
        assert (await read(layout, "lead")) == Contents((), ())

    asyncio.run(run())


async def test_several_processes_lose_and_double_nothing(layout: TeamLayout, start_writer: Any) -> None:
    writers = [await start_writer("mail", layout.root, f"w{n}", 40) for n in range(3)]
    ended = asyncio.gather(*(writer.wait() for writer in writers))
    received: list[Message] = []
    async with asyncio.timeout(90):
        while not ended.done() or (await read(layout, "lead")).messages:
            received += (await take(layout, "lead", budget=30))[0]
            await asyncio.sleep(0.005)
    assert await ended == [0, 0, 0]
    by_sender: dict[str, list[str]] = {}
    for message in received:
        by_sender.setdefault(message.sender, []).append(message.text)
    assert by_sender == {f"w{n}": [str(number) for number in range(40)] for n in range(3)}
    assert len({message.id for message in received}) == 120
