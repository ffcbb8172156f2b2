"""What is taken out of a view: a text for the clipboard, rows as CSV, a file that replaces no other."""

import asyncio
import csv
import io
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kagents_tui.rows.cells import Column, Scene

TEXT_FIELDS: Final = ("text", "message", "what", "subject", "event", "name", "key")
"""Where an item has what a person means by it, the first that it has: a mail its text, a team its name."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK: Final = 500
TRIES: Final = 100


def words_of(item: object) -> str:
    """The text of an item that is worth copying; empty when it has none."""
    for name in TEXT_FIELDS:
        value = getattr(item, name, None)
        if isinstance(value, str) and value:
            return str(value)
        if isinstance(value, tuple) and value:
            return "/".join(str(part) for part in value)
    return ""


async def csv_of(columns: Sequence[Column[Any]], rows: Sequence[Any], scene: Scene) -> str:
    """The rows with the cells that the columns show; lets others go on in between.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front: texts come from agents.
    """
    named = [column for column in columns if column.title]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.title for column in named])
    for number, row in enumerate(rows):
        writer.writerow([harmless(column.cell(row, scene).text) for column in named])
        if number % CHUNK == CHUNK - 1:
            await asyncio.sleep(0)
    return out.getvalue()


def harmless(text: str) -> str:
    """The cell's text as nothing but text for a spreadsheet."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def file_name(parts: Sequence[str], at: datetime) -> str:
    """``kagents-<parts>-<time>`` with nothing in it that a path or a shell could misread."""
    words = [re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-")[:60] for part in parts]
    return "-".join(["kagents", *filter(None, words), at.astimezone().strftime("%Y%m%d-%H%M%S")])


def write_new(directory: Path, name: str, suffix: str, content: str) -> Path:
    """Writes a new file that only its owner may read; never follows or replaces what is there.

    Raises OSError when the directory takes no file.
    """
    data = content.encode("utf-8", "replace")
    for number in range(1, TRIES + 1):
        path = directory / (f"{name}.{suffix}" if number == 1 else f"{name}-{number}.{suffix}")
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(opened, "wb") as stream:
            stream.write(data)
        return path
    raise FileExistsError(17, f"{TRIES} files of this name are there already", str(directory / name))
