"""Times: seconds since 1970 inside the recorder, RFC 3339 in UTC with milliseconds in files."""

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """The time as the journal writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: object, default: float) -> float:
    """The time in an RFC 3339 text of somebody else's, or ``default`` for anything that is none."""
    if not isinstance(text, str):
        return default
    try:
        moment = datetime.fromisoformat(text)
        # By way of UTC: a zone may lead out of the years that there are, and such a time cannot be written.
        return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return default
