"""``kagents-runner send``: queues a person's message for the recorder, durably, and prints its id.

The recorder journals it, delivers it under the native lock and removes the file, so a message that was
accepted here survives a crash of either.
"""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

TEXT_LIMIT: Final = 256 * 1024
"""Bytes of a message (UTF-8)."""
SUMMARY_LIMIT: Final = 1024
"""Characters of a summary."""
_ROSTER_LIMIT: Final = 4 * 1024 * 1024
_REFUSED: Final = 64


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Reads the text from stdin; returns 0 once the message is on the disk. Raises RunnerError (64)
    otherwise."""
    root = team_dir(environment)
    names = _receivers(root)
    if arguments.to not in names:
        raise refused(f"There is no agent {arguments.to!r}. The agents are: {', '.join(names) or 'none'}.")
    text = _read_text()
    if arguments.summary is not None and len(arguments.summary) > SUMMARY_LIMIT:
        raise refused(f"The summary is longer than {SUMMARY_LIMIT} characters; shorten it.")
    identity = _new_id()
    document = {"id": identity, "to": arguments.to, "text": text, "summary": arguments.summary}
    try:
        queue(root / "send", identity, orjson.dumps(document))
    except OSError as error:
        raise refused(f"The message cannot be queued: {error.strerror}.", code=1) from error
    sys.stdout.write(orjson.dumps({"id": identity}).decode() + "\n")
    sys.stdout.flush()
    return 0


def team_dir(environment: Mapping[str, str]) -> Path:
    """``KAGENTS_TEAM_DIR``. Raises RunnerError without it."""
    root = environment.get("KAGENTS_TEAM_DIR", "")
    if not root:
        raise refused("The environment variable KAGENTS_TEAM_DIR is not set.")
    return Path(root)


def _receivers(root: Path) -> list[str]:
    """The declared agents, from the roster that ``prepare`` wrote."""
    try:
        descriptor = os.open(root / "roster.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            roster = orjson.loads(file.read(_ROSTER_LIMIT))
        return [str(agent["name"]) for agent in roster["agents"]]
    except FileNotFoundError:
        raise refused("The team is not ready yet: it has no roster. Try again in a moment.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise refused(f"The team's roster cannot be read: {error}.", code=1) from error


def _read_text() -> str:
    data = sys.stdin.buffer.read(TEXT_LIMIT + 1)
    if len(data) > TEXT_LIMIT:
        raise refused(f"The message is longer than {TEXT_LIMIT} bytes; shorten it.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(f"The message is not UTF-8 at byte {error.start}.") from error
    if not text.strip():
        raise refused("The message is empty; write it to standard input.")
    return text


def queue(folder: Path, identity: str, data: bytes) -> str:
    """Writes a file under a name that sorts by time (the result), complete once visible, and on the disk."""
    name = f"{time.time_ns():020d}-{identity}.json"
    temporary = folder / f".{name}.tmp"
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
    )
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.rename(folder / name)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return name


def _new_id() -> str:
    """A random UUID (version 4), as native message ids are; the module for it takes longer to import."""
    number = (secrets.randbits(128) & ~(0xF << 76) & ~(0x3 << 62)) | (0x4 << 76) | (0x2 << 62)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def refused(sentence: str, *, code: int = _REFUSED) -> Exception:
    """The RunnerError with this sentence and exit code."""
    from kagents_runner.termination import RunnerError

    return RunnerError(sentence, code=code)
