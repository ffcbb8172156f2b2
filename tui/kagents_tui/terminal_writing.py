"""Sequences for the terminal itself: its title, its clipboard, a notification; also through tmux and screen.

All words go through ``safetext`` before, so that nothing in them can end a sequence and start another.
"""

import base64
import os
from collections.abc import Mapping
from typing import Final, Literal

from kagents_core.safetext import clean

CLIPBOARD_LIMIT: Final = 74_994
"""Bytes: what terminals take in one OSC 52 without a loss (100,000 characters of base64, less the frame)."""
NOTICE_LIMIT: Final = 200
SCREEN_PIECE: Final = 700
"""GNU screen drops longer strings; a longer sequence goes through it in pieces."""

Notice = Literal["off", "bell", "osc9", "osc777"]


def title(words: str) -> str:
    """Sets the window's title. tmux and screen understand it themselves."""
    return f"\x1b]0;{plain(words)}\x07"


def notice(kind: Notice, words: str, environment: Mapping[str, str] = os.environ) -> str:
    """Calls the person: a bell, or a desktop notification; nothing when they want none."""
    if kind == "off":
        return ""
    if kind == "bell":
        return "\x07"
    text = plain(words).replace(";", ",")
    return through(
        f"\x1b]9;{text}\x07" if kind == "osc9" else f"\x1b]777;notify;kagents;{text}\x07", environment
    )


def clipboard(text: str, environment: Mapping[str, str] = os.environ) -> tuple[str, int]:
    """The sequence that puts a text into the clipboard, and how many bytes its limit left out."""
    data = text.encode("utf-8", "replace")
    kept = data[:CLIPBOARD_LIMIT].decode("utf-8", "ignore").encode()
    sequence = f"\x1b]52;c;{base64.b64encode(kept).decode('ascii')}\x07"
    return through(sequence, environment), len(data) - len(kept)


def plain(words: str) -> str:
    """One short harmless line."""
    return clean(words, limit=NOTICE_LIMIT, multiline=False)


def through(sequence: str, environment: Mapping[str, str] = os.environ) -> str:
    """The sequence as tmux or screen, when it runs inside one, hands it on to the terminal around it."""
    if environment.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("STY") or environment.get("TERM", "").startswith("screen"):
        pieces = (sequence[at : at + SCREEN_PIECE] for at in range(0, len(sequence), SCREEN_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence
