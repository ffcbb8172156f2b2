"""Ages and spans in the few characters that a column has."""

from datetime import datetime, timedelta


def span(duration: timedelta) -> str:
    """``0.8s``, ``42s``, ``9m``, ``3h``, ``3h20m`` below ten hours, ``5d``. Negative counts as nothing."""
    seconds = max(0.0, duration.total_seconds())
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{int(seconds)}s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes}m"
    hours, rest = divmod(minutes, 60)
    if hours < 10 and rest:
        return f"{hours}h{rest}m"
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"


def age(now: datetime, since: datetime | None) -> str:
    """How long ago ``since`` was in whole units; empty when unknown."""
    return "" if since is None else span(timedelta(seconds=int(max(0.0, (now - since).total_seconds()))))


def clock(at: datetime | None) -> str:
    """The time of day in the terminal's zone, ``14:02:11``; dashes when unknown."""
    return "--:--:--" if at is None else at.astimezone().strftime("%H:%M:%S")
