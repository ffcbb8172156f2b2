"""A process that writes team files beside others: ``concurrent_writer.py mail|count|claim PATH NAME N``."""

import asyncio
import sys
from pathlib import Path

from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.locks import lock
from kagents_core.teamfiles.mailbox import deliver, new_message
from kagents_core.teamfiles.tasks import create_task, update_task


async def mail(root: Path, name: str, rounds: int) -> None:
    """Sends numbered messages to the lead."""
    for number in range(rounds):
        await deliver(TeamLayout(root, "demo"), "lead", new_message(name, str(number)), budget=30)


async def count(path: Path, name: str, rounds: int) -> None:
    """Adds one to the number in a file, under its lock."""
    for _ in range(rounds):
        async with lock(path, budget=60):
            number = int(path.read_text())
            await asyncio.sleep(0)
            path.write_text(str(number + 1))


async def claim(root: Path, name: str, rounds: int) -> None:
    """Claims every task that nobody owns, prints which, and creates a task after each."""
    layout = TeamLayout(root, "demo")
    for number in range(1, rounds + 1):
        taken = await update_task(
            layout, str(number), lambda task: None if task.owner else {"owner": name, "status": "in_progress"}
        )
        if taken is not None:
            print(number)
        await create_task(layout, f"by {name}")


if __name__ == "__main__":
    asyncio.run(
        {"mail": mail, "count": count, "claim": claim}[sys.argv[1]](
            Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
        )
    )
