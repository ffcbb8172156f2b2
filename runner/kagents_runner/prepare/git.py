"""Running git safely: argument lists, no prompts, no hooks, no foreign configuration, with a time limit."""

import asyncio
import os
import signal
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PASSED_ON: Final = (
    "PATH",
    "TMPDIR",
    "LANG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
)
"""What git may know of our environment: never a credential."""

# Agents can write the repository's own configuration, so what could run a program is set here, where it wins.
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.editor=true",
    "core.askPass=",
    "credential.helper=",
    "protocol.ext.allow=never",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "advice.detachedHead=false",
    "safe.directory=*",
)

_OUTPUT_LIMIT: Final = 4 * 1024 * 1024
ERROR_TAIL: Final = 16 * 1024
"""Bytes that are kept of what a command says of its failure."""
LOCAL_SECONDS: Final = 300.0
"""Time limit of a command that stays on this machine."""


class GitError(Exception):
    """A git command that failed: ``stderr`` is the end of what it said; ``timed_out`` if it took too long."""

    def __init__(self, command: str, code: int | None, stderr: str, *, timed_out: bool = False) -> None:
        """The subcommand, its exit code and the end of its error output."""
        super().__init__(
            f"git {command} failed ({'time limit' if timed_out else code}): {stderr.strip()[-300:]}"
        )
        self.command = command
        self.code = code
        self.stderr = stderr
        self.timed_out = timed_out


@dataclass(frozen=True)
class Git:
    """Runs git with the given extra environment (which may hold paths of credentials, never credentials)."""

    environment: Mapping[str, str]
    """The process's environment, of which only a few variables are passed on."""
    extra: Mapping[str, str] = field(default_factory=dict)

    async def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        seconds: float = LOCAL_SECONDS,
        accepted: Container[int] = (0,),
    ) -> str:
        """Runs ``git`` with these arguments; returns what it printed (at most 4 MiB).

        Raises ``GitError`` for an exit code that is not accepted, also when there is no git, no such ``cwd``,
        or the command takes longer than ``seconds``; then it and its children end.
        """
        process = await self.start(*arguments, cwd=cwd)
        assert process.stdout is not None and process.stderr is not None
        try:
            async with asyncio.timeout(seconds):
                output, error = await asyncio.gather(
                    collect(process.stdout, _OUTPUT_LIMIT), collect(process.stderr, ERROR_TAIL, tail=True)
                )
                code = await process.wait()
        except TimeoutError as timeout:
            raise GitError(arguments[0], None, "", timed_out=True) from timeout
        finally:
            await end(process)
        if code not in accepted:
            raise GitError(arguments[0], code, error.decode(errors="replace"))
        return output.decode(errors="replace")

    async def start(
        self, *arguments: str, cwd: Path | None = None, stdin: int = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        """Starts ``git`` with these arguments, for a caller that reads all it says and then calls ``end``.

        Raises ``GitError`` when there is no git or no such ``cwd``.
        """
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *settings,
                *arguments,
                cwd=cwd,
                env=self._variables(),
                stdin=stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as missing:
            raise GitError(arguments[0], None, f"git cannot be started: {missing.strerror}") from missing

    async def succeeds(self, *arguments: str, cwd: Path | None = None) -> bool:
        """Whether the command exits with 0."""
        try:
            await self.run(*arguments, cwd=cwd)
        except GitError:
            return False
        return True

    def _variables(self) -> dict[str, str]:
        passed = {name: self.environment[name] for name in _PASSED_ON if name in self.environment}
        if "SSL_CERT_FILE" in passed:  # some builds of git look at their own variable alone
            passed.setdefault("GIT_SSL_CAINFO", passed["SSL_CERT_FILE"])
        return {
            **passed,
            "LC_ALL": "C",
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_OPTIONAL_LOCKS": "0",
            **self.extra,
        }


async def collect(stream: asyncio.StreamReader, limit: int, *, tail: bool = False) -> bytes:
    """The first (or last) ``limit`` bytes; the rest is read and dropped, so that the writer never blocks."""
    kept = bytearray()
    while chunk := await stream.read(65536):
        if tail:
            kept = (kept + chunk)[-limit:]
        elif len(kept) < limit:
            kept += chunk[: limit - len(kept)]
    return bytes(kept)


async def end(process: asyncio.subprocess.Process) -> None:
    """Ends the command and the helpers it started, if they still run."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
