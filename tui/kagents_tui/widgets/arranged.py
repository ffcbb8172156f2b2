"""The rows behind a table, without a screen: sorted and filtered once, then kept so change by change.

One changed item of ten thousand costs a binary search, not a sort. Sorting is stable: rows that compare equal
keep the order in which they came, also when reversed.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from kagents_tui.filters import Filter, Labels

Item = TypeVar("Item")
MANY: Final = 8
"""With more changes than one in so many rows, everything is sorted anew: that is cheaper then."""


@dataclass(slots=True)
class Touched:
    """Which rows are not what they were: those replaced in place, and all from ``moved`` on."""

    changed: set[int] = field(default_factory=set)
    moved: int | None = None

    def shifted(self, index: int) -> None:
        """Rows from here on have moved."""
        self.moved = index if self.moved is None else min(self.moved, index)

    def within(self, first: int, last: int) -> bool:
        """Whether any row from ``first`` up to, not including, ``last`` is another one now."""
        if self.moved is not None and self.moved < last:
            return True
        return any(first <= index < last for index in self.changed)


class Arranged(Generic[Item]):
    """Items by key, and ``rows``: those that pass the filters, in order.

    ``order`` gives the sort value when no column is chosen (None: the order in which items came); ``ages``
    whether time alone can change that of an item (None: of every one).
    """

    def __init__(
        self,
        key: Callable[[Item], Hashable],
        search: Callable[[Item], str],
        order: Callable[[Item, datetime], Any] | None = None,
        labels: Callable[[Item], Labels] | None = None,
        ages: Callable[[Item], bool] | None = None,
    ) -> None:
        self.key_of = key
        self.search = search
        self.order = order
        self.labels_of = labels
        self.ages = ages
        self.items: dict[Hashable, Item] = {}
        self.rows: list[Item] = []
        self.filter = Filter()
        self.selectors: list[Callable[[Labels], bool]] = []
        self.people: Callable[[Item, datetime], bool] | None = None
        """Set: only what needs a person."""
        self.sort: Callable[[Item], Any] | None = None
        self.reversed = False
        self._all: list[Item] = []
        self._values: dict[Hashable, Any] = {}
        self._numbers: dict[Hashable, int] = {}
        self._next = 0
        self._texts: dict[Hashable, str] = {}

    def replace(self, items: Mapping[Hashable, Item], now: datetime) -> None:
        """These items and no others, in this order where nothing else decides."""
        self.items = dict(items)
        self._numbers = {key: number for number, key in enumerate(self.items)}
        self._next = len(self.items)
        self._texts.clear()
        self.arrange(now)

    def apply(self, changes: Mapping[Any, Item | None], now: datetime) -> Touched:
        """Takes changed items in; None removes one."""
        touched = Touched()
        if len(changes) * MANY > len(self.items):
            for key, item in changes.items():
                self._store(key, item)
            self.arrange(now)
            touched.shifted(0)
            return touched
        for key, item in changes.items():
            self._apply_one(key, item, now, touched)
        return touched

    def _apply_one(self, key: Hashable, item: Item | None, now: datetime, touched: Touched) -> None:
        value = None if item is None else self._value(item, now)
        both = self.rows is not self._all
        if item is not None and key in self.items and self._values[key] == value:
            self._all[self._find(self._all, key)] = item
            shown = self.index(key) if both else None
            self._store(key, item)
            self._swap(key, item, shown, now, touched, both=both)
            return
        if key in self.items:
            touched.shifted(self._remove(self.rows, key))
            if both:
                self._remove(self._all, key)
        self._store(key, item)
        if item is None:
            return
        self._values[key] = value
        if both:
            self._insert(self._all, key, item)
        if self.passes(item, now):
            touched.shifted(self._insert(self.rows, key, item))

    def _swap(
        self, key: Hashable, item: Item, shown: int | None, now: datetime, touched: Touched, *, both: bool
    ) -> None:
        """An item changed without moving; under a filter it may come or go nevertheless."""
        if not both:
            touched.changed.add(self._find(self.rows, key))
            return
        passes = self.passes(item, now)
        if shown is None:
            if passes:
                touched.shifted(self._insert(self.rows, key, item))
        elif passes:
            self.rows[shown] = item
            touched.changed.add(shown)
        else:
            del self.rows[shown]
            touched.shifted(shown)

    def _store(self, key: Hashable, item: Item | None) -> None:
        self._texts.pop(key, None)
        if item is None:
            self.items.pop(key, None)
            self._values.pop(key, None)
            self._numbers.pop(key, None)
            return
        if key not in self.items:
            self._numbers[key] = self._next
            self._next += 1
        self.items[key] = item

    # Order

    def arrange(self, now: datetime) -> None:
        """Sorts and filters everything anew."""
        self._values = {key: self._value(item, now) for key, item in self.items.items()}
        keys = list(self.items)
        if self.sort is not None or self.order is not None:
            keys.sort(key=self._values.__getitem__, reverse=self.reversed and self.sort is not None)
        self._all = [self.items[key] for key in keys]
        self.narrow(now)

    def overdue(self, now: datetime) -> bool:
        """Whether time alone has changed the order or what passes; then ``arrange`` is due."""
        if self.people is not None:
            return True
        if self.sort is not None or self.order is None:
            return False
        values, order, ages = self._values, self.order, self.ages
        return any(
            (ages is None or ages(item)) and values[key] != order(item, now)
            for key, item in self.items.items()
        )

    def _value(self, item: Item, now: datetime) -> Any:
        if self.sort is not None:
            return self.sort(item)
        return self.order(item, now) if self.order is not None else 0

    def _before(self, key: Hashable, other: Hashable) -> bool:
        """Whether the row of ``key`` stands above the row of ``other``."""
        value, against = self._values[key], self._values[other]
        if value == against:
            return self._numbers[key] < self._numbers[other]
        return bool(against < value if self.reversed and self.sort is not None else value < against)

    def _find(self, rows: list[Item], key: Hashable) -> int:
        """Where the row of the key stands, or would stand."""
        low, high = 0, len(rows)
        while low < high:
            middle = (low + high) // 2
            if self._before(self.key_of(rows[middle]), key):
                low = middle + 1
            else:
                high = middle
        return low

    def _insert(self, rows: list[Item], key: Hashable, item: Item) -> int:
        index = self._find(rows, key)
        rows.insert(index, item)
        return index

    def _remove(self, rows: list[Item], key: Hashable) -> int:
        index = self._find(rows, key)
        if index < len(rows) and self.key_of(rows[index]) == key:
            del rows[index]
        return index

    def index(self, key: Hashable) -> int | None:
        """The row of a key, or None when it is not shown."""
        if key not in self._values:
            return None
        index = self._find(self.rows, key)
        return index if index < len(self.rows) and self.key_of(self.rows[index]) == key else None

    # Filter

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.filter.text or self.filter.labels or self.selectors or self.people is not None)

    def narrow(self, now: datetime) -> None:
        """Filters anew; the order stays."""
        if not self.narrowed:
            self.rows = self._all
            return
        matches = self.filter.text
        if matches is None or self.filter.labels or self.selectors or self.people is not None:
            self.rows = [item for item in self._all if self.passes(item, now)]
            return
        text_of = self._text
        self.rows = [item for item in self._all if matches(text_of(item))]

    def passes(self, item: Item, now: datetime) -> bool:
        """Whether an item is shown."""
        matches = self.filter.text
        if matches is not None and not matches(self._text(item)):
            return False
        if self.people is not None and not self.people(item, now):
            return False
        selectors = [*self.selectors, self.filter.labels] if self.filter.labels else self.selectors
        if not selectors:
            return True
        labels = self.labels_of(item) if self.labels_of is not None else {}
        return all(selects(labels) for selects in selectors)

    def _text(self, item: Item) -> str:
        """The item's search text in lower case, made once for each version of it."""
        key = self.key_of(item)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self.search(item).lower()
        return text


def keyed(key: Callable[[Item], Hashable], items: Iterable[Item]) -> dict[Hashable, Item]:
    """Items by their keys; of two with the same key the later one counts."""
    return {key(item): item for item in items}
