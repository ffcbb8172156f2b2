"""Days, weeks and months of a time zone as spans of time, also where clocks are put forward or back.

A period begins at the first moment of its first day's midnight; a midnight that a zone leaves out is the
moment at which its clocks jump over it. So every moment is in exactly one period.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kagents_core.api.budget import Period


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment to before another, both in UTC."""

    start: datetime
    end: datetime

    def has(self, moment: datetime) -> bool:
        """Whether the moment is in it."""
        return self.start <= moment < self.end


def span_of(period: Period, zone: ZoneInfo, now: datetime) -> Span:
    """The period of that zone in which ``now`` is."""
    first = _first_day(period, now.astimezone(zone).date())
    # A clock that is put back over midnight shows yesterday's date again in what is today already.
    while _begin(_following(period, first), zone) <= now:
        first = _following(period, first)
    while _begin(first, zone) > now:
        first = _first_day(period, first - timedelta(days=1))
    return Span(_begin(first, zone), _begin(_following(period, first), zone))


def _first_day(period: Period, day: date) -> date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def _following(period: Period, first: date) -> date:
    """The first day of the next period."""
    if period == "month":
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if period == "week" else 1)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
