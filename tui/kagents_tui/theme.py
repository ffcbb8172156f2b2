"""Colours: what each tone looks like in each theme. Without colour it is bold, dim, underlined or reversed.

One process draws one terminal, so one theme is chosen for all widgets. What a colour says, a glyph or a word
beside it says too; in the themes for colour-blind eyes the tones differ for them as well (tested).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, get_args

from rich.style import Style
from textual.strip import Strip

from kagents_tui.rows.cells import Tone
from kagents_tui.settings import ThemeName

if TYPE_CHECKING:
    from textual.theme import Theme
    from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme as ``#rrggbb``: three grounds, and a colour for each tone."""

    background: str
    panel: str
    cursor: str
    plain: str
    dim: str
    strong: str
    accent: str
    good: str
    warn: str
    bad: str
    dark: bool = True

    def tone(self, tone: Tone) -> str:
        """The colour of a tone."""
        found: str = getattr(self, tone)
        return found


PALETTES: Final[dict[ThemeName, Palette]] = {
    "dark": Palette(
        background="#11151c",
        panel="#1a2029",
        cursor="#2b3a4f",
        plain="#c8d0da",
        dim="#7d8997",
        strong="#eef2f6",
        accent="#7cb7ff",
        good="#8fd694",
        warn="#ffcf5c",
        bad="#ff8a80",
    ),
    "light": Palette(
        background="#fbfaf7",
        panel="#eeece6",
        cursor="#d6e4f7",
        plain="#2a3038",
        dim="#5c6670",
        strong="#0a0d12",
        accent="#0a4fa3",
        good="#155f27",
        warn="#7a4600",
        bad="#a8121a",
        dark=False,
    ),
    "high-contrast": Palette(
        background="#000000",
        panel="#101010",
        cursor="#002a7f",
        plain="#ffffff",
        dim="#d8d8d8",
        strong="#ffffff",
        accent="#8fe0ff",
        good="#7dff7d",
        warn="#ffee58",
        bad="#ffbcb5",
    ),
    "deuteranopia": Palette(
        background="#11151c",
        panel="#1a2029",
        cursor="#2b3a4f",
        plain="#c8d0da",
        dim="#7d8997",
        strong="#eef2f6",
        accent="#a9c4e8",
        good="#5fa8ff",
        warn="#fff0a8",
        bad="#ff8f30",
    ),
    "tritanopia": Palette(
        background="#11151c",
        panel="#1a2029",
        cursor="#2b3a4f",
        plain="#c8d0da",
        dim="#7d8997",
        strong="#eef2f6",
        accent="#9fd4e0",
        good="#43d6c5",
        warn="#ffd3e0",
        bad="#ff7b72",
    ),
}
BOLD: Final = frozenset({"strong", "warn", "bad"})
MONOCHROME: Final[dict[Tone, Style]] = {
    "plain": Style(),
    "dim": Style(dim=True),
    "strong": Style(bold=True),
    "accent": Style(),
    "good": Style(),
    "warn": Style(bold=True),
    "bad": Style(bold=True, underline=True),
}
_chosen: list[Palette] = [PALETTES["dark"]]


def choose(name: ThemeName) -> None:
    """From now on everything is painted in this theme; what is painted already must be painted anew."""
    _chosen[0] = PALETTES[name]


def theme(name: ThemeName) -> "Theme":
    """A theme for Textual's own widgets; its name there is ``kagents-<name>``."""
    from textual.theme import Theme

    colours = PALETTES[name]
    return Theme(
        name=f"kagents-{name}",
        primary=colours.accent,
        secondary=colours.dim,
        warning=colours.warn,
        error=colours.bad,
        success=colours.good,
        accent=colours.accent,
        foreground=colours.plain,
        background=colours.background,
        surface=colours.background,
        panel=colours.panel,
        dark=colours.dark,
    )


def themes() -> list["Theme"]:
    """All of them."""
    return [theme(name) for name in get_args(ThemeName)]


def style(tone: Tone, *, monochrome: bool = False, cursor: bool = False, focused: bool = True) -> Style:
    """The style of a tone, on the cursor's row if so. Without colour the cursor is reversed video."""
    if monochrome:
        return _without_colour(tone, cursor, focused)
    return _coloured(_chosen[0], tone, cursor, focused)


@lru_cache(maxsize=64)
def _without_colour(tone: Tone, cursor: bool, focused: bool) -> Style:
    marked = Style(reverse=focused, underline=not focused) if cursor else Style()
    return MONOCHROME[tone] + marked


@lru_cache(maxsize=256)
def _coloured(colours: Palette, tone: Tone, cursor: bool, focused: bool) -> Style:
    plain = Style(color=colours.tone(tone), bold=True if tone in BOLD else None)
    if not cursor:
        return plain
    return plain + Style(bgcolor=colours.cursor if focused else colours.panel, bold=True if focused else None)


@lru_cache(maxsize=16)
def ground(colour: str) -> Style:
    """A background alone."""
    return Style(bgcolor=colour)


def ground_of(widget: "Widget") -> str | None:
    """The colour of the widget's background; None without colour."""
    return None if monochrome(widget) else widget.background_colors[1].hex6


def on_colour(strip: Strip, colour: str) -> Strip:
    """The strip on a background, wherever it has none of its own."""
    return strip.apply_style(ground(colour))


def on_ground(widget: "Widget", strip: Strip) -> Strip:
    """The strip on the widget's background, wherever it has none of its own."""
    colour = ground_of(widget)
    return strip if colour is None else on_colour(strip, colour)


def monochrome(widget: "Widget") -> bool:
    """Whether the person wants no colour."""
    return bool(getattr(widget.app, "monochrome", False))
