"""The Textual application: owns the connection, the feed and the screens; paints before it connects."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.worker import Worker, WorkerState

from kagents_core.safetext import SafeText
from kagents_tui import returning
from kagents_tui.actions.bindings import bindings_of
from kagents_tui.actions.keymap import keymap_of
from kagents_tui.calls import Calls
from kagents_tui.controller_watch import ControllerWatch
from kagents_tui.favourites import Favourites
from kagents_tui.feed import Batch, Link
from kagents_tui.lifeline import Lifeline, plain
from kagents_tui.memory import Memory, Seen
from kagents_tui.permissions import Permissions
from kagents_tui.places import History, Place
from kagents_tui.rows.cells import Scene, Tone
from kagents_tui.rows.counting import Session
from kagents_tui.rows.fields import line
from kagents_tui.rows.symbols import ASCII, UNICODE
from kagents_tui.rows.teams import Key, Team
from kagents_tui.rows.totals import Sums, Totals
from kagents_tui.screens.frame import Frame
from kagents_tui.screens.modal import Modal
from kagents_tui.session import Connection, Connector, Options
from kagents_tui.settings import ThemeName
from kagents_tui.terminal_owning import TerminalOwner
from kagents_tui.theme import choose, themes

QUIT_SECONDS = 2.0
"""Two presses of ctrl-c within this time quit."""


class KagentsApp(TerminalOwner, inherit_bindings=False):
    """kagents-tui."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(
        "always", first=True, does={"quit": "quit", "interrupt": "help_quit"}
    )
    CSS = """
    Screen { layout: vertical; }
    ScrollBar { scrollbar-color: $secondary; scrollbar-background: $background; }
    .ascii Table, .ascii Searched { scrollbar-size-vertical: 0; }
    .ascii #box { border: ascii $primary; }
    .ascii TextArea { border: ascii $secondary; scrollbar-size: 0 0; }
    """

    def __init__(
        self,
        connector: Connector,
        options: Options,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        listed: Callable[[], None] = lambda: None,
    ) -> None:
        """``listed`` is called when the teams of a connection, or of other namespaces, are painted first."""
        self.monochrome = bool(os.environ.get("NO_COLOR"))
        # Native ANSI colours are the only mode in which Textual strips every colour instead of greying it.
        super().__init__(ansi_color=True if self.monochrome else None)
        for each in themes():
            self.register_theme(each)
        self.memory = Memory(options.state).load()
        theme = self.memory.taste.theme_over(options.settings.theme)
        choose(theme)
        self.theme = f"kagents-{theme}"
        self.set_class(options.ascii, "ascii")
        self.connector = connector
        self.options = options
        self.settings = options.settings
        self.keymap = keymap_of(options.settings.keys)
        self.set_keymap(self.keymap.for_textual())
        self.symbols = ASCII if options.ascii else UNICODE
        self.now = now
        self._listed = listed
        self.lifeline = Lifeline(connector, self._refresh_frames, self._take, self._connected)
        self.lifeline.thresholds = options.settings.attention
        self.namespaces = options.namespaces
        self.permissions = Permissions()
        self.history = self.memory.commands
        self.places = History([Place("teams")], 0)
        self.pulse = Session()
        self.favourites = Favourites()
        self.calls = Calls(self.write_to_terminal, options.settings.notifications)
        self._base_options = options
        self._asked: tuple[str, ...] | None = options.namespaces or (() if options.all_namespaces else None)
        self._pressed_at = -QUIT_SECONDS
        self.controllers = ControllerWatch()
        self._returning = True
        self._tick_due = False
        self._new_here = True
        self.sums = Totals()

    # Start and connection

    def on_mount(self) -> None:
        """Shows the teams at once; the connection is made after the first frame."""
        from kagents_tui.screens.teams import TeamsScreen

        self.push_screen(TeamsScreen())
        self.call_after_refresh(self._start_connecting)
        self.set_interval(1.0, self._tick)

    def _start_connecting(self) -> None:
        self.run_worker(self.lifeline.run(), group="connection", exit_on_error=False)

    def connect(self, context: str | None, namespaces: tuple[str, ...] | None = None) -> None:
        """Leaves the present connection for that of a context (None: the one asked for at the start).

        Without ``namespaces`` it shows those of the last time there, else those configured for it.
        """
        self._asked = namespaces
        self.lifeline.change(context)
        self._forget_teams()

    async def _connected(self, connection: Connection) -> tuple[str, ...]:
        configured = self.settings.of_context(connection.context)
        # Before anything is awaited: no key may act in a context that is read-only.
        self.options = replace(
            self._base_options, read_only=self._base_options.read_only or configured.read_only
        )
        seen = self.memory.contexts.get(connection.context, Seen(configured.namespaces))
        self.namespaces = seen.namespaces if self._asked is None else self._asked
        for name in seen.used:
            self.favourites.use(name)
        if connection.opens is not None:
            await self.open_team(connection.opens)
        elif self._returning:
            self.run_worker(returning.come_back(self), group="returning", exit_on_error=False)
        self._returning = False
        return self.namespaces

    def show_namespaces(self, namespaces: tuple[str, ...]) -> None:
        """Shows these namespaces only (none: all) from now on."""
        self.namespaces = self._asked = namespaces
        self._forget_teams()
        self.lifeline.show_namespaces(namespaces)

    def _forget_teams(self) -> None:
        self.permissions, self.sums, self._new_here = Permissions(), Totals(), True
        for frame in self.frames():
            frame.teams_replaced()

    def _take(self, batch: Batch) -> None:
        self.favourites.see(key[0] for key, team in batch.items() if team is not None)
        self.sums.take(batch)
        for frame in self.frames():
            frame.teams_changed(batch)
        if self._tick_due:
            self._tick_frame()
        self._refresh_frames()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed shows its error; the application goes on."""
        if event.state == WorkerState.ERROR and event.worker.error is not None:
            self.say(f"{event.worker.group} failed: {plain(event.worker.error)}", "bad")

    # What screens ask

    @property
    def connection(self) -> Connection | None:
        """The API server that is spoken to; None while there is none."""
        return self.lifeline.connection

    @property
    def link(self) -> Link | None:
        """How the connection stands; None before it was told."""
        return self.lifeline.link

    @property
    def teams(self) -> dict[Key, Team]:
        """Every team that is known now."""
        return self.lifeline.feed.teams if self.lifeline.feed else {}

    def totals(self) -> Sums:
        """Sums over the teams that are shown."""
        return self.sums.now

    def banners(self) -> list[SafeText]:
        """What is wrong with the whole and will not pass by itself, and the way out."""
        missing = [*self.link.missing] if self.link else []
        return [*missing, *self.controllers.banner()]

    def _watch_controller(self) -> None:
        link, connection = self.link, self.connection
        if link is None or connection is None or not (link.connected and link.synced):
            self.controllers.forget()
        elif self.controllers.look(self.teams.values(), self.now()):
            self.run_worker(self.controllers.ask(connection.client), group="lease", exit_on_error=False)

    def scene(self) -> Scene:
        """The time and the glyphs, for row functions."""
        stale = timedelta(minutes=self.settings.attention.stale_mail_minutes)
        return Scene(self.now(), self.symbols, stale)

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
        self.calls.count(self.totals().people)
        if self._new_here:
            self._call_person()

    def _call_person(self) -> None:
        """Tells what waits and was not told; what waits at the first look is no news."""
        link, feed = self.link, self.lifeline.feed
        awaited = self._new_here and feed is not None and feed.painting_soon
        if link is not None and link.synced and not awaited:
            self.calls.look(self.sums.people.values(), self.now(), silent=self.app_focus or self._new_here)
            if self._new_here:
                self._new_here = False
                self.call_after_refresh(self._listed)

    def take_pulse(self) -> None:
        """Counts the cluster for the curves of the session; it is cheap, and done every few seconds."""
        if self.teams and self.connection is not None:
            self.pulse.sample(self.teams, self.now(), (self.connection.context, self.namespaces))

    def _tick(self) -> None:
        self.take_pulse()
        # While changes pour in, the clock is painted together with them: ten times a second, and no eleventh.
        self._tick_due = self.lifeline.feed is not None and self.lifeline.feed.painting_soon
        if not self._tick_due:
            self._tick_frame()
        self.calls.count(self.totals().people)
        self._call_person()
        self._watch_controller()
        returning.write_down(self)

    def _tick_frame(self) -> None:
        self._tick_due = False
        for frame in list(self.frames())[-1:]:
            frame.tick()

    def show_theme(self, name: ThemeName) -> None:
        """Paints everything in another theme."""
        choose(name)
        self.theme = f"kagents-{name}"
        for screen in self.screen_stack:
            for widget in screen.query("*"):
                widget.refresh()

    # Quitting

    def exit(self, *arguments: Any, **options: Any) -> None:
        """Quits at once; where the person was is written down first."""
        with suppress(Exception):
            returning.write_down(self)
        super().exit(*arguments, **options)

    async def action_quit(self) -> None:
        """Quits at once; teams keep running."""
        self.exit()

    def action_help_quit(self) -> None:
        """The first ctrl-c asks for a second; then it quits."""
        if monotonic() - self._pressed_at < QUIT_SECONDS:
            self.exit()
            return
        self._pressed_at = monotonic()
        words = f"press {self.keymap.words('interrupt')} again to quit; teams keep running"
        self.say(words, "warn")
        if isinstance(self.screen, Modal):
            self.screen.say(line(words), "warn")

    def get_key_display(self, binding: Any) -> str:
        """Keys as they are written everywhere: ``ctrl-k``."""
        from kagents_tui.actions import shown_key

        return shown_key(binding.key)
