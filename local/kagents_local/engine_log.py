"""The engine's log file: one line an entry, put aside when it is full. No secret is ever logged."""

import logging
import logging.handlers
import os
import time
from pathlib import Path
from typing import Any, Final

from kagents_core.safetext import clean
from kagents_core.secretshapes import masked_text

FILE_BYTES: Final = 4 * 1024 * 1024
FILES: Final = 3
"""Older files kept beside the current one."""


class _LineFormatter(logging.Formatter):
    """Times in UTC with milliseconds; what controls a terminal is shown, except line ends in a traceback."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        # An error's words may hold an address with a password in it, or a token.
        record.message = clean(masked_text(record.message.replace("\n", "\\n")), multiline=False)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  (logging's name)
        return clean(masked_text(super().formatException(ei)))


def open_log(path: Path) -> None:
    """Send the log of this process to ``path``, 0600."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"
    )
    handler.setFormatter(_LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
