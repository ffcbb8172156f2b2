"""How a person likes to see things, whatever is shown: the theme chosen last, logs wrapped and with times."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from kagents_tui.rows.fields import mapping
from kagents_tui.settings import ThemeName

Choices = dict[str, Any]
"""What was chosen, by field, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Taste:
    """What was chosen. ``instead`` is the configured theme that ``theme`` was chosen instead of."""

    theme: ThemeName | None = None
    instead: str = ""
    wrap: bool = True
    stamps: bool = True

    def theme_over(self, configured: ThemeName) -> ThemeName:
        """The theme that holds: the one chosen, until the configuration file says another one than then."""
        return self.theme if self.theme is not None and self.instead == configured else configured


def taste_of(document: object) -> Taste:
    """The taste that the state file holds. A field of the wrong type reads as absent."""
    source: Mapping[str, Any] = mapping(document)
    theme = source.get("theme")
    return Taste(
        cast("ThemeName", theme) if theme in get_args(ThemeName) else None,
        str(source.get("instead") or "")[:100],
        source.get("wrap") is not False,
        source.get("stamps") is not False,
    )
