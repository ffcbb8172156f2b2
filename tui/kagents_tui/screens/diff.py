"""What an agent has changed in its worktree: its files, and each with its hunks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_core.safetext import SafeText
from kagents_tui.actions.bindings import bindings
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Tone, cell
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Team
from kagents_tui.screens.book import BookScreen
from kagents_tui.widgets.logbook import LogBook
from kagents_tui.worktree import DiffLine, WorktreeDiff, as_lines, fetch

MOST_LINES = 100_000


@dataclass(frozen=True, slots=True)
class _Shown:
    """A line of the diff as the book keeps it."""

    text: SafeText
    tone: Tone
    anchor: str
    at: datetime | None = None
    label: SafeText = line("")  # noqa: RUF009 - it cannot change


class DiffScreen(BookScreen, inherit_bindings=False):
    """The changes of one agent, as they were when they were asked for."""

    kind = "diff"
    BINDINGS: ClassVar[list[BindingType]] = bindings("diff")

    def __init__(self, team: Team, agent: str) -> None:
        super().__init__(team.key, agent)
        self.team = team
        self.diff: WorktreeDiff | None = None
        self.asked: datetime | None = None
        self.state = "computing"

    def body(self) -> Any:
        yield LogBook(limit=MOST_LINES, follow=False, wrap=False, stamps=False, id="body")

    def on_mount(self) -> None:
        super().on_mount()
        self.do_reload(())

    def selected(self) -> Team | None:
        return self.team

    def do_reload(self, arguments: tuple[str, ...]) -> None:
        """Asks again."""
        self.state = "computing"
        self.refresh_bars()
        self.run_worker(self._ask(), group="diff", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        from kagents_core.kube.errors import KubeError
        from kagents_tui.acts import ActError

        connection = self.kagents.connection
        try:
            if connection is None:
                raise ActError("not connected")
            self.diff = await fetch(connection.client, self.team.object(), self.agent)
        except (ActError, KubeError) as error:
            self.state, self.book().wrap = "not known", True
            self._show([DiffLine(line(str(error), 500), "warn")])
            return
        self.state, self.asked = "", self.kagents.now()
        self._show(as_lines(self.diff))

    def _show(self, lines: Sequence[DiffLine]) -> None:
        if not self.ready:
            return
        book = self.book()
        offset = int(book.scroll_offset.y)
        book.clear()
        book.add([_Shown(each.text, each.tone, each.anchor) for each in lines])
        book.scroll_to(y=offset, animate=False, immediate=True, force=True)
        self.refresh_bars()

    def do_next_file(self, arguments: tuple[str, ...]) -> None:
        """The next file."""
        self._go(("file",), +1)

    def do_previous_file(self, arguments: tuple[str, ...]) -> None:
        """The file before."""
        self._go(("file",), -1)

    def do_next_hunk(self, arguments: tuple[str, ...]) -> None:
        """The next hunk."""
        self._go(("hunk",), +1)

    def do_previous_hunk(self, arguments: tuple[str, ...]) -> None:
        """The hunk before."""
        self._go(("hunk",), -1)

    def _go(self, anchors: tuple[str, ...], step: int) -> None:
        if not self.book().jump(anchors, step):
            where = "after" if step > 0 else "before"
            self.say(cell(f"there is no {anchors[0]} {where} this one").text, "dim")

    def _file_in_view(self) -> str:
        """``3/12 src/app.py`` for the file that the first line in view belongs to."""
        book = self.book()
        seen = [each for each in book.entries[: book.position + 1] if each.anchor == "file"]
        if not seen or self.diff is None:
            return ""
        return f"{len(seen)}/{len(self.diff.files)} {self.diff.files[len(seen) - 1].path}"

    def crumbs(self) -> Sequence[Cell]:
        parts = self.way(f"Changes of {self.agent}")
        if self.state:
            parts.append(cell(f"  {self.state}", "dim"))
        elif self.diff is not None and self.ready:
            when = age(self.kagents.now(), self.asked)
            seen = self._file_in_view()
            parts += [cell(f"  {seen}", "accent")] if seen else []
            parts += [cell(f"  {self.diff.total()}"), cell(f"  {when or '0s'} ago", "dim")]
        return parts
