"""The themes: every tone can be read on every ground, and told apart by eyes that see fewer colours."""

from itertools import combinations
from typing import get_args

import pytest

from kagents_tui.rows.cells import Tone
from kagents_tui.rows.symbols import ASCII, UNICODE
from kagents_tui.settings import ThemeName
from kagents_tui.theme import PALETTES, choose, style

# Machado, Oliveira, Fernandes (2009), severity 1.0, on linear RGB.
SEEN = {
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.01182, 0.04294, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.3039),
    ),
}
STATES = ("good", "warn", "bad", "dim")


def linear(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]


def luminance(colour):
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def lab(rgb):
    red, green, blue = rgb
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
    )
    x, y, z = (each ** (1 / 3) if each > 0.008856 else 7.787 * each + 16 / 116 for each in xyz)
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


def distance(one, other, matrix):
    seen = []
    for colour in (one, other):
        rgb = linear(colour)
        seen.append(
            lab([min(1, max(0, sum(a * b for a, b in zip(row, rgb, strict=True)))) for row in matrix])
        )
    return sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5


def test_every_theme_of_the_settings_exists():
    assert set(PALETTES) == set(get_args(ThemeName))


@pytest.mark.parametrize("name", PALETTES)
def test_every_tone_can_be_read_on_every_ground(name):
    colours = PALETTES[name]
    for tone in get_args(Tone):
        for ground in ("background", "panel", "cursor"):
            least = 7.0 if name == "high-contrast" else 3.0 if tone == "dim" else 4.5
            found = contrast(colours.tone(tone), getattr(colours, ground))
            assert found >= least, f"{tone} on {ground}: {found:.1f}"


@pytest.mark.parametrize("name", SEEN)
def test_states_differ_for_the_eyes_that_a_theme_is_for(name):
    colours = PALETTES[name]
    for one, other in combinations(STATES, 2):
        found = distance(colours.tone(one), colours.tone(other), SEEN[name])
        assert found >= 20, f"{one} and {other}: {found:.0f}"


def test_every_state_has_a_shape_of_its_own():
    for symbols in (UNICODE, ASCII):
        states = ("person", "warning", "failed", "working", "waiting", "done", "paused", "stopped")
        assert len({getattr(symbols, name) for name in states}) == len(states)


def test_the_chosen_theme_is_painted():
    try:
        choose("light")
        assert style("bad").color.name == PALETTES["light"].bad
        assert style("bad", cursor=True).bgcolor.name == PALETTES["light"].cursor
        assert style("bad", monochrome=True).color is None
    finally:
        choose("dark")
    assert style("bad").color.name == PALETTES["dark"].bad
