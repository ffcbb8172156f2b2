"""What libraries log (aiohttp of a failed request, asyncio of a lost task) as lines of a container.

Left alone, Python writes them to stderr as they are: with a traceback over many lines, and with whatever the
words of an error hold.
"""

import logging
from collections.abc import Mapping

from kagents_runner.output import say
from kagents_runner.termination import without_secrets


class LibraryLog(logging.Handler):
    """One clean line a record: the logger, its words, the error's, and the last place of its traceback."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Of a container with this environment."""
        super().__init__(logging.WARNING)
        self._environment = environment

    def emit(self, record: logging.LogRecord) -> None:
        """Writes it."""
        text = f"{record.name}: {record.getMessage()}"
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            text += f": {type(error).__name__}: {error}{_place(error)}"
        say(without_secrets(text, self._environment), "error" if record.levelno >= logging.ERROR else "warn")


def _place(error: BaseException) -> str:
    """Where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f" (in {code.co_qualname}, {code.co_filename.rpartition('/')[2]} line {trace.tb_lineno})"


def log_of_libraries(environment: Mapping[str, str]) -> None:
    """Takes every record of this process that is a warning or worse, in place of an earlier one."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, LibraryLog)]:
        root.removeHandler(handler)
    root.addHandler(LibraryLog(environment))
