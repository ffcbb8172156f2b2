"""What the recorder prints: a run that is started again prints what the earlier one journalled."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kagents_core.journal import Journal
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.mailbox import new_message

AT = "2026-11-21T00:00:00.000Z"


class Recorder:
    """``kagents-runner record`` as a program, and the entries it prints."""

    def __init__(self, world) -> None:
        environment = {**os.environ, "KAGENTS_TEAM": json.dumps(world.document)}
        environment |= {"KAGENTS_TEAM_DIR": str(world.layout.root), "KAGENTS_HOMES_DIR": str(world.root)}
        environment.pop("KUBERNETES_SERVICE_HOST", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kagents_runner", "record"], env=environment, stdout=subprocess.PIPE
        )

    def read(self, count: int) -> list[dict]:
        """The next entries."""
        assert self.process.stdout is not None
        return [json.loads(self.process.stdout.readline()) for _ in range(count)]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(15) == 143


@pytest.fixture
def recorders(world) -> Iterator[list[Recorder]]:
    started: list[Recorder] = []
    yield started
    for recorder in started:
        recorder.kill()


async def test_a_new_run_prints_the_whole_journal(world, recorders: list[Recorder]) -> None:
    recorders.append(Recorder(world))
    await mailbox.deliver(world.layout, "scout", new_message("lead", "one"))
    first = recorders[0].read(1)
    recorders[0].kill()
    await mailbox.deliver(world.layout, "scout", new_message("lead", "two"))
    recorders.append(Recorder(world))
    again = recorders[1].read(2)
    assert again[0] == first[0]
    assert [(entry["seq"], entry["text"]) for entry in again] == [(1, "one"), (2, "two")]
    recorders[1].stop()


def test_only_the_last_entries_are_printed_again(world, tmp_path: Path) -> None:
    from kagents_runner.documents import parse_team
    from kagents_runner.record.books import Books

    with Journal(world.layout.journal) as journal:
        journal.append([{"kind": "phase", "phase": "Running", "message": ""}] * 20, at=AT)
    with (tmp_path / "printed").open("w+b") as printed:
        books = Books(parse_team(json.dumps(world.document)), world.layout, output=printed.fileno())
        books.print_again(5)
        books.close()
        printed.seek(0)
        assert [json.loads(line)["seq"] for line in printed] == [16, 17, 18, 19, 20]
