"""The verb ``setup``: runs the repository's setup command once in every worktree, then says ``ready``.

It is a container of its own: what it runs is the repository's, so no credential and no token is mounted
there, and the command gets none of our variables. Once the team is ready it does nothing any more.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from kagents_core.safetext import clean
from kagents_core.teamfiles.files import replace_file
from kagents_runner.documents import TeamDocument
from kagents_runner.locations import Locations, place_of, worktree
from kagents_runner.output import say
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

SETUP_SECONDS: Final = 1800.0
_LOG_LIMIT: Final = 4 * 1024 * 1024
_LAST_WORDS_SECONDS: Final = 5.0
_TOLD: Final = 300
_PASSED_ON: Final = frozenset(
    {"PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "KAGENTS_PROCESS_OF"}
    | {f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")}
    | {f"{name}_proxy" for name in ("http", "https", "all", "no")}
)


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Runs the command of the team that ``KAGENTS_TEAM`` describes. Raises ``RunnerError``."""
    places = Locations(environment)
    team = places.team()
    layout = places.layout(team.name)
    if layout.ready.exists():
        say("the team is ready already")
        return 0
    if team.repository is None or not team.repository.setup_command:
        raise RunnerError("This team has no setup command.", code=EXIT_NEEDS_A_PERSON)
    logs = places.work_dir / "setup"
    logs.mkdir(exist_ok=True)
    for place in dict.fromkeys(place_of(team, entry.name) for entry in team.agents):
        await _set_up(team, place, places.work_dir, logs, environment)
    replace_file(layout.ready, b"", durable=True)
    say(f"ready: {len(team.agents)} agents")
    return 0


async def _set_up(
    team: TeamDocument, place: str, work_dir: Path, logs: Path, environment: Mapping[str, str]
) -> None:
    """One worktree; a mark says that it is done, so that a kill repeats no other."""
    done, log = logs / f"{place}.done", logs / f"{place}.log"
    if done.exists():
        return
    assert team.repository is not None
    command = team.repository.setup_command
    say(f"setting up the worktree {place}")
    with TemporaryDirectory(prefix="kagents-setup-", dir=environment.get("TMPDIR") or None) as home:
        variables = {name: value for name, value in environment.items() if name in _PASSED_ON}
        code, last = await _run(command, worktree(work_dir, place), variables | {"HOME": home}, log)
    if code != 0:
        how = "took longer than its time limit" if code is None else f"ended with {code}"
        raise RunnerError(
            f"spec.repository.setupCommand {how} in the worktree {place}: {last or 'it printed nothing'}. "
            f"Its output is in the team's volume, work/setup/{place}.log, and in this container's log.",
            code=EXIT_NEEDS_A_PERSON,
        )
    done.touch()


async def _run(
    command: tuple[str, ...], cwd: Path, variables: Mapping[str, str], log: Path
) -> tuple[int | None, str]:
    """Exit code (None: time limit) and the last line of its output."""
    # A pipe of our own: asyncio counts a process as running while anybody holds the end of its pipe.
    reading, writing = os.pipe()
    copying = asyncio.create_task(_copy(reading, log))
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=dict(variables),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        shown = clean(command[0], limit=100, multiline=False)
        return 127, f"{shown} cannot be started ({getattr(error, 'strerror', None) or error})"
    finally:
        os.close(writing)
    code: int | None = None
    try:
        async with asyncio.timeout(SETUP_SECONDS):
            code = await process.wait()
    except TimeoutError:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also what it left running in the background
        await process.wait()
    try:
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            return code, await copying
    except TimeoutError:  # something that left its group still holds the pipe
        return code, ""


async def _copy(descriptor: int, log: Path) -> str:
    """Everything to the file and the container's log, both bounded; returns the last line."""
    last, size, rest = "", 0, b""
    stream = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    with log.open("wb") as file:  # a local file, written in small pieces
        while chunk := await stream.read(65536):
            if size < _LOG_LIMIT:
                file.write(chunk[: _LOG_LIMIT - size])
            size += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-65536:]
            for line in lines:
                last = _say(line) or last
    return _say(rest) or last


def _say(line: bytes) -> str:
    text = clean(line.decode(errors="replace").rstrip(), limit=2000, multiline=False)
    if text:
        say(text)
    return text[:_TOLD]
