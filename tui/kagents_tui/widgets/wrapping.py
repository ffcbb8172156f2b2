"""How a long line is laid out in several, cut between words, with what goes on below the words."""

import re
from typing import Final

from rich.cells import cell_len, set_cell_size

HANGING: Final = re.compile(r"^\s*(?:\S+ ){0,3}\S+\s{2,}|^\s+")
"""A label and the gap behind it, or an indent: what goes on below stands below the words."""


def wrapped(text: str, width: int) -> list[str]:
    """The line in pieces of at most ``width`` cells, cut at a space where there is one near."""
    if (len(text) if text.isascii() else cell_len(text)) <= width:
        return [text]
    label = HANGING.match(text)
    hang = " " * (len(label.group()) if label and label.end() * 3 <= width else 0)
    pieces: list[str] = []
    rest = text
    while (len(rest) if rest.isascii() else cell_len(rest)) > width:
        taken = len(set_cell_size(rest, width).rstrip()) if not rest.isascii() else width
        taken = max(1, taken)
        space = rest.rfind(" ", max(len(hang) + 1, taken - 24), taken)
        taken = space + 1 if space > 0 else taken
        pieces.append(rest[:taken].rstrip())
        rest = hang + rest[taken:]
    return [*pieces, rest]
