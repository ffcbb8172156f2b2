"""``tail`` and ``send`` as programs: what they print, when, and how they end."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from kagents_core.journal import Journal

AT = "2026-11-21T01:02:03.004Z"
DEADLINE = 20.0


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


def runner(team: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "kagents_runner", *arguments]
    environment = {**os.environ, "KAGENTS_TEAM_DIR": str(team)}
    return subprocess.run(
        command, input=stdin, capture_output=True, env=environment, timeout=DEADLINE, check=False
    )


def lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@contextmanager
def following(team: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "kagents_runner", "tail", "--follow", *arguments]
    environment = {**os.environ, "KAGENTS_TEAM_DIR": str(team)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, bufsize=0
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE)


def next_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE)
    assert ready, "nothing came"
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def filled(tmp_path: Path, count: int) -> Journal:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(
        [{"kind": "task" if number % 2 else "message", "n": number} for number in range(count)], at=AT
    )
    return journal


def test_tail_prints_what_is_after_a_number_and_of_a_kind(tmp_path: Path) -> None:
    filled(tmp_path, 10).close()
    done = runner(tmp_path, "tail", "--after", "6")
    assert (done.returncode, [entry["seq"] for entry in lines(done.stdout)]) == (0, [7, 8, 9, 10])
    done = runner(tmp_path, "tail", "--kind", "task", "--kind", "usage")
    assert [entry["n"] for entry in lines(done.stdout)] == [1, 3, 5, 7, 9]


def test_tail_of_a_team_without_a_journal_is_empty(tmp_path: Path) -> None:
    done = runner(tmp_path, "tail")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_tail_follows_says_when_it_is_live_and_ends_by_sigterm(tmp_path: Path) -> None:
    journal = filled(tmp_path, 2)
    with following(tmp_path, "--after", "1") as process:
        assert next_line(process)["seq"] == 2
        assert next_line(process) == {"kind": "live", "seq": 2}
        journal.append([{"kind": "message", "n": "new"}], at=AT)
        assert next_line(process)["n"] == "new"
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    journal.close()


def test_tail_follows_a_journal_that_does_not_exist_yet(tmp_path: Path) -> None:
    with following(tmp_path) as process:
        assert next_line(process) == {"kind": "live", "seq": 0}
        journal = filled(tmp_path, 1)
        assert next_line(process)["seq"] == 1
        journal.close()


def test_tail_ends_when_its_reader_goes_away(tmp_path: Path) -> None:
    filled(tmp_path, 1).close()
    with following(tmp_path) as process:
        next_line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(DEADLINE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stdout = None


def test_send_queues_a_message_durably_and_prints_its_id(world: World) -> None:
    done = runner(world.layout.root, "send", "--to", "scout", "--summary", "hi", stdin="Grüße\n".encode())
    assert done.returncode == 0
    (printed,) = lines(done.stdout)
    (file,) = world.layout.outgoing.iterdir()
    stored = json.loads(file.read_text())
    assert stored == {"id": printed["id"], "to": "scout", "text": "Grüße\n", "summary": "hi"}
    assert len(printed["id"]) == 36


@pytest.mark.parametrize(
    ("to", "text", "said"),
    [
        ("ghost", b"x", "There is no agent 'ghost'. The agents are: lead, scout, writer."),
        ("scout", b"  \n", "The message is empty"),
        ("scout", b"x" * (256 * 1024 + 1), "longer than 262144 bytes"),
        ("scout", b"\xff", "not UTF-8 at byte 0"),
    ],
    ids=["ghost", "empty", "long", "bytes"],
)
def test_send_refuses_in_one_sentence(world: World, to: str, text: bytes, said: str) -> None:
    done = runner(world.layout.root, "send", "--to", to, stdin=text)
    assert done.returncode == 64
    assert said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert list(world.layout.outgoing.iterdir()) == []


async def test_what_was_sent_reaches_the_mailbox(world: World) -> None:
    done = runner(world.layout.root, "send", "--to", "scout", stdin=b"y" * (256 * 1024))
    async with world.recording():
        await world.until(lambda: not list(world.layout.outgoing.iterdir()))
    (message,) = await world.take("scout")
    assert message.id == lines(done.stdout)[0]["id"]
    assert len(message.text) == 256 * 1024


def test_a_long_journal_is_tailed_from_near_its_end_at_once(tmp_path: Path) -> None:
    filled(tmp_path, 100_000).close()
    started = time.monotonic()
    done = runner(tmp_path, "tail", "--after", "99998")
    assert [entry["seq"] for entry in lines(done.stdout)] == [99_999, 100_000]
    assert time.monotonic() - started < DEADLINE
