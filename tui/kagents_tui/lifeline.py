"""The life of the connection: made, kept, lost, tried again, changed for another; one at a time.

It knows no screen. ``tell`` is called when anything of it changed, on the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from kagents_tui.feed import Batch, Feed, Link
from kagents_tui.rows.fields import line
from kagents_tui.session import Connection, Connector
from kagents_tui.settings import Thresholds

CLOSE_SECONDS: Final = 0.5
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 30.0


class Lifeline:
    """The connection and the feed of teams.

    ``status`` says what is being done while there is no connection, ``trouble`` why there is none or why the
    feed failed; both are empty when all is well. Failures are tried again, after waits that grow to 30 s.
    """

    def __init__(
        self,
        connector: Connector,
        tell: Callable[[], None],
        on_batch: Callable[[Batch], None],
        on_connected: Callable[[Connection], Awaitable[tuple[str, ...]]],
    ) -> None:
        """``on_connected`` hears of a new connection; it answers with the namespaces to show (none: all)."""
        self.connector = connector
        self.thresholds = Thresholds()
        """From when on something of a team needs attention."""
        self.connection: Connection | None = None
        self.feed: Feed | None = None
        self.link: Link | None = None
        self.status = "starting"
        self.trouble = ""
        self._tell = tell
        self._on_batch = on_batch
        self._on_connected = on_connected
        self._context: str | None = None
        self._changed = asyncio.Event()
        self._other = asyncio.Event()
        self._again = asyncio.Event()
        self._namespaces: tuple[str, ...] = ()
        self._failures = 0

    async def run(self) -> None:
        """Keeps a connection, of one context after the other, until it is cancelled."""
        while True:
            self._changed.clear()
            async with asyncio.TaskGroup() as group:
                session = group.create_task(self._session(self._context))
                await self._changed.wait()
                session.cancel()

    def change(self, context: str | None) -> None:
        """Leaves the present connection for that of a context (None: the one asked for at the start)."""
        self._context = context
        self.forget()
        self._changed.set()

    async def _session(self, context: str | None) -> None:
        """Connects to a context and stays, until it is cancelled."""
        from kagents_core.kube.errors import KubeError

        self._failures = 0
        while True:
            try:
                connection = await self.connector.connect(context, self._starting)
            except KubeError as error:
                await self._wait(str(error), "not connected")
                continue
            except Exception as error:
                # A fault of the program, or a kubeconfig's program that does what nobody expected.
                await self._wait(plain(error), "not connected")
                continue
            try:
                await self._stay(connection)
            finally:
                self.forget()
                with suppress(Exception):
                    await asyncio.wait_for(self.connector.close(connection), CLOSE_SECONDS)

    def forget(self) -> None:
        """There is no connection now, and nothing is known of any."""
        self._leave_feed()
        self.connection = None
        self.status, self.trouble = "connecting", ""

    def _leave_feed(self) -> None:
        if self.feed is not None:
            self.feed.leave()
        self.feed, self.link = None, None

    async def _stay(self, connection: Connection) -> None:
        """Feeds from one connection; other namespaces need no new one."""
        self.connection, self.status, self.trouble, self._failures = connection, "", "", 0
        self._namespaces = await self._on_connected(connection)
        self._tell()
        while True:
            self._other.clear()
            self.link = None
            self.feed = Feed(
                connection.client, self._namespaces, self._on_batch, self._linked, self.thresholds
            )
            try:
                async with asyncio.TaskGroup() as group:
                    running = group.create_task(self.feed.run())
                    await self._other.wait()
                    running.cancel()
            except* Exception as failed:
                # A fault of the program: it is shown, and a new feed lists everything again.
                await self._wait(f"the list of teams failed ({plain(failed)})", "")

    def show_namespaces(self, namespaces: tuple[str, ...]) -> None:
        """Feeds from these namespaces (none: all) from now on, on the same connection."""
        self._leave_feed()
        self._namespaces = namespaces
        self._other.set()

    def try_now(self) -> bool:
        """Ends the wait for the next attempt; whether there is one. Lists and watches go on as they are."""
        waits = bool(self.trouble)
        self._again.set()
        return waits

    async def _wait(self, why: str, status: str) -> None:
        self._failures += 1
        seconds = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures - 1, 8))
        self.trouble, self.status = line(why, 400), status
        self._tell()
        self._again.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._again.wait(), seconds)

    def _starting(self, what: str) -> None:
        self.status = line(what, 200)
        self._tell()

    def _linked(self, link: Link) -> None:
        self.link = link
        if link.synced and link.connected:
            self.trouble = ""
            self._failures = 0
        self._tell()


def plain(error: BaseException) -> str:
    """The first of the errors that a group holds, in its own words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
