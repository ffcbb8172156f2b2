"""Runs one agent on the real CLI: prepare, start, watch, end.

The pseudo-terminal's screen decides nothing but one thing: whether the CLI refused the way it was
started. All else comes from structured signals: exit status, hook payloads, transcript.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from kagents_core.api.constants import EXIT_VOLUME_FULL, TEAM_LEAD
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.locks import LockLostError
from kagents_core.teamfiles.mailbox import deliver, new_message
from kagents_runner.equipment import secret_values
from kagents_runner.full_volume import full_sentence, is_full, what_failed
from kagents_runner.harness.claude_code.credentials import (
    Credential,
    choose_credential,
    relayed_credential,
)
from kagents_runner.harness.claude_code.executable import UnusableError, find_executable
from kagents_runner.harness.claude_code.home import prepare_home
from kagents_runner.harness.claude_code.launch import command, process_environment
from kagents_runner.harness.claude_code.narrate import Narrator
from kagents_runner.harness.claude_code.screen import last_words
from kagents_runner.harness.claude_code.servers import ServerLogs
from kagents_runner.harness.claude_code.session import (
    ALREADY_IN_USE,
    NOT_FOUND,
    find_transcript,
    has_conversation,
)
from kagents_runner.harness.claude_code.watch import WAKE_AFTER, SessionWatch, Verdict
from kagents_runner.harness.protocol import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_NEEDS_A_PERSON,
    EXIT_TERMINATED,
    EXIT_WORK_FAILED,
    AgentContext,
    HarnessExit,
    HarnessState,
    Report,
)
from kagents_runner.output import Level
from kagents_runner.pty_process import PtyProcess
from kagents_runner.quality.ledger import Follower
from kagents_runner.secret_values import secrets_of

TERMINATION_GRACE = 8.0
_SIGNAL_BASE = 128
_POLL_SECONDS = 0.3


class ClaudeCodeHarness:
    """The harness ``claude-code``."""

    def __init__(
        self, write: Callable[[str, Level], None], *, wake_after: Sequence[float] = WAKE_AFTER
    ) -> None:
        """``write`` takes each log line, clean, without a newline, without secrets, and its level."""
        self._write = write
        self._wake_after = wake_after

    async def run(self, context: AgentContext, report: Report, stop: asyncio.Event) -> HarnessExit:
        """See ``Harness.run``."""
        hidden = [*secrets_of(context.environment), *secret_values(context.agent.mcp_servers)]
        hidden += [context.model_url] if context.model_url else []  # its word is for this pod alone
        narrator = Narrator(self._write, hidden)
        report(HarnessState("starting"))
        try:
            executable = await find_executable(context.environment)
            if executable.warning:
                narrator.say(executable.warning, "warn")
            credential = _credential(context)
            prepared = prepare_home(context, credential)
            environment = process_environment(context, credential)
            run = _Run(context, report, narrator, environment, self._wake_after)
            resume = has_conversation(find_transcript(context.home_dir, context.agent.session_id))
            ended = await run.once(command(executable.path, context, prepared, resume=resume), stop)
            if run.refused_as(NOT_FOUND if resume else ALREADY_IN_USE):
                narrator.say("the session on disk is not what it seemed: starting the other way", "warn")
                ended = await run.once(command(executable.path, context, prepared, resume=not resume), stop)
        except UnusableError as error:
            return HarnessExit(EXIT_NEEDS_A_PERSON, narrator.plain(str(error)))
        except OSError as error:
            if is_full(error):
                return HarnessExit(EXIT_VOLUME_FULL, narrator.plain(full_sentence(what_failed(error))))
            where = f" ({error.filename})" if error.filename else ""
            return HarnessExit(EXIT_FAILED, narrator.plain(f"claude cannot be run: {error.strerror}{where}."))
        return ended


def _credential(context: AgentContext) -> Credential:
    """The agent's own, or the way to the team's gateway, which has it. Raises ``UnusableError``."""
    gateway = context.team.gateway
    if gateway is None or context.model_url is None:
        return choose_credential(context.environment)
    return relayed_credential(gateway, context.model_url, context.environment)


class _Run:
    """One agent's processes, one after the other, and what was last seen of them."""

    def __init__(
        self,
        context: AgentContext,
        report: Report,
        narrator: Narrator,
        environment: Mapping[str, str],
        wake_after: Sequence[float],
    ) -> None:
        self._context = context
        self._report = report
        self._narrator = narrator
        self._environment = environment
        self._wake_after = wake_after
        self._layout = TeamLayout(context.team_dir, context.team.name)
        self._checks = Follower(context.home_dir) if context.agent.quality.gates else None
        self._servers = self._server_logs()
        self._unreachable: tuple[tuple[str, str], ...] = ()
        self._screen = b""
        self._begun = False
        self._deadline: float | None = None
        if context.agent.timeout_seconds is not None:
            self._deadline = time.monotonic() + context.agent.timeout_seconds

    def refused_as(self, words: str) -> bool:
        """Whether the CLI ended before its session began, with these words on its screen."""
        return not self._begun and words in last_words(self._screen, 2000)

    async def once(self, arguments: list[str], stop: asyncio.Event) -> HarnessExit:
        """Starts the CLI and stays until it has ended or must be ended."""
        watch = SessionWatch(self._layout, self._context.agent.name, wake_after=self._wake_after)
        self._servers = self._server_logs()
        process = await PtyProcess.start(arguments, cwd=self._context.cwd, environment=self._environment)
        self._context.show(process)
        self._report(HarnessState("starting", process.pid, self._relative(self._transcript())))
        try:
            verdict = await self._follow(process, watch, stop)
            status = await process.terminate(TERMINATION_GRACE) if verdict else await process.wait()
            self._narrate(watch)
        finally:
            with suppress(ProcessLookupError):
                await asyncio.shield(process.kill())
            self._screen, self._begun = process.screen(), watch.begun
        return self._exit(verdict, status, watch)

    async def _follow(self, process: PtyProcess, watch: SessionWatch, stop: asyncio.Event) -> Verdict | None:
        ended, stopped = asyncio.ensure_future(process.wait()), asyncio.ensure_future(stop.wait())
        transcript = self._transcript()
        if transcript is not None:
            self._narrator.skip_to_end(transcript)
        try:
            while True:
                await asyncio.wait(
                    {ended, stopped}, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if ended.done():
                    return None
                if stopped.done():
                    return Verdict(EXIT_TERMINATED, None)
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    return Verdict(
                        EXIT_FAILED,
                        f"The agent's timeout of {self._context.agent.timeout_seconds:g} s is over.",
                    )
                was_begun = watch.begun
                self._narrate(watch)
                if (watch.begun and not was_begun) or (watch.begun and self._servers_changed()):
                    place = self._relative(watch.transcript)
                    self._report(HarnessState("running", process.pid, place, None, self._unreachable))
                verdict = watch.verdict() or self._work_failed()
                if verdict is not None:
                    return verdict
                if watch.must_be_woken:
                    await self._wake(watch)
        finally:
            ended.cancel()
            stopped.cancel()

    def _server_logs(self) -> ServerLogs:
        cache = self._environment.get("XDG_CACHE_HOME") or str(self._context.home_dir / ".cache")
        return ServerLogs(
            Path(cache), [each.name for each in self._context.agent.mcp_servers], self._narrator.plain
        )

    def _servers_changed(self) -> bool:
        """Whether other MCP servers than before are out of reach; told in the log, too."""
        before, self._unreachable = dict(self._unreachable), self._servers.unreachable()
        now = dict(self._unreachable)
        for server, reason in now.items():
            if before.get(server) != reason:
                self._narrator.say(f"the MCP server {server} cannot be reached: {reason}", "warn")
        for server in before.keys() - now:
            self._narrator.say(f"the MCP server {server} is reached")
        return before != now

    def _work_failed(self) -> Verdict | None:
        """The end of an agent whose work failed the team's checks too often."""
        over = self._checks.over() if self._checks is not None else None
        return None if over is None else Verdict(EXIT_WORK_FAILED, f"{self._context.agent.name}: {over}")

    async def _wake(self, watch: SessionWatch) -> None:
        """A message starts a normal turn, in which the failed turn's input stands again."""
        text = self._narrator.plain(f"Your last turn failed: {watch.failure} Go on with your work.")
        try:
            await deliver(
                self._layout, self._context.agent.name, new_message(TEAM_LEAD, text, summary="go on")
            )
        except (
            OSError,
            ValueError,
            LockLostError,
        ) as error:  # a held lock, a full mailbox: the next round tries again
            self._narrator.say(f"the agent could not be asked to go on: {error}", "warn")
        else:
            watch.woken()

    def _narrate(self, watch: SessionWatch) -> None:
        payloads = watch.poll()
        transcript = self._transcript()
        if transcript is not None:
            with suppress(OSError):
                self._narrator.transcript(transcript)
        if self._checks is not None:
            with suppress(OSError):
                for sentence in self._checks.news():
                    self._narrator.say(sentence)
        for payload in payloads:
            self._narrator.event(payload)

    def _transcript(self) -> Path | None:
        return find_transcript(self._context.home_dir, self._context.agent.session_id)

    def _relative(self, transcript: Path | None) -> str | None:
        home = self._context.home_dir
        for root in (home, home.resolve()):
            if transcript is not None and transcript.is_relative_to(root):
                return str(transcript.relative_to(root))
        return None

    def _exit(self, verdict: Verdict | None, status: int, watch: SessionWatch) -> HarnessExit:
        if verdict is not None:
            sentence = verdict.sentence
            if verdict.shows_screen:
                sentence = f"{sentence} Its screen ends: {last_words(self._screen, 300)}"
            return HarnessExit(verdict.code, None if sentence is None else self._narrator.plain(sentence))
        if status == 0:
            return HarnessExit(EXIT_DONE)
        if status > _SIGNAL_BASE and not watch.failure:
            return HarnessExit(EXIT_FAILED, f"claude was ended by signal {status - _SIGNAL_BASE}.")
        reason = watch.failure or last_words(self._screen, 300) or "it said nothing"
        return HarnessExit(EXIT_FAILED, self._narrator.plain(f"claude ended with status {status}: {reason}"))
