"""Glyphs. Each stands beside a word that says the same, and each is one column wide in every terminal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of glyphs."""

    person: str
    """A person must decide."""
    warning: str
    failed: str
    working: str
    waiting: str
    done: str
    paused: str
    stopped: str
    changed: str
    marked: str
    arrow: str
    dash: str
    dot: str
    rule: str
    ellipsis: str
    ascending: str
    descending: str
    tee: str
    """A branch of a tree, others follow."""
    corner: str
    """The last branch."""
    trunk: str
    both: str
    """Between two who write to each other."""
    levels: str
    """From nothing to all, for curves and bars."""


UNICODE = Symbols(
    "▲",
    "◆",
    "✗",
    "●",
    "○",
    "✓",
    "‖",
    "■",
    "•",
    "»",
    "→",
    "–",  # noqa: RUF001 - a dash is meant
    "·",
    "─",
    "…",
    "↑",
    "↓",
    "├",
    "└",
    "│",
    "↔",
    " ▁▂▃▄▅▆▇█",
)
ASCII = Symbols(
    "!",
    "~",
    "x",
    "*",
    "o",
    "+",
    "=",
    "#",
    ">",
    "%",
    "->",
    "-",
    "|",
    "-",
    ".",
    "^",
    "v",
    "|",
    "`",
    "|",
    "<>",
    " _.,:-=+#",
)
