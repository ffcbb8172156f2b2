"""Many writers, readers that empty mailboxes like the CLI, lost hooks, and a recorder that is killed: nothing
is lost.

The recorder is the real program. Each text is unique, so the journal can be counted against what was sent.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from typing import Any, Protocol

import pytest

from kagents_core.teamfiles import mailbox

AGENTS = ("lead", "scout", "writer")
MESSAGES = 60
KILLS = 3


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


WRITER = """
import asyncio, random, sys
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.events import append_event
from kagents_core.teamfiles.layout import TeamLayout
from pathlib import Path

async def main(root, agent, count):
    layout, dice = TeamLayout(Path(root), "demo"), random.Random(agent)
    for number in range(count):
        others = [name for name in ("lead", "scout", "writer", "team-lead") if name != agent]
        to = dice.choice(others)
        message = mailbox.new_message(agent, f"message {number} of {agent}")
        await mailbox.deliver(layout, to, message, budget=30)
        if dice.random() < 0.7:
            routing = {"target": "@" + to, "content": message.text}
            event = {"hook_event_name": "PostToolUse", "tool_name": "SendMessage"}
            event["tool_input"] = {"to": to, "message": message.text}
            event["tool_response"] = {"success": True, "msg_id": message.id, "routing": routing}
            append_event(layout, agent, event)
        await asyncio.sleep(dice.random() * 0.05)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def start_writer(world: World, agent: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(world.layout.root), agent, str(MESSAGES)])


def start_recorder(world: World) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "KAGENTS_TEAM": json.dumps(world.document),
        "KAGENTS_TEAM_DIR": str(world.layout.root),
        "KAGENTS_HOMES_DIR": str(world.homes),
    }
    command = [sys.executable, "-m", "kagents_runner", "record"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


async def read_mail(world: World, agent: str, stop: asyncio.Event) -> None:
    """Empties the mailbox every few milliseconds and shows the mail in the transcript, like the CLI."""
    dice = random.Random(agent)
    while True:
        last = stop.is_set()
        taken, _ = await mailbox.take(world.layout, agent, budget=30)
        if taken:
            world.show(agent, *taken)
        if last:
            return
        await asyncio.sleep(dice.random() * 0.1)


@pytest.mark.long
async def test_nothing_is_lost_or_doubled_though_the_recorder_is_killed(world: World) -> None:
    for agent in AGENTS:
        world.supervise(agent, "running")
    recorder = start_recorder(world)
    writers = [start_writer(world, agent) for agent in AGENTS]
    stop = asyncio.Event()
    readers = [asyncio.create_task(read_mail(world, agent, stop)) for agent in AGENTS]
    try:
        for kill in range(KILLS):
            await world.until(lambda kill=kill: len(world.journal("message")) > (kill + 1) * 25)
            recorder.send_signal(signal.SIGKILL)
            recorder.wait(10)
            recorder = start_recorder(world)
        await world.until(lambda: all(writer.poll() is not None for writer in writers))
        stop.set()
        await asyncio.gather(*readers)
        everything = {f"message {number} of {agent}" for agent in AGENTS for number in range(MESSAGES)}
        async with asyncio.timeout(60):
            while {entry["text"] for entry in world.journal("message")} != everything:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await world.until(lambda: len(world.journal("seen")) == len(everything))
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(15) == 143
    finally:
        stop.set()
        for process in (*writers, recorder):
            process.kill()
            process.wait(10)
    assert all(writer.returncode == 0 for writer in writers)
    journal = world.journal()
    assert [entry["seq"] for entry in journal] == list(range(1, len(journal) + 1))
    texts = Counter(entry["text"] for entry in journal if entry["kind"] == "message")
    assert texts == Counter(everything)
    for kind in ("delivery", "seen"):
        assert set(Counter(entry["id"] for entry in journal if entry["kind"] == kind).values()) == {1}
