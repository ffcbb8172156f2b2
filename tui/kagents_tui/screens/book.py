"""What the screens around one agent's lines share: moving, searching, following, times, marks."""

from collections.abc import Sequence
from typing import Any, ClassVar

from kagents_tui.places import Look
from kagents_tui.rows.ages import clock
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Key, Team
from kagents_tui.screens.reading import STEPS
from kagents_tui.screens.searching import SearchingView
from kagents_tui.widgets.entries import LIMIT
from kagents_tui.widgets.logbook import LogBook, since_of

SINCE = {"since_all": None, "since_1m": 1, "since_5m": 5, "since_1h": 60}
"""Minutes that each action shows."""


class BookScreen(SearchingView, inherit_bindings=False):
    """A screen with one ``LogBook`` about one agent of a team."""

    labels: ClassVar[int] = 0
    """Width of the labels' column."""
    limit: ClassVar[int] = LIMIT
    """Lines that are kept."""

    def __init__(self, key: Key, agent: str) -> None:
        super().__init__()
        self.key = key
        self.agent = agent
        self.state = "connecting"
        self.minutes: int | None = None

    def body(self) -> Any:
        taste = self.kagents.memory.taste
        yield LogBook(id="body", labels=self.labels, wrap=taste.wrap, stamps=taste.stamps, limit=self.limit)

    def look(self) -> Look:
        return Look(since=self.minutes)

    def arrive(self, look: Look) -> None:
        super().arrive(look)
        self.show_since(look.since)

    def on_mount(self) -> None:
        super().on_mount()
        self.focus_body()

    def book(self) -> LogBook:
        """The lines."""
        return self.query_one("#body", LogBook)

    def document(self) -> LogBook:
        """What is copied and saved."""
        return self.book()

    def focus_body(self) -> None:
        self.book().focus()

    def on_log_book_moved(self, event: LogBook.Moved) -> None:
        """The bars say where one is."""
        self.refresh_bars()

    def tick(self) -> None:
        if self.ready and self.minutes is not None:
            self.book().show_since(since_of(self.kagents.now(), self.minutes))
        super().tick()

    # What keys do

    def perform(self, action: Any, arguments: tuple[str, ...]) -> None:
        """Moves go to the lines."""
        if action.id in STEPS:
            self.book().move(action.id)
            self.refresh_bars()
        elif action.id in SINCE:
            self.show_since(SINCE[action.id])
        else:
            super().perform(action, arguments)

    def show_since(self, minutes: int | None) -> None:
        """Only what happened in the last minutes; None shows all."""
        self.minutes = minutes
        self.book().show_since(since_of(self.kagents.now(), minutes))
        self.refresh_bars()

    def do_wrap(self, arguments: tuple[str, ...]) -> None:
        """Wraps or cuts long lines, in every log from now on."""
        self.book().toggle_wrap()
        self.kagents.memory.choose(wrap=self.book().wrap)

    def do_stamps(self, arguments: tuple[str, ...]) -> None:
        """Times, or none, in every log from now on."""
        self.book().toggle_stamps()
        self.kagents.memory.choose(stamps=self.book().stamps)

    def do_mark_here(self, arguments: tuple[str, ...]) -> None:
        """A line of one's own, to find the place again."""
        now = self.kagents.now()
        rule = self.kagents.symbols.rule * 8
        self.book().mark(line(f"{rule} mark {clock(now)} {rule}"), now)

    def do_follow(self, arguments: tuple[str, ...]) -> None:
        """Follows the end, or stays."""
        book = self.book()
        book.follow = not book.follow
        if book.follow:
            book.move("last")
        self.refresh_bars()

    def searched(self) -> LogBook:
        """What is searched."""
        return self.book()

    # What the acts are about

    def selected(self) -> Team | None:
        return self.kagents.teams.get(self.key)

    def selected_agent(self) -> str | None:
        return self.agent

    # Bars

    def way(self, title: str) -> list[Cell]:
        """The way to this screen, and what is searched."""
        parts = [cell(f"{self.key[0]} / {self.key[1]} / ", "dim"), cell(title, "strong")]
        if self.found:
            parts.append(cell(f"  {self.found}", "warn"))
        return parts

    def standing(self) -> Sequence[Cell]:
        """How live the lines are, and which of them are shown."""
        parts = [cell(f"  {self.state}", "good" if self.state == "live" else "dim")]
        if not self.ready:
            return parts
        book = self.book()
        parts.append(cell(f"  follow {'on' if book.follow else 'off'}", "dim"))
        if self.minutes is not None:
            parts.append(cell(f"  last {self.minutes}m" if self.minutes < 60 else "  last 1h", "warn"))
        if book.dropped:
            parts.append(cell(f"  {book.dropped} older lines dropped", "dim"))
        return parts
