"""Which columns of a table are shown and where: the usual ones, or all of them from a chosen one on."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from kagents_tui.rows.cells import Column, Scene
from kagents_tui.widgets.layout import arrange, spread
from kagents_tui.widgets.widths import Widths

Item = TypeVar("Item")


class Columns(Generic[Item]):
    """The columns of one table. ``layout`` has numbers of ``shown`` and their cells, left to right."""

    def __init__(self, every: Sequence[Column[Item]], *, header: bool) -> None:
        self.every = every
        self.header = header
        self.show(False, ())

    def show(self, wide: bool, items: Iterable[Item]) -> None:
        """Every column, as many as there is room for; or the usual ones."""
        self.wide = wide
        self.skipped = 0
        """Columns behind the first named one that are scrolled out of view, when wide."""
        self.shown = [each for each in self.every if wide or not each.wide]
        self.layout: list[tuple[int, int]] = []
        self._widths: Widths[Item] = Widths(self.shown, header=self.header)
        self._widths.forget(items)

    def note(self, item: Item) -> None:
        """An item is new or has changed."""
        self._widths.note(item)

    def forget(self, items: Iterable[Item]) -> None:
        """Measures anew, as when the table has another size."""
        self._widths.forget(items)

    def skip(self, by: int) -> bool:
        """Goes to columns further right or left, when wide; whether it could."""
        at_end = bool(self.layout) and self.layout[-1][0] == len(self.shown) - 1
        if not self.wide or (by > 0 and at_end):
            return False
        self.skipped = max(0, self.skipped + by)
        return True

    def measure(self, visible: Iterable[Item], scene: Scene, sorted_by: str | None, room: int) -> bool:
        """Lays the columns out for what is in view; whether that is another layout than before."""
        wanted, before = self._widths.measure(visible, scene, sorted_by=sorted_by), self.layout
        self.layout = (
            spread(self.shown, wanted, room, skip=self.skipped)
            if self.wide
            else arrange(self.shown, wanted, room)
        )
        return self.layout != before

    def sortable(self) -> list[str]:
        """Titles of the columns that are shown and can be sorted by."""
        return [each.title for each in self.shown if each.sort is not None and each.title]
