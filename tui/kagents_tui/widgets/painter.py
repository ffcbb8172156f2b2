"""The lines of a table: titles, rows, and the words of an empty one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rich.segment import Segment
from textual.strip import Strip

from kagents_tui.rows.cells import Cell, Scene, Tone, cell
from kagents_tui.theme import monochrome, style
from kagents_tui.widgets.layout import GAP, fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from kagents_tui.widgets.table import Table

Item = TypeVar("Item")
Layout = list[tuple[int, int]]
"""Column numbers and their cells, left to right."""

INDENT = 2
"""Cells in front of the first column: one for what changed, one for a mark."""


@dataclass(frozen=True, slots=True)
class RowLook:
    """What of a row is not in its item."""

    on_cursor: bool
    marked: bool
    fresh: bool


class Painter(Generic[Item]):
    """Makes the strips of one table. ``detail`` gives a row its second line."""

    def __init__(self, table: "Table[Item]", detail: "Callable[[Item, Scene], Cell] | None") -> None:
        self._table = table
        self._detail = detail

    def words(self, text: str) -> Strip:
        """One line of our own words, dim."""
        table = self._table
        safe = cell(f" {text}").text
        return Strip([Segment(fit(safe, table.room), style("dim", monochrome=monochrome(table)))])

    def titles(self, layout: Layout) -> Strip:
        """The line above the rows; the chosen column has an arrow."""
        table, symbols, parts = self._table, self._table.scene().symbols, []
        for index, size in layout:
            column = table.columns[index]
            chosen = bool(column.title) and column.title == table.sorted_by
            mark = (symbols.descending if table.reversed else symbols.ascending) if chosen else ""
            parts.append(fit(column.title + mark, size, right=column.right, ellipsis=symbols.ellipsis))
        text = fit(" " * INDENT + (" " * GAP).join(parts), table.room)
        return Strip([Segment(text, style("dim", monochrome=monochrome(table)))])

    def title_at(self, x: int, layout: Layout) -> str:
        """The title of the column at a cell of the line; empty when there is none."""
        left = INDENT
        for index, size in layout:
            if left <= x < left + size + GAP:
                return self._table.columns[index].title
            left += size + GAP
        return ""

    def row(self, item: Item, part: int, look: RowLook, layout: Layout) -> Strip:
        """One line of a row: its cells, or its detail."""
        table = self._table
        scene, colourless = table.scene(), monochrome(table)

        def toned(tone: Tone) -> Any:
            return style(tone, monochrome=colourless, cursor=look.on_cursor, focused=table.has_focus)

        ellipsis = scene.symbols.ellipsis
        if part and self._detail is not None:
            found = self._detail(item, scene)
            return Strip(
                [Segment(fit("    " + found.text, table.room, ellipsis=ellipsis), toned(found.tone))]
            )
        gap = Segment(" " * GAP, toned("plain"))
        cue = scene.symbols.changed if look.fresh else " "
        mark = scene.symbols.marked if look.marked else " "
        segments = [Segment(cue, toned("accent")), Segment(mark, toned("warn"))]
        for place, (number, size) in enumerate(layout):
            found = table.columns[number].cell(item, scene)
            text = fit(found.text, size, right=table.columns[number].right, ellipsis=ellipsis)
            if place:
                segments.append(gap)
            segments.append(Segment(text, toned(found.tone)))
        return Strip(segments).extend_cell_length(table.room, toned("plain"))
