"""Finds the CLI and checks its version: the native team files are not a stable interface."""

import asyncio
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kagents_core.safetext import clean

SUPPORTED: Final = "2.1.329"
"""The version that the tests run; tools/get-claude installs it."""

OLDEST: Final = "2.1.323"
"""The tests pass with it, too. Older ones sign, queue or lay out team messages otherwise, or are untested."""

_VERSION_SECONDS = 30.0
_VERSION = re.compile(r"\b(\d+)\.(\d+)\.(\d+)\b")


class UnusableError(Exception):
    """A person must change something; ``str()`` is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Executable:
    """A CLI that can be used."""

    path: str
    version: str

    @property
    def warning(self) -> str | None:
        """A sentence for the log when the version is not the tested one."""
        if self.version == SUPPORTED:
            return None
        return f"claude {self.version} is not the tested version {SUPPORTED}; team messages may differ."


async def find_executable(environment: Mapping[str, str]) -> Executable:
    """``$KAGENTS_CLAUDE``, else ``claude`` on ``PATH``. Raises ``UnusableError``."""
    wanted = environment.get("KAGENTS_CLAUDE")
    found = shutil.which(wanted or "claude", path=environment.get("PATH"))
    if found is None:
        where = f"KAGENTS_CLAUDE names {wanted!r}, which is" if wanted else "claude is"
        raise UnusableError(
            f"{where} not an executable here: install @anthropic-ai/claude-code {SUPPORTED}, "
            "or set KAGENTS_CLAUDE to its path."
        )
    version = await _version(found, environment)
    if _parts(version) < _parts(OLDEST):
        raise UnusableError(
            f"claude {version} at {found} is too old for agent teams: {OLDEST} or newer is needed, "
            f"{SUPPORTED} is tested."
        )
    return Executable(found, version)


async def _version(path: str, environment: Mapping[str, str]) -> str:
    passed = {name: environment[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in environment}
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**passed, "DISABLE_AUTOUPDATER": "1"},
        )
    except OSError as error:
        raise UnusableError(f"{path} cannot be started: {error.strerror}.") from error
    try:
        async with asyncio.timeout(_VERSION_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise UnusableError(f"{path} --version did not answer within {_VERSION_SECONDS:.0f} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    match = _VERSION.search(output.decode(errors="replace")[:1000])
    if match is None:
        shown = clean(output.decode(errors="replace"), limit=80, multiline=False)
        raise UnusableError(f"{path} --version answered {shown!r}, not a version: is it Claude Code?")
    return match.group(0)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
