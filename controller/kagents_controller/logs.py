"""Log lines as JSON objects: time, level, logger, message, and whatever else the caller names."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from kagents_core.safetext import clean
from kagents_core.secretshapes import masked_text

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_FIELD_LIMIT = 4096
_LINE_LIMIT = 1 << 20


class JsonFormatter(logging.Formatter):
    """One line a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; a traceback becomes the field ``trace``."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            # An error's words may hold an address with a password in it, or a webhook's.
            line["trace"] = masked_text(self.formatException(record.exc_info))
        text = orjson.dumps(line, default=lambda value: str(value)[:_FIELD_LIMIT]).decode()
        # JSON writes C0 controls in its own way, and leaves C1 and what turns text around as they are.
        return clean(text, limit=_LINE_LIMIT)


def log_json(level: str) -> None:
    """Send all log records of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
