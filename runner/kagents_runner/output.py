"""Log lines of a container: one clean line each, flushed, so that ``logs -f`` shows it at once."""

from kagents_core.safetext import clean

LINE_LIMIT = 4096


def say(text: str) -> None:
    """Prints one line; characters that a terminal would obey are shown instead."""
    print(clean(text, limit=LINE_LIMIT, multiline=False), flush=True)  # noqa: T201 - a container's log is its stdout
