"""Curves and bars in the cells of one line: how something went over time, how much of a limit is used."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise


def spark(values: Sequence[float], width: int, levels: str) -> str:
    """The last ``width`` values as glyphs of ``levels``, from nothing to the highest of them.

    Nothing is the lowest glyph that is not blank; whatever is more than nothing stands above it.
    """
    shown = [max(0.0, each) for each in values[-width:]] if width > 0 else []
    highest = max(shown, default=0.0)
    top = len(levels) - 1
    return "".join(
        levels[1] if each <= 0 or highest <= 0 else levels[max(2, round(each / highest * top))]
        for each in shown
    )


def bar(part: float, whole: float, width: int, levels: str) -> str:
    """How much of a whole is used, as a bar of ``width`` cells. More than all is all."""
    share = min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0
    full, rest = divmod(share * width, 1)
    text = levels[-1] * int(full)
    if rest and len(text) < width:
        text += levels[max(1, round(rest * (len(levels) - 1)))]
    return text.ljust(width, levels[1])


def growth(curve: Sequence[tuple[datetime, int]], now: datetime, slots: int) -> list[int]:
    """How much a total grew in each of ``slots`` equal spans from the curve's first point until now."""
    found = [0] * slots
    if not curve or slots < 1:
        return found
    begin = curve[0][0]
    lived = max(1.0, (now - begin).total_seconds())
    found[0] = curve[0][1]
    for (_, before), (at, total) in pairwise(curve):
        index = min(slots - 1, max(0, int((at - begin).total_seconds() / lived * slots)))
        found[index] += max(0, total - before)
    return found
