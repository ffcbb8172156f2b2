"""Draws the pictures of the documentation: ``python -m kagents_tui.sample.pictures docs/images``.

Each is the application itself on the sample cluster with a fixed clock, written as SVG.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.session import Options

if TYPE_CHECKING:
    from textual.pilot import Pilot

NOW: Final = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SIZE: Final = (110, 30)
LIMIT_SECONDS: Final = 30.0
PICTURES: Final[dict[str, tuple[Sequence[str], str]]] = {
    "teams": ((), "api-audit"),
    "team": (("j", "j", "enter"), "PostgreSQL 16"),
    "gate": (("a",), "Do not send any of them."),
}
"""Name of each picture: the keys that lead to it, and the words that show that it is complete."""

_FONT_FACES: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONT: Final = "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"


async def draw(keys: Sequence[str], words: str) -> str:
    """The screen after these keys, as SVG that loads nothing from elsewhere."""
    from kagents_tui.app import KagentsApp

    cluster = SampleCluster(data.teams(NOW), {"auth-refactor": data.journal(NOW)}, data.LOG.encode())
    app = KagentsApp(SampleConnector(cluster), Options(), now=lambda: NOW)
    async with asyncio.timeout(LIMIT_SECONDS), app.run_test(size=SIZE) as pilot:
        await shown(pilot, lambda: len(app.teams) == len(cluster.teams))
        await pilot.press(*keys)

        def complete() -> bool:
            text = app.export_screenshot().replace("&#160;", " ")
            return words in text and app.symbols.changed not in text  # nothing is marked as just changed

        await shown(pilot, complete)
        drawn = app.export_screenshot(title="kagents-tui")
    return _FONT_FACES.sub("", drawn).replace("Fira Code, monospace", _FONT)


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
