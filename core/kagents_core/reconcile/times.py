"""Times as Kubernetes writes them: RFC 3339, UTC, whole seconds."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime


def to_text(moment: datetime) -> str:
    """The form of ``metav1.Time``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str | None) -> datetime | None:
    """The reverse; None for an absent or unreadable time, which a foreign writer may have left.

    So are times at either end of the years that there are: in another zone they would be none.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not MINYEAR < moment.year < MAXYEAR:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
