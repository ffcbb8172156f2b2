"""Laws of the text that reaches a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.safetext import CUT_MARK, SafeText, clean, cut_to_width, width

HOSTILE = [
    "\x1b]52;c;aGk=\x1b\\",
    "\x1b[2J",
    "\x9b2J",
    "\x07\x08\x0b\x0c\r\x7f",
    "admin\u202egnp.exe",
    "pay\u200bpal\u2060\ufeff",
    "a\u2028b\u2029c",
    "\ud83d lone \udc00",
    "tags \U000e0041\U000e007f",
    "filler \u3164\u115f",
]

any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)
hostile_text = st.lists(st.one_of(any_text, st.sampled_from(HOSTILE)), max_size=6).map("".join)


def dangerous(text: str, allowed: str) -> list[str]:
    return [
        character
        for character in text
        if character not in allowed
        and (
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(character)
            in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN")
            or character in "\u200b\u200c\u200d\u200e\u200f\u061c\ufeff"
        )
    ]


@given(hostile_text)
def test_no_control_survives_in_several_lines(text: str) -> None:
    assert dangerous(clean(text), "\n\t") == []


@given(hostile_text)
def test_no_control_survives_in_one_line(text: str) -> None:
    assert dangerous(clean(text, multiline=False), "") == []


@given(hostile_text, st.integers(0, 400), st.booleans())
def test_cleaning_twice_is_cleaning_once_and_the_limit_holds(text: str, limit: int, multiline: bool) -> None:
    once = clean(text, limit=limit, multiline=multiline)
    assert len(once) <= limit
    assert clean(once, limit=limit, multiline=multiline) == once
    once.encode("utf-8")


@given(st.text(alphabet=st.characters(categories=("L", "M", "N", "P", "S", "Zs"))))
def test_printable_text_is_unchanged(text: str) -> None:
    kept = "".join(character for character in text if not _invisible(character))
    assert clean(kept) == kept


def _invisible(character: str) -> bool:
    """Letters and marks without a glyph, which the cleaning names instead (Unicode: Default_Ignorable)."""
    return character in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0" or (
        "\U000e0000" <= character <= "\U000e0fff" or "\U00013430" <= character <= "\U0001343f"
    )


def test_wide_and_combining_text_is_kept() -> None:
    text = "日本語 e\u0301 ẹ́ 👍🏽 🇩🇪 ❤️ हिन्दी عربي"
    assert clean(text) == text


def test_hostile_characters_are_shown() -> None:
    assert clean("\x1b[2J") == "␛[2J"
    assert clean("a\u202eb\x9b") == "a⟨U+202E⟩b⟨U+009B⟩"
    assert clean("a\r\nb\tc\x7f") == "a␍\nb\tc␡"
    assert clean("a\nb\tc", multiline=False) == "a␊b␉c"


def test_long_text_ends_in_a_mark() -> None:
    cut = clean("x" * 100, limit=20)
    assert cut.endswith(CUT_MARK) and len(cut) == 20
    assert clean("x" * 20, limit=20) == "x" * 20
    with pytest.raises(ValueError, match="negative"):
        clean("x", limit=-1)


def test_only_cleaning_makes_safe_text() -> None:
    with pytest.raises(TypeError):
        SafeText("\x1b")
    assert type(clean("x")) is SafeText


@given(hostile_text, st.integers(0, 80))
def test_cut_fits_its_cells_and_is_a_start_of_the_text(text: str, cells: int) -> None:
    line = clean(text, multiline=False)
    cut = cut_to_width(line, cells)
    assert width(cut) <= cells
    assert cut == line or cells == 0 or line.startswith(cut.removesuffix("…"))
    assert cut_to_width(cut, cells) == cut


@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("hello", 5, "hello"),
        ("hello", 4, "hel…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("🇩🇪🇫🇷🇮🇹", 5, "🇩🇪🇫🇷…"),
        ("👍🏽👍🏽", 3, "👍🏽…"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
    ],
)
def test_cut_keeps_clusters_whole(text: str, cells: int, expected: str) -> None:
    assert cut_to_width(clean(text), cells) == expected


def test_a_huge_text_costs_no_more_than_its_limit() -> None:
    assert len(clean("\x1b" * 5_000_000, limit=100)) == 100
