"""What the CLI's own log of an MCP server says of it: reached, unreachable, or tried again."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kagents_runner.harness.claude_code.servers import SETTLE_SECONDS, ServerLogs

REFUSED = {"error": "Connection failed (ECONNREFUSED): Unable to connect."}
CONNECTED = {"debug": "Successfully connected (transport: http) in 12ms"}
AGAIN = {"debug": "Transient ECONNREFUSED on initial connect — retry 1/3 in 858ms"}
CLOSED = {"error": "Connection failed (CONNECTION_CLOSED): Connection closed"}


class Watched:
    """One server's log in a cache folder, and a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.folder = folder / "claude-cli-nodejs/-work-worker/mcp-logs-mail"
        self.folder.mkdir(parents=True)
        self.cache = folder

    def follow(self) -> ServerLogs:
        return ServerLogs(self.cache, ["mail"], lambda text: " ".join(text.split()), lambda: self.now)

    def says(self, *entries: dict[str, str] | bytes, file: str = "2026-11-21T18-45-46.jsonl") -> None:
        with (self.folder / file).open("ab") as log:
            for entry in entries:
                log.write(entry if isinstance(entry, bytes) else json.dumps(entry).encode() + b"\n")


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_failure_that_stands_is_told_and_clears_when_the_server_is_reached(watched: Watched) -> None:
    logs = watched.follow()
    assert logs.unreachable() == ()
    watched.says(REFUSED)
    assert logs.unreachable() == ()
    watched.now += SETTLE_SECONDS
    assert logs.unreachable() == (("mail", "Unable to connect."),)
    watched.says({"debug": "Starting connection with timeout of 30000ms"})
    assert logs.unreachable() == (("mail", "Unable to connect."),)
    watched.says(CONNECTED)
    assert logs.unreachable() == ()


def test_a_failure_that_is_tried_again_is_not_told(watched: Watched) -> None:
    logs = watched.follow()
    watched.says(REFUSED, AGAIN)
    logs.unreachable()
    watched.now += 10 * SETTLE_SECONDS
    assert logs.unreachable() == ()


def test_a_program_that_ended_is_quoted(watched: Watched) -> None:
    logs = watched.follow()
    watched.says({"error": "Server stderr: starting\nno such account\n"}, CLOSED)
    logs.unreachable()
    watched.now += SETTLE_SECONDS
    assert logs.unreachable() == (("mail", "it ended by itself and said: no such account"),)


def test_what_an_earlier_process_wrote_does_not_count(watched: Watched) -> None:
    watched.says(REFUSED)
    logs = watched.follow()
    logs.unreachable()
    watched.now += SETTLE_SECONDS
    assert logs.unreachable() == ()
    watched.says(REFUSED, file="2026-11-21T19-00-00.jsonl")
    logs.unreachable()
    watched.now += SETTLE_SECONDS
    assert logs.unreachable() == (("mail", "Unable to connect."),)


@pytest.mark.parametrize(
    "hostile",
    [
        b"no json\n",
        b"[1]\n",
        b'{"error": 7}\n',
        b"[" * 9000 + b"\n",
        b"\xff\xfe\n",
        b'{"error": "Connection failed',
    ],
    ids=["text", "list", "number", "deep", "bytes", "torn"],
)
def test_odd_lines_say_nothing_and_hide_nothing(watched: Watched, hostile: bytes) -> None:
    logs = watched.follow()
    watched.says(hostile)
    assert logs.unreachable() == ()
    watched.says(b"\n", REFUSED)
    logs.unreachable()
    watched.now += SETTLE_SECONDS
    assert logs.unreachable() == (("mail", "Unable to connect."),)


def test_a_line_in_two_parts_is_one_line(watched: Watched) -> None:
    logs, line = watched.follow(), json.dumps(REFUSED).encode() + b"\n"
    watched.says(line[:20])
    logs.unreachable()
    watched.says(line[20:])
    logs.unreachable()
    watched.now += SETTLE_SECONDS
    assert logs.unreachable() == (("mail", "Unable to connect."),)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_only_plain_files_are_read(watched: Watched, tmp_path: Path, kind: str) -> None:
    logs, file = watched.follow(), watched.folder / "2026.jsonl"
    make: dict[str, Any] = {
        "link": lambda: file.symlink_to(tmp_path / "other"),
        "folder": file.mkdir,
        "pipe": lambda: os.mkfifo(file),
    }
    (tmp_path / "other").write_text(json.dumps(REFUSED) + "\n")
    make[kind]()
    logs.unreachable()
    watched.now += SETTLE_SECONDS
    assert logs.unreachable() == ()
