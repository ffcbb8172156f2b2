"""Marked rows: which objects a bulk act is about. A mark holds the object as it was when it was marked."""

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

Item = TypeVar("Item")


class Marks(Generic[Item]):
    """Items marked by key, in the order of marking."""

    def __init__(self, key: Callable[[Item], Hashable]) -> None:
        self._key_of = key
        self._marked: dict[Hashable, Item] = {}
        self._anchor: Hashable = None

    def __len__(self) -> int:
        return len(self._marked)

    def __contains__(self, key: object) -> bool:
        return key in self._marked

    @property
    def keys(self) -> list[Hashable]:
        """Keys of the marked rows."""
        return list(self._marked)

    @property
    def items(self) -> list[Item]:
        """The marked objects as they were when they were marked."""
        return list(self._marked.values())

    def toggle(self, item: Item) -> None:
        """Marks an item, or takes its mark away."""
        key = self._key_of(item)
        if key in self._marked:
            del self._marked[key]
        else:
            self._marked[key] = item
        self._anchor = key

    def extend(self, rows: Sequence[Item], index: int) -> None:
        """Marks every row from the last one that was marked up to this one; that one alone without any."""
        keys = [self._key_of(item) for item in rows]
        start = keys.index(self._anchor) if self._anchor in keys else index
        for number in range(min(start, index), max(start, index) + 1):
            self._marked.setdefault(keys[number], rows[number])
        self._anchor = keys[index]

    def clear(self) -> None:
        """Takes every mark away."""
        self._marked.clear()
        self._anchor = None

    def drop(self, keys: Any) -> None:
        """These are done, or gone."""
        for key in keys:
            self._marked.pop(key, None)


class Marking(Generic[Item]):
    """Joins the table: a person marks the row under the cursor, or all from the last marked one up to it."""

    if TYPE_CHECKING:
        marks: Marks[Item]
        cursor: int
        refresh: Any

        @property
        def rows(self) -> list[Item]: ...
        @property
        def current(self) -> Item | None: ...
        def move_to(self, index: int) -> None: ...
        def refresh_row(self, index: int) -> None: ...

    def mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away, and goes one row down."""
        if self.current is not None:
            self.marks.toggle(self.current)
            self.refresh_row(self.cursor)
            self.move_to(self.cursor + 1)

    def mark_range(self) -> None:
        """Marks every row from the last marked one up to the cursor."""
        if self.current is not None:
            self.marks.extend(self.rows, self.cursor)
            self.refresh()

    def unmark(self) -> None:
        """Takes every mark away."""
        self.marks.clear()
        self.refresh()
