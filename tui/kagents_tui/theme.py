"""Colours: what each tone looks like. Without colour a tone is bold, dim, underlined or reversed."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.style import Style
from textual.strip import Strip

from kagents_tui.rows.cells import Tone

if TYPE_CHECKING:
    from textual.theme import Theme
    from textual.widget import Widget

BACKGROUND: Final = "#11151c"
PANEL: Final = "#1a2029"
CURSOR: Final = "#2b3a4f"
TEXT: Final = "#c8d0da"
COLOURS: Final[dict[Tone, Style]] = {
    "plain": Style(color=TEXT),
    "dim": Style(color="#7d8997"),
    "strong": Style(color="#eef2f6", bold=True),
    "accent": Style(color="#7cb7ff"),
    "good": Style(color="#8fd694"),
    "warn": Style(color="#ffcf5c", bold=True),
    "bad": Style(color="#ff8a80", bold=True),
}
MONOCHROME: Final[dict[Tone, Style]] = {
    "plain": Style(),
    "dim": Style(dim=True),
    "strong": Style(bold=True),
    "accent": Style(),
    "good": Style(),
    "warn": Style(bold=True),
    "bad": Style(bold=True, underline=True),
}


def theme() -> "Theme":
    """The theme of the application, for Textual's own widgets."""
    from textual.theme import Theme

    return Theme(
        name="kagents",
        primary="#7cb7ff",
        secondary="#7d8997",
        warning="#ffcf5c",
        error="#ff8a80",
        success="#8fd694",
        accent="#7cb7ff",
        foreground=TEXT,
        background=BACKGROUND,
        surface=BACKGROUND,
        panel=PANEL,
        dark=True,
    )


@lru_cache(maxsize=64)
def style(tone: Tone, *, monochrome: bool = False, cursor: bool = False, focused: bool = True) -> Style:
    """The style of a tone, on the cursor's row if so. Without colour the cursor is reversed video."""
    if monochrome:
        return (
            MONOCHROME[tone] + Style(reverse=focused, underline=not focused) if cursor else MONOCHROME[tone]
        )
    if not cursor:
        return COLOURS[tone]
    return COLOURS[tone] + Style(bgcolor=CURSOR if focused else PANEL, bold=True if focused else None)


@lru_cache(maxsize=16)
def ground(colour: str) -> Style:
    """A background alone."""
    return Style(bgcolor=colour)


def on_ground(widget: "Widget", strip: Strip) -> Strip:
    """The strip on the widget's background, wherever it has none of its own."""
    if monochrome(widget):
        return strip
    return strip.apply_style(ground(widget.background_colors[1].hex6))


def monochrome(widget: "Widget") -> bool:
    """Whether the person wants no colour."""
    return bool(getattr(widget.app, "monochrome", False))
