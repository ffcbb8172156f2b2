"""The end of what a terminal program drew, as words: for the sentence that says why it ended."""

import re

from kagents_core.safetext import clean

_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system commands: titles, links
    r"|\x1b[PX^_].*?\x1b\\"  # device control strings
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
_DRAWING = re.compile(r"[\u2500-\u259f\u2800-\u28ff]+")


def last_words(screen: bytes, limit: int) -> str:
    """The last ``limit`` characters of the text, in one line, without sequences and line drawing."""
    text = _SEQUENCES.sub(" ", screen.decode(errors="replace"))
    words = " ".join(_DRAWING.sub(" ", text).split())
    return clean(words[-limit:], limit=limit * 2, multiline=False)
