"""The recorder of one team: looks at what has changed, journals it, and acts.

One step reads every source once, in an order that lets each be understood: requests and people's messages,
supervisors, tasks, hooks, mailboxes (after the hooks that tell of them), transcripts. Then it decides what
has waited long enough.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kagents_core.teamfiles.mailbox import Malformed
from kagents_core.teamfiles.watch import DirectoryWatcher
from kagents_runner.record.agentfiles import AgentFiles
from kagents_runner.record.answers import AnswerRoom
from kagents_runner.record.books import Books
from kagents_runner.record.changes import YOUNG
from kagents_runner.record.endings import AgentView, shutdown_request
from kagents_runner.record.held_back import WORDS, HeldBack
from kagents_runner.record.limits import Limits
from kagents_runner.record.mail import RETRY_SECONDS, MailRoom
from kagents_runner.record.metered import MeteredUsage
from kagents_runner.record.status import build
from kagents_runner.record.taskfiles import TaskFiles
from kagents_runner.record.teamstate import TERMINAL

LONGEST_WAIT: Final = 60.0
DRAIN_QUIET: Final = 0.5
"""Seconds without a change after which a finished team is taken to be quiet."""
DRAIN_LIMIT: Final = 5.0


class Recorder:
    """Runs until it is told to stop, or until its team is over."""

    def __init__(
        self,
        books: Books,
        homes: Path | None,
        artifacts: Path | None = None,
        *,
        gateway: Path | None = None,
        limits: Path | None = None,
        over: Path | None = None,
    ) -> None:
        """``gateway``: the folder of its ledger; ``limits``: where it reads the limits. None without one.

        ``over``: the mark by which whatever serves agents beside the recorder ends with the team.
        """
        self._books = books
        self._over_mark = over
        self._metered = MeteredUsage(books, gateway)
        self.limits = Limits(books.team, limits)
        self._files = AgentFiles(books, homes, artifacts)
        self._mail = MailRoom(books)
        self._answers = AnswerRoom(books, self._mail, self._has_ended)
        self._tasks = TaskFiles(books)
        self._changed: set[Path] | None = None  # None: everything
        self._asking = {books.layout.agents_dir, books.layout.requests_dir}
        self._asking |= {books.layout.requests(name) for name, _ in books.agents}
        self._transcripts: set[Path] = set()
        self._poked = asyncio.Event()
        self._stopping = False
        self._held_back = HeldBack()
        self._held_at: float | None = None
        self._endings_at: float | None = None
        self._retry_at: float | None = None
        self.team_deleted = False
        self.team_over = False
        """The team's object shows a terminal phase, which the journal may not hold yet."""
        self.stepped = asyncio.Event()
        """Set after every step: the status may have changed."""

    def stop(self) -> None:
        """Ends ``run`` soon."""
        self._stopping = True
        self._poked.set()

    def observe_team(self, team: Mapping[str, Any]) -> None:
        """The team's object has changed."""
        phase = (team.get("status") or {}).get("phase")
        self.team_over = phase in TERMINAL
        self.limits.observed(team)
        self._books.numbers.observed(team)
        known = self._books.state.teammates
        self._books.write(self._books.state.observed(team))
        if self._books.state.teammates != known:
            self._books.dirty()
        self._poked.set()

    def team_is_gone(self) -> None:
        """The team's object was deleted: nobody waits for what comes now."""
        self.team_deleted = True
        self.stop()

    def status(self) -> dict[str, Any]:
        """The status fields that the recorder owns, as of now."""
        return build(self._books)

    async def run(self) -> None:
        """Records until ``stop``, or until the team is over, its agents too, and everything has been read."""
        self.limits.tell_first()
        async with DirectoryWatcher(self._directories()) as watcher:
            self._watcher = watcher
            pump = asyncio.create_task(self._pump(watcher))
            try:
                while True:
                    changed, self._changed = self._changed, set()
                    await self._step(changed)
                    self.stepped.set()
                    if self._stopping or self._is_over():
                        break
                    await self._wait()
                await self._drain()
            finally:
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)
                self._books.save()

    def _is_over(self) -> bool:
        """Whether nothing more is to come: until its agents are stopped, a team that is over spends on."""
        if not self._books.state.over:
            return False
        self._tell_over()
        until = self._files.runs_until
        return until is None or until <= self._books.clock()

    def _tell_over(self) -> None:
        if self._over_mark is not None:
            with suppress(OSError):  # recording matters more; whoever ends the recorder makes the mark again
                self._over_mark.touch()
        for name, _ in self._books.agents:
            self._books.withdraw(self._books.asks.gone(name, "its team has ended", plans=True))

    def _directories(self) -> list[Path]:
        layout = self._books.layout
        requests = [layout.requests(name) for name, _ in self._books.agents]
        fixed = [layout.agents_dir, layout.events_dir, layout.inboxes, layout.tasks, layout.outgoing]
        return [*fixed, layout.answers, layout.requests_dir, *requests, *self._metered.directories]

    async def _pump(self, watcher: DirectoryWatcher) -> None:
        async for changed in watcher:
            if self._changed is not None:
                self._changed |= changed
            self._poked.set()

    async def _wait(self) -> None:
        wakes = [wake for wake in self._wakes() if wake is not None]
        timeout = min([LONGEST_WAIT, *(wake - self._books.clock() for wake in wakes)])
        if timeout > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._poked.wait()
        self._poked.clear()

    def _wakes(self) -> list[float | None]:
        books = self._books
        young = self._mail.young or self._files.young or self._tasks.young or self._answers.young
        return [
            books.ledger.next_due,
            books.board.next_due,
            books.spending.next_due,
            books.tracing.next_due,
            books.next_save,
            self._mail.next_due,
            self._endings_at,
            self._held_at,
            self._retry_at,
            self._files.runs_until if books.state.over else None,
            books.clock() + YOUNG if young else None,
        ]

    async def _step(self, changed: set[Path] | None) -> None:
        books, layout, files = self._books, self._books.layout, self._files
        self._retry_at = None
        if changed is None or files.young or changed & self._asking:
            await self._guarded("requests", files.read_requests)
            await self._guarded("agents", files.read_states)
        if changed is None or self._tasks.young or layout.tasks in changed:
            await self._guarded("tasks", self._tasks.read)
        if changed is None or layout.events_dir in changed:
            await self._guarded("events", files.read_events)
        if changed is None or self._answers.young or layout.answers in changed:
            # Before a mailbox is looked at, which would tell that an answer is gone that was never put there.
            await self._guarded("answers", self._answers.step)
        mail = {layout.inboxes, layout.outgoing, layout.events_dir}
        if changed is None or self._mail.young or changed & mail or self._mail_is_due():
            await self._guarded("inboxes", self._mail.step)
        unread = self._watch_transcripts() or files.found_transcript or files.replaced
        if changed is None or unread or changed & self._transcripts:
            await self._guarded("home", files.read_transcripts)
        if changed is None or changed & self._metered.directories:
            await self._guarded("gateway", self._metered.read)
        await self._guarded("inboxes", self._put_back)
        await self._guarded("inboxes", self._wake_for_mail)
        self._decide()
        await self._guarded("inboxes", self._end)
        if (at := books.next_save) is not None and at <= books.clock():
            books.save()

    async def _guarded(self, source: str, look: Callable[[], Awaitable[None] | None]) -> None:
        """Looks at one source. What agents do to their files must not end the recording of the others."""
        try:
            looking = look()
            if looking is not None:
                await looking
        except OSError as error:
            self._books.malformed([Malformed(source, f"cannot be read or written: {error}", "")])
            self._retry_at = self._books.clock() + RETRY_SECONDS
            self._changed = None

    def _watch_transcripts(self) -> bool:
        """Watches where transcripts grow; whether something new must be looked at."""
        before = len(self._transcripts)
        while new := self._files.transcript_directories() - self._transcripts:
            self._transcripts |= new  # once more: one that appeared meanwhile gave no signal
            for directory in new:
                self._watcher.add(directory)
        return len(self._transcripts) > before

    def _mail_is_due(self) -> bool:
        due = self._mail.next_due
        return due is not None and due <= self._books.clock()

    async def _put_back(self) -> None:
        """After an agent's process was replaced: what the old one took and never wrote down is sent again."""
        replaced, self._files.replaced = self._files.replaced, []
        for agent, since in replaced:
            lost = self._books.ledger.lost(agent, since)
            if lost:
                await self._mail.put_back(lost)

    async def _wake_for_mail(self) -> None:
        """After everything was read: who has taken mail and shows no sign of reading it."""
        books, now, self._held_at = self._books, self._books.clock(), None
        if books.state.over or books.state.suspended:
            return
        for agent, _ in books.agents:
            at = self._held_back.due(agent, books.board.quiet_since(agent), books.ledger.held(agent))
            if at is not None and at <= now:
                await self._mail.wake(agent, WORDS)
                self._held_back.woken(agent, now)
            elif at is not None:
                self._held_at = at if self._held_at is None else min(at, self._held_at)

    def _decide(self) -> None:
        books, now = self._books, self._books.clock()
        books.write(books.ledger.due(now))
        books.write(books.board.due(now))
        books.write(books.spending.due(now))
        books.tracing.tell(lambda story: story.due(now))
        for name in books.state.never:
            books.withdraw(books.asks.gone(name, "its agent has ended", plans=True))

    async def _end(self) -> None:
        books, now = self._books, self._books.clock()
        if books.state.over or books.state.suspended:
            self._endings_at = None
            return
        views = [self._view(name) for name, _ in books.agents]
        asks, self._endings_at = books.endings.due(views, books.tasks.open(), now)
        for ask in asks:
            await self._mail.ask(ask.agent, shutdown_request(ask, now))

    def _has_ended(self, name: str) -> bool:
        return self._files.documents.get(name, {}).get("state") == "ended" or name in self._books.state.never

    def _view(self, name: str) -> AgentView:
        books, ledger = self._books, self._books.ledger
        document, doing = self._files.documents.get(name, {}), books.board.doing(name)
        last = books.endings.last_request(name)
        return AgentView(
            name=name,
            lead=name == books.lead,
            alive=document.get("state") in ("starting", "running"),
            gone=self._has_ended(name),
            idle_since=doing.since if doing is not None and doing.state == "idle" else None,
            unread=self._held_back.waiting(name, ledger.count_unread(name), len(ledger.held(name))),
            open_tasks=books.tasks.open(name),
            attempt=books.attempts.get(name, 0),
            asked_waits=last is not None and ledger.waits(name, last),
        )

    async def _drain(self) -> None:
        """Reads what is still unread; of a team that is over until nothing comes any more."""
        books, loop = self._books, asyncio.get_running_loop()
        limit = loop.time() + DRAIN_LIMIT
        await self._step(None)
        if not books.state.over:
            return
        self._tell_over()
        last = -1
        while (last != books.journal.last or self._metered.under_way) and loop.time() < limit:
            last = books.journal.last
            await asyncio.sleep(DRAIN_QUIET)
            await self._step(None)
        now = books.clock()
        books.write([*books.ledger.due(now, last=True), *books.spending.due(now, last=True)])
        books.tracing.tell(lambda story: story.finish())
