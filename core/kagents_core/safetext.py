"""Text from agents, files and the network made safe for a terminal, and cut to a width in cells.

A hostile character is one that a terminal, or a reader's eye, obeys instead of showing: C0 and C1 controls,
DEL, bidirectional controls, zero-width and other invisible characters, line separators, lone surrogates. Each
is replaced by a visible form, so nothing is hidden and nothing is dropped. Everything else stays as it is.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

DEFAULT_LIMIT: Final = 65536
"""Characters that ``clean`` keeps unless told otherwise."""

CUT_MARK: Final = "…⟨cut⟩"
ELLIPSIS: Final = "…"

_LINE_FEED: Final = 0x0A
_TAB: Final = 0x09

# Ranges of what is never shown raw, apart from line feed and tab (Unicode 15, categories Cc, Cf, Cs, Zl, Zp
# and the letters without a glyph). Cf characters with a glyph (Arabic and Kaithi number signs) stay.
_HOSTILE_RANGES: Final = (
    (0x0000, 0x0008),
    (0x000B, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)


class SafeText(str):
    """Text without hostile characters. Only ``clean`` and ``cut_to_width`` make one."""

    __slots__ = ()

    def __new__(cls, *_: object, **__: object) -> "SafeText":
        """Refuses: a ``SafeText`` exists only as the result of a cleaning."""
        raise TypeError("SafeText is made by kagents_core.safetext.clean, not by its constructor")


def _safe(text: str) -> SafeText:
    made: SafeText = str.__new__(SafeText, text)
    return made


def _visible(code: int) -> str:
    """The form shown instead of the character: a control picture, or its code point in angle brackets."""
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"⟨U+{code:04X}⟩"


def _character_class(ranges: tuple[tuple[int, int], ...]) -> str:
    return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges) + "]"


_SMALL_FORMS: Final = {
    code: _visible(code) for first, last in _HOSTILE_RANGES[:3] for code in range(first, last + 1)
}
_LINE_FORMS: Final = {_LINE_FEED: "␊", _TAB: "␉"}
_HOSTILE: Final = re.compile(_character_class(_HOSTILE_RANGES))
_HOSTILE_IN_LINE: Final = re.compile(_character_class(((_TAB, _LINE_FEED), *_HOSTILE_RANGES)))


def _replacement(match: re.Match[str]) -> str:
    code = ord(match.group())
    return _SMALL_FORMS.get(code) or _LINE_FORMS.get(code) or _visible(code)


def clean(text: str, *, limit: int = DEFAULT_LIMIT, multiline: bool = True) -> SafeText:
    """The text with every hostile character in a visible form and at most ``limit`` characters.

    ``multiline`` keeps line feeds and tabs; without it they become ``␊`` and ``␉``. A longer text ends in
    ``…⟨cut⟩`` within the limit. Cleaning a second time with the same arguments changes nothing.
    Raises ``ValueError`` for a negative limit.
    """
    if limit < 0:
        raise ValueError(f"the limit of a text must not be negative: {limit}")
    # A visible form is never shorter than its character, so what lies behind the limit need not be looked at.
    head = text[: limit + 1]
    shown = (_HOSTILE if multiline else _HOSTILE_IN_LINE).sub(_replacement, head)
    if len(shown) <= limit:
        return _safe(shown)
    mark = CUT_MARK if limit > len(CUT_MARK) else ELLIPSIS[:limit]
    return _safe(_without_split_cluster(shown, limit - len(mark)) + mark)


def cut_to_width(text: SafeText, cells: int) -> SafeText:
    """The longest start of the text that fits ``cells`` terminal cells, ending in ``…`` if it was cut.

    A character is never parted from the combining marks, variation selector or skin tone that follow it, nor
    one half of a flag from the other. Line feeds and tabs count as one cell: pass text cleaned for one line.
    """
    if cells <= 0:
        return _safe("")
    if len(text) <= cells and text.isascii():
        return text
    if width(text, at_most=cells) <= cells:
        return text
    end = used = 0
    for stop, size in _clusters(text):
        if used + size > cells - 1:
            break
        used += size
        end = stop
    return _safe(text[:end] + ELLIPSIS)


def width(text: str, *, at_most: int | None = None) -> int:
    """Terminal cells that a cleaned text takes; counting stops once it exceeds ``at_most``."""
    if text.isascii():
        return len(text)
    total = 0
    for _, size in _clusters(text):
        total += size
        if at_most is not None and total > at_most:
            break
    return total


def _cells(character: str) -> int:
    """Cells of one character: 0 for marks, 2 for East Asian wide and emoji, else 1."""
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _extends(character: str) -> bool:
    """Whether the character belongs to the one before it."""
    return character >= "\u0300" and (
        unicodedata.category(character) in ("Mn", "Me", "Mc") or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Every cluster of the text as (index behind it, cells)."""
    start, length = 0, len(text)
    while start < length:
        stop = start + 1
        size = _cells(text[start])
        if _is_flag_half(text[start]) and stop < length and _is_flag_half(text[stop]):
            stop += 1
            size = 2
        while stop < length and _extends(text[stop]):
            # A variation selector 16 asks for the emoji form, which takes two cells where it is honoured.
            size = 2 if text[stop] == "\ufe0f" else size + _spacing(text[stop])
            stop += 1
        yield stop, size
        start = stop


def _spacing(mark: str) -> int:
    """Cells that a character adds when it extends another: a spacing mark (Mc) takes its own."""
    return 1 if unicodedata.category(mark) == "Mc" else 0


def _without_split_cluster(text: str, length: int) -> str:
    """The first ``length`` characters, or a few fewer so that no base character loses its marks."""
    end = length
    while 0 < end < len(text) and length - end < 32 and _extends(text[end]):
        end -= 1
    return text[:end]
