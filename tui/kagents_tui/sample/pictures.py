"""Draws the pictures of the documentation: ``python -m kagents_tui.sample.pictures docs/images``.

Each is the application itself on the teams of the demonstration, with a fixed clock, written as SVG.
"""

import asyncio
import math
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kagents_tui.sample.stage.play import StageConnector
from kagents_tui.sample.stage.stage import CASTS
from kagents_tui.session import Options

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from kagents_tui.app import KagentsApp

NOW: Final = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SIZE: Final = (110, 30)
LIMIT_SECONDS: Final = 30.0
TEAM: Final = ("j", "j", "j", "enter", "WAIT:OAuth2 endpoints")
PICTURES: Final[dict[str, tuple[Sequence[str], str]]] = {
    "teams": ((), "api-audit"),
    "attention": (("w", "j", "j", "space"), "late, not lost"),
    "gate": (("a",), "Do not send any of them."),
    "team": (TEAM, "asks a person"),
    "mail": ((*TEAM, "2", "f", "WAIT:FROM, TO", "t"), "LAST MESSAGE"),
    "tasks": ((*TEAM, "3", "f"), "Blocked"),
    "agent": ((*TEAM, "j", "enter"), "to lead: Endpoints"),
    "diff": ((*TEAM, "j", "D"), "class TokenTable"),
}
"""Name of each picture: the keys that lead to it, and the words that show that it is complete."""

_FONT_FACES: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONT: Final = "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"


async def draw(keys: Sequence[str], words: str) -> str:
    """The screen after these keys, as SVG that loads nothing from elsewhere."""
    from kagents_tui.app import KagentsApp

    app = KagentsApp(StageConnector(now=lambda: NOW, beat_seconds=math.inf), Options(), now=lambda: NOW)
    async with asyncio.timeout(LIMIT_SECONDS), app.run_test(size=SIZE) as pilot:
        await shown(pilot, lambda: len(app.teams) == len(CASTS))
        for key in keys:
            if key.startswith("WAIT:"):
                await shown(pilot, partial(visible, app, key.removeprefix("WAIT:")))
            else:
                await pilot.press(key)
        # nothing is marked as just changed
        await shown(pilot, lambda: visible(app, words) and not visible(app, app.symbols.changed))
        drawn = app.export_screenshot(title="kagents-tui")
    return _FONT_FACES.sub("", drawn).replace("Fira Code, monospace", _FONT)


def visible(app: "KagentsApp", words: str) -> bool:
    """Whether the words stand on the screen."""
    return words in app.export_screenshot().replace("&#160;", " ")


async def shown(pilot: "Pilot[None]", condition: Callable[[], bool]) -> None:
    """Waits until something is so, and painted."""
    while not condition():
        await pilot.pause(0.05)
    await pilot.pause()


def main(folder: Path) -> None:
    """Writes every picture into the folder."""
    # Times of day are shown in the zone of the terminal.
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.environ.pop("NO_COLOR", None)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (keys, words) in PICTURES.items():
        (folder / f"{name}.svg").write_text(asyncio.run(draw(keys, words)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
