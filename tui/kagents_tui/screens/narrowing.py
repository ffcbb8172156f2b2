"""A filter over very many items, which it looks at in slices: keys and paints have their turn in between."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kagents_tui.filters import FilterError
from kagents_tui.rows.cells import cell
from kagents_tui.screens.listing import Listing

SLICE: Final = 4_000
"""Items that a filter looks at before others have their turn."""


class Narrowing(Listing, inherit_bindings=False):
    """A list whose filter is a predicate of its own, not the table's. Nothing costs more than a slice."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.filter_text = ""
        self.unread = False
        """Only what nobody has looked at."""
        self.matches: Callable[[Any], bool] | None = None
        self.late: dict[Any, Any] | None = None
        """While a filter is being applied: what has changed meanwhile."""

    # What a screen says

    def narrowed(self) -> Any:
        """The table that the filter is about."""
        return self.table()

    def everything(self) -> Sequence[Any]:
        """What the filter chooses from, in its order."""
        raise NotImplementedError

    def matcher(self, text: str) -> Callable[[Any], bool] | None:
        """The predicate of a filter; None when everything matches. Raises ``FilterError``."""
        raise NotImplementedError

    def passes(self, item: Any) -> bool:
        """Whether an item is shown."""
        return self.matches is None or self.matches(item)

    def shown_anew(self) -> None:
        """Other rows are shown now."""

    # What it does

    def take_changes(self, changes: Mapping[Any, Any]) -> None:
        """Takes changed items in; None is one that is gone."""
        if self.late is not None:
            self.late |= changes
        else:
            self.narrowed().apply(self._passing(changes))

    def _passing(self, changes: Mapping[Any, Any]) -> dict[Any, Any]:
        """The changes as the table takes them: what does not pass is not there."""
        return {
            key: item if item is not None and self.passes(item) else None for key, item in changes.items()
        }

    def filter_by(self, text: str) -> None:
        """Shows only what matches. One that cannot be read changes nothing, and why is said."""
        try:
            self.matches = self.matcher(text)
        except FilterError as error:
            self.say(cell(str(error)).text, "warn")
            return
        self.filter_text = text
        self.narrow()

    def narrow(self) -> None:
        """Shows what passes now: at once when there is little, else slice by slice."""
        everything = self.everything()
        if self.matches is None or len(everything) <= SLICE:
            self.workers.cancel_group(self, "narrow")
            self.late = None
            self.narrowed().replace([each for each in everything if self.passes(each)])
            self.shown_anew()
        else:
            self.late = {}
            self.run_worker(
                self._narrow_slowly(everything), group="narrow", exclusive=True, exit_on_error=False
            )
        self.refresh_bars()

    async def _narrow_slowly(self, everything: Sequence[Any]) -> None:
        found: list[Any] = []
        for start in range(0, len(everything), SLICE):
            found += [each for each in everything[start : start + SLICE] if self.passes(each)]
            await asyncio.sleep(0)
        late, self.late = self.late, None
        self.narrowed().replace(found)
        self.narrowed().apply(self._passing(late or {}))
        self.shown_anew()
        self.refresh_bars()
