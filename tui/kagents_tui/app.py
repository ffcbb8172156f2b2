"""The Textual application: owns the connection, the feed and the screens; paints before it connects."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerState

from kagents_tui.actions.keymap import binding_id, keymap_of
from kagents_tui.feed import Batch, Feed, Link
from kagents_tui.permissions import Permissions
from kagents_tui.places import History, Place
from kagents_tui.rows.cells import Scene, Tone
from kagents_tui.rows.counting import Session
from kagents_tui.rows.fields import line
from kagents_tui.rows.symbols import ASCII, UNICODE
from kagents_tui.rows.teams import Key, Team, totals
from kagents_tui.screens.frame import Frame
from kagents_tui.session import Connection, Connector, Options
from kagents_tui.theme import theme

QUIT_SECONDS = 2.0
"""Two presses of ctrl-c within this time quit."""


class KagentsApp(App[None]):
    """kagents-tui."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", show=False, priority=True, id=binding_id("quit", 0)),
        Binding("ctrl+c", "help_quit", show=False, id=binding_id("interrupt", 0)),
    ]
    CSS = """
    Screen { layout: vertical; }
    ScrollBar { scrollbar-color: $secondary; scrollbar-background: $background; }
    .ascii Table, .ascii Document { scrollbar-size-vertical: 0; }
    .ascii #box { border: ascii $primary; }
    .ascii TextArea { border: ascii $secondary; scrollbar-size: 0 0; }
    """

    def __init__(
        self,
        connector: Connector,
        options: Options,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.monochrome = bool(os.environ.get("NO_COLOR"))
        # Native ANSI colours are the only mode in which Textual strips every colour instead of greying it.
        super().__init__(ansi_color=True if self.monochrome else None)
        self.register_theme(theme())
        self.theme = "kagents"
        self.set_class(options.ascii, "ascii")
        self.connector = connector
        self.options = options
        self.settings = options.settings
        self.keymap = keymap_of(options.settings.keys)
        self.set_keymap(self.keymap.for_textual())
        self.symbols = ASCII if options.ascii else UNICODE
        self.now = now
        self.connection: Connection | None = None
        self.feed: Feed | None = None
        self.namespaces = options.namespaces
        self.permissions = Permissions()
        self.history: list[str] = []
        self.places = History([Place("teams")], 0)
        self.pulse = Session()
        self.status = "starting"
        self.link: Link | None = None
        self.trouble = ""
        self._pressed_at = -QUIT_SECONDS
        self._attention: int | None = None
        self._totals: tuple[int, int, int, int] | None = None

    # Start and connection

    def on_mount(self) -> None:
        """Shows the teams at once; the connection is made after the first frame."""
        from kagents_tui.screens.teams import TeamsScreen

        self.push_screen(TeamsScreen())
        self.call_after_refresh(self.connect, None)
        self.set_interval(1.0, self._tick)

    def connect(self, context: str | None) -> None:
        """Leaves the present connection for that of a context (None: the one asked for at the start)."""
        self.run_worker(self._connected(context), group="feed", exclusive=True, exit_on_error=False)

    async def _connected(self, context: str | None) -> None:
        from kagents_core.kube.errors import KubeError

        previous, self.connection, self.feed = self.connection, None, None
        self.permissions, self.link, self.trouble, self._totals = Permissions(), None, "", None
        for frame in self.frames():
            frame.teams_replaced()
        if previous is not None:
            await self.connector.close(previous)
        try:
            connection = await self.connector.connect(context, self._starting)
        except KubeError as error:
            self.trouble = line(str(error), 400)
            self.status = "not connected"
            self._refresh_frames()
            return
        self.connection, self.status = connection, ""
        try:
            self.feed = Feed(connection.client, self.namespaces, self._take, self._linked)
            self._refresh_frames()
            if connection.opens is not None:
                await self.open_team(connection.opens)
            await self.feed.run()
        finally:
            with suppress(Exception):
                await asyncio.wait_for(self.connector.close(connection), 0.5)

    def show_namespaces(self, namespaces: tuple[str, ...]) -> None:
        """Shows these namespaces only (none: all) from now on."""
        self.namespaces = namespaces
        self.connect(self.connection.context if self.connection else None)

    def _starting(self, what: str) -> None:
        self.status = line(what, 200)
        self._refresh_frames()

    def _take(self, batch: Batch) -> None:
        self._totals = None
        for frame in self.frames():
            frame.teams_changed(batch)
        self._refresh_frames()

    def _linked(self, link: Link) -> None:
        self.link = link
        self._refresh_frames()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed shows its error; the application goes on."""
        if event.state == WorkerState.ERROR:
            error = event.worker.error
            inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
            self.trouble = line(f"{event.worker.group}: {inner or 'failed'}", 400)
            self._refresh_frames()

    # What screens ask

    @property
    def teams(self) -> dict[Key, Team]:
        """Every team that is known now."""
        return self.feed.teams if self.feed else {}

    def totals(self) -> tuple[int, int, int, int]:
        """As ``rows.teams.totals``; counted once for each change and each second, not for each key."""
        if self._totals is None:
            self._totals = totals(list(self.teams.values()), self.now())
        return self._totals

    def scene(self) -> Scene:
        """The time and the glyphs, for row functions."""
        return Scene(self.now(), self.symbols)

    def frames(self) -> Iterator[Frame]:
        """The screens of the stack that can be told something, the bottom one first."""
        return (screen for screen in self.screen_stack if isinstance(screen, Frame) and screen.ready)

    def say(self, text: object, tone: Tone = "plain") -> None:
        """Shows one line to the person for some seconds."""
        for frame in list(self.frames())[-1:]:
            frame.say(line(text, 500), tone)

    async def open_team(self, key: Key) -> None:
        """Shows one team on top of the list."""
        from kagents_tui.navigation import drill
        from kagents_tui.screens.team import TeamScreen

        await drill(self, TeamScreen(key))

    def _refresh_frames(self) -> None:
        for frame in list(self.frames())[-1:]:
            frame.refresh_bars()
        self._set_title()

    def take_pulse(self) -> None:
        """Counts the cluster for the curves of the session; it is cheap, and done every few seconds."""
        if self.teams and self.connection is not None:
            self.pulse.sample(self.teams, self.now(), (self.connection.context, self.namespaces))

    def _tick(self) -> None:
        self._totals = None
        self.take_pulse()
        for frame in list(self.frames())[-1:]:
            frame.tick()
        self._set_title()

    def _set_title(self) -> None:
        """The terminal's title counts the teams that need a person. Only words of ours go into it."""
        attention = self.totals()[3]
        if attention == self._attention or self._driver is None or self.is_headless:
            return
        self._attention = attention
        words = f"{attention} need you - kagents" if attention else "kagents"
        self._driver.write(f"\x1b]0;{words}\x07")

    # Quitting

    async def action_quit(self) -> None:
        """Quits at once; teams keep running."""
        self.exit()

    def action_help_quit(self) -> None:
        """The first ctrl-c asks for a second; then it quits."""
        if monotonic() - self._pressed_at < QUIT_SECONDS:
            self.exit()
            return
        self._pressed_at = monotonic()
        key = self.keymap.words("interrupt")
        self.say(f"press {key} again to quit; teams keep running", "warn")

    def get_key_display(self, binding: Any) -> str:
        """Keys as they are written everywhere: ``ctrl-k``."""
        from kagents_tui.actions import shown_key

        return shown_key(binding.key)
