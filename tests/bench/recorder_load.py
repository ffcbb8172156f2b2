"""The recorder of 100 agents that send 100,000 messages as fast as files take them: is each journalled once?

``python tests/bench recorder_load``; ``KAGENTS_BENCH_AGENTS=100``, ``KAGENTS_BENCH_MESSAGES=100000``; with
``KAGENTS_BENCH_PER_SECOND=50`` no more than so many messages a second. It writes what the processes of Claude
Code write: the entry of the mailbox and the line of the hook, and takes the mail.
"""

import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from _many_agents import environment, peak, start_recorder
from _place import Process
from _table import Table, spread
from recorder import send_hook

from kagents_core.journal import JournalReader, entries
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.events import append_event
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.locations import Locations
from kagents_runner.record.books import Books

AGENTS = int(os.environ.get("KAGENTS_BENCH_AGENTS", "100"))
MESSAGES = int(os.environ.get("KAGENTS_BENCH_MESSAGES", "100000"))
PER_SECOND = float(os.environ.get("KAGENTS_BENCH_PER_SECOND", "0"))
TEXT = "The part that you asked for is done; see module 42, and tell me what is missing. " * 3
TAKEN_EVERY = 20
"""Messages after which a receiver takes all that lie in its mailbox."""
BEHIND_SECONDS = 600.0
SECOND = "2026-11-21T00:00:00.000Z"
RUNNING = {"state": "running", "attempt": 1, "since": SECOND, "startedAt": SECOND}
"""What its supervisor says of an agent without a transcript: mail that it took has reached it."""


async def main() -> None:
    """Print the table."""
    table = Table(f"Recorder of {AGENTS} agents, {MESSAGES:,} messages", ("", "measured", "target"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        layout = TeamLayout(root / "team", "bench")
        names = [f"agent-{number}" for number in range(AGENTS)]
        homes = [root / "home" / name for name in names]
        for directory in (*layout.directories(), *map(layout.requests, names), *homes):
            directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            (layout.agents_dir / f"{name}.json").write_text(json.dumps(RUNNING))
        process = start_recorder(root, AGENTS)
        try:
            while not layout.journal.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.0)
            await measure(table, layout, Process(process.pid))
        finally:
            process.kill()
            process.wait()
        began = time.perf_counter()
        team = Locations(environment(root, AGENTS)).team()
        Books(team, layout).close()
        table.add("learned again from the journal", f"{time.perf_counter() - began:.1f} s", "≤ 10 s")
    table.show()


async def measure(table: Table, layout: TeamLayout, recorder: Process) -> None:
    """Everything is written, then everything has to be journalled."""
    memory, used = recorder.memory(), recorder.cpu()
    written: dict[str, float] = {}
    arrived: dict[str, float] = {}
    following = asyncio.create_task(follow(layout, arrived))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for sender in range(AGENTS):
            group.create_task(send(layout, sender, written))
    wrote = time.perf_counter() - began
    deadline = time.monotonic() + BEHIND_SECONDS
    while len(arrived) < len(written) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    took = time.perf_counter() - began
    following.cancel()
    await asyncio.wait([following])
    counted = Counter(entry["id"] for entry in entries(layout.journal) if entry["kind"] == "message")
    lost = len(written.keys() - counted.keys())
    doubled = sum(counted.values()) - len(counted) + len(counted.keys() - written.keys())
    table.add("messages written a second", f"{len(written) / wrote:.0f}", "")
    table.add("  all journalled", f"{took - wrote:.1f} s after the last", "≤ 5 s")
    table.add("messages lost, doubled", f"{lost}, {doubled}", "0, 0")
    late = [max(0.0, arrived[key] - at) for key, at in written.items() if key in arrived]
    table.add("message written → in the journal", spread(late), "p99 ≤ 500 ms with 50 a second")
    table.add("CPU of the recorder a message", f"{1e6 * (recorder.cpu() - used) / len(written):.0f} µs", "")
    peaked = peak(recorder.pid)
    each = 1024 * (recorder.memory() - memory) / len(written)
    table.add("memory before, at most", f"{memory:.0f}, {peaked:.0f} MiB", "")
    table.add("  more than before, a message", f"{each:.2f} KiB", "≤ 1 KiB")
    table.add("journal", f"{layout.journal.stat().st_size / 2**20:.0f} MiB", "")


async def send(layout: TeamLayout, sender: int, written: dict[str, float]) -> None:
    """One agent's share; every so often it takes its own mail."""
    name, began = f"agent-{sender}", time.perf_counter()
    for number in range(MESSAGES // AGENTS):
        receiver = f"agent-{(sender + 1 + number * 7) % AGENTS}"
        message = mailbox.new_message(name, f"{sender}.{number} {TEXT}")
        written[str(message.id)] = float("inf")
        await mailbox.deliver(layout, receiver, message)
        routing = {"target": f"@{receiver}", "content": message.text}
        append_event(layout, name, send_hook(message) | {"tool_response": response(message, routing)})
        written[str(message.id)] = time.perf_counter()
        due = began + (number * AGENTS + sender) / PER_SECOND if PER_SECOND else 0.0
        await asyncio.sleep(max(0.0, due - time.perf_counter()))  # at least: the others have a turn
        if number % TAKEN_EVERY == sender % TAKEN_EVERY:
            await mailbox.take(layout, name)
    await mailbox.take(layout, name)


def response(message: mailbox.Message, routing: dict[str, str]) -> dict[str, object]:
    """What the tool that sends answers."""
    return {"success": True, "msg_id": message.id, "routing": routing}


async def follow(layout: TeamLayout, arrived: dict[str, float]) -> None:
    """The moment at which each message was found in the journal."""
    reader = JournalReader(layout.journal)
    while True:
        for line in reader.read():
            if line.kind == "message":
                arrived[line.entry()["id"]] = time.perf_counter()
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main())
