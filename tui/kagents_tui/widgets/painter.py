"""The lines of a table: titles, rows, and the words of an empty one.

A row is made anew only when its cells, its look or the setting are others than when it was last made: most
paints show most rows as they were.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from kagents_tui.rows.cells import Cell, Scene, Tone, cell
from kagents_tui.rows.symbols import Symbols
from kagents_tui.theme import ground_of, on_colour, style
from kagents_tui.widgets.layout import GAP, fit

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from kagents_tui.widgets.table import Table

Item = TypeVar("Item")
Layout = list[tuple[int, int]]
"""Column numbers and their cells, left to right."""

INDENT = 2
"""Cells in front of the first column: one for what changed, one for a mark."""
KEPT: Final = 512
"""Lines that are remembered: several screens full."""


@dataclass(frozen=True, slots=True)
class RowLook:
    """What of a row is not in its item."""

    on_cursor: bool
    marked: bool
    fresh: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """What all lines of a table have in common."""

    layout: tuple[tuple[int, int], ...]
    room: int
    focused: bool
    ground: str | None
    """The background; None without colour."""
    theme: str
    symbols: Symbols

    def tone(self, tone: Tone, *, cursor: bool = False) -> Style:
        """The style of a tone."""
        return style(tone, monochrome=self.ground is None, cursor=cursor, focused=self.focused)


class Painter(Generic[Item]):
    """Makes the strips of one table. ``detail`` gives a row its second line."""

    def __init__(self, table: "Table[Item]", detail: "Callable[[Item, Scene], Cell] | None") -> None:
        self._table = table
        self._detail = detail
        self._made: dict[tuple[Hashable, int], tuple[Any, Strip]] = {}
        self._scene: Scene | None = None
        self._setting: Setting | None = None

    def begin(self, layout: Layout) -> None:
        """Lines of one paint follow: the setting is looked at once for all of them."""
        table = self._table
        self._scene = scene = table.scene()
        self._setting = Setting(
            tuple(layout), table.room, table.has_focus, ground_of(table), table.app.theme, scene.symbols
        )

    @property
    def setting(self) -> Setting:
        """That of the paint which has begun."""
        if self._setting is None:
            raise RuntimeError("a line is painted before the table was measured")
        return self._setting

    def blank(self) -> Strip:
        """A line without a row."""
        return self._grounded(Strip.blank(self.setting.room))

    def words(self, text: str) -> Strip:
        """One line of our own words, dim."""
        safe = cell(f" {text}").text
        return self._grounded(Strip([Segment(fit(safe, self.setting.room), self.setting.tone("dim"))]))

    def titles(self, layout: Layout) -> Strip:
        """The line above the rows; the chosen column has an arrow."""
        table, symbols, parts = self._table, self.setting.symbols, []
        for index, size in layout:
            column = table.columns[index]
            chosen = bool(column.title) and column.title == table.sorted_by
            mark = (symbols.descending if table.reversed else symbols.ascending) if chosen else ""
            parts.append(fit(column.title + mark, size, right=column.right, ellipsis=symbols.ellipsis))
        text = fit(" " * INDENT + (" " * GAP).join(parts), self.setting.room)
        return self._grounded(Strip([Segment(text, self.setting.tone("dim"))]))

    def title_at(self, x: int, layout: Layout) -> str:
        """The title of the column at a cell of the line; empty when there is none."""
        left = INDENT
        for index, size in layout:
            if left <= x < left + size + GAP:
                return self._table.columns[index].title
            left += size + GAP
        return ""

    def row(self, item: Item, part: int, look: RowLook) -> Strip:
        """One line of a row: its cells, or its detail."""
        setting, scene, columns = self.setting, self._scene or self._table.scene(), self._table.columns
        cells: tuple[Cell, ...]
        if part and self._detail is not None:
            cells = (self._detail(item, scene),)
        else:
            part, cells = 0, tuple(columns[number].cell(item, scene) for number, _ in setting.layout)
        place, wanted = (self._table.key_of(item), part), (cells, look, setting)
        known = self._made.get(place)
        if known is not None and known[0] == wanted:
            return known[1]
        strip = self._grounded(self._detailed(cells[0], look) if part else self._of_cells(cells, look))
        if len(self._made) >= KEPT:
            self._made.clear()
        self._made[place] = wanted, strip
        return strip

    def _detailed(self, detail: Cell, look: RowLook) -> Strip:
        setting = self.setting
        text = fit("    " + detail.text, setting.room, ellipsis=setting.symbols.ellipsis)
        return Strip([Segment(text, setting.tone(detail.tone, cursor=look.on_cursor))])

    def _of_cells(self, cells: tuple[Cell, ...], look: RowLook) -> Strip:
        setting, columns, on = self.setting, self._table.columns, look.on_cursor
        gap = Segment(" " * GAP, setting.tone("plain", cursor=on))
        cue = setting.symbols.changed if look.fresh else " "
        mark = setting.symbols.marked if look.marked else " "
        segments = [
            Segment(cue, setting.tone("accent", cursor=on)),
            Segment(mark, setting.tone("warn", cursor=on)),
        ]
        for place, ((number, size), found) in enumerate(zip(setting.layout, cells, strict=True)):
            right = columns[number].right
            text = fit(found.text, size, right=right, ellipsis=setting.symbols.ellipsis)
            if place:
                segments.append(gap)
            segments.append(Segment(text, setting.tone(found.tone, cursor=on)))
        return Strip(segments).extend_cell_length(setting.room, setting.tone("plain", cursor=on))

    def _grounded(self, strip: Strip) -> Strip:
        return strip if self.setting.ground is None else on_colour(strip, self.setting.ground)
