"""Which columns of a table are shown at a width, how wide each is, and text cut or padded to that width."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from kagents_core.safetext import width
from kagents_tui.rows.cells import Cell, Column

GAP = 1


def arrange(columns: Sequence[Column[Any]], wanted: Sequence[int], width: int) -> list[tuple[int, int]]:
    """Pairs of (column index, cells), left to right.

    ``wanted`` is the width each column would like. Columns are dropped, highest ``drop`` first, until the
    minima fit; then the ones that grow give way first, and whatever is left goes to them.
    """
    shown = [each for each, column in enumerate(columns) if wanted[each] or not column.quiet]
    while len(shown) > 1 and sum(columns[each].minimum for each in shown) + GAP * (len(shown) - 1) > width:
        droppable = [each for each in shown if columns[each].drop]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda each: columns[each].drop))
    sizes = {each: max(columns[each].minimum, min(wanted[each], columns[each].maximum)) for each in shown}
    free = width - GAP * (len(shown) - 1) - sum(sizes.values())
    for each in sorted(shown, key=lambda each: (not columns[each].grow, -columns[each].drop)):
        if free >= 0:
            break
        taken = min(sizes[each] - columns[each].minimum, -free)
        sizes[each] -= taken
        free += taken
    growing = [each for each in shown if columns[each].grow]
    if growing and free > 0:
        sizes[growing[0]] += free
    return [(each, sizes[each]) for each in shown]


def spread(
    columns: Sequence[Column[Any]], wanted: Sequence[int], width: int, *, skip: int
) -> list[tuple[int, int]]:
    """As ``arrange``, for every column at its full width: those that fit, from the chosen one on.

    The glyph and the first named column stay; ``skip`` of those behind them are left out.
    """
    first = next((each for each, column in enumerate(columns) if column.title), 0)
    kept = [each for each in range(len(columns)) if each <= first or each > first + skip]
    found: list[tuple[int, int]] = []
    left = width
    for each in kept:
        size = max(columns[each].minimum, min(wanted[each], columns[each].maximum))
        if found and size > left:
            if left >= columns[each].minimum:
                found.append((each, left))
            break
        found.append((each, size))
        left -= size + GAP
    return found


def fit(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """The text in exactly ``width`` cells: padded, or cut with an ellipsis."""
    length = len(text) if text.isascii() else cell_len(text)
    if length == width:
        return text
    if length < width:
        return " " * (width - length) + text if right else text + " " * (width - length)
    if width <= 1:
        return set_cell_size(text, max(0, width))
    return (
        set_cell_size(text, width - 1).rstrip()
        + ellipsis
        + " " * (width - 1 - cell_len(set_cell_size(text, width - 1).rstrip()))
    )


def cells_wide(cells: Iterable[Cell]) -> int:
    """Columns that the cells take."""
    return sum(width(each.text) for each in cells)


def first_that_fit(cells: Sequence[Cell], room: int, *, together: int = 1) -> Sequence[Cell]:
    """As many of the first cells as the room holds whole, in groups of ``together``; always one group."""
    end, used = 0, 0
    while end < len(cells):
        used += cells_wide(cells[end : end + together])
        if used > room and end:
            break
        end += together
    return cells[:end]
