"""How wide the columns of a table would like to be. They only become wider: nothing jumps while one reads."""

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Final, Generic, TypeVar

from rich.cells import cell_len

from kagents_tui.rows.cells import Column, Scene

Item = TypeVar("Item")
SAMPLE: Final = 500
"""Items out of view that are measured at once."""


class Widths(Generic[Item]):
    """The widest text of each column so far, among what changed and what was in view."""

    def __init__(self, columns: Sequence[Column[Item]], *, header: bool) -> None:
        self._columns = columns
        self._header = header
        self._wanted = [0] * len(columns)
        self._unmeasured: list[Item] = []

    def note(self, item: Item) -> None:
        """An item is new or has changed: it is measured with the next paint."""
        if len(self._unmeasured) < SAMPLE:
            self._unmeasured.append(item)

    def forget(self, items: Iterable[Item]) -> None:
        """Starts anew, as when the table has another size."""
        self._wanted = [0] * len(self._columns)
        self._unmeasured = list(islice(items, SAMPLE))

    def measure(self, visible: Iterable[Item], scene: Scene, *, sorted_by: str | None) -> Sequence[int]:
        """The width that each column would like, its title and the mark of the order included."""
        sample, self._unmeasured = self._unmeasured, []
        for item in chain(sample, visible):
            for index, column in enumerate(self._columns):
                if self._wanted[index] < column.maximum:
                    self._wanted[index] = max(self._wanted[index], cell_len(column.cell(item, scene).text))
        if not self._header:
            return self._wanted
        return [
            max(size, len(column.title) + (column.title == sorted_by)) if size or not column.quiet else 0
            for size, column in zip(self._wanted, self._columns, strict=True)
        ]
