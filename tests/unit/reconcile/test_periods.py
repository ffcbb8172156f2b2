"""Days, weeks and months in every time zone: each moment is in exactly one, and they follow one another."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kagents_core.reconcile.periods import span_of

ZONES = sorted(name for name in available_timezones() if name[0].isupper())
PERIODS = ("day", "week", "month")
MOMENTS = st.datetimes(datetime(1970, 1, 3), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(zone=st.sampled_from(ZONES), period=st.sampled_from(PERIODS), now=MOMENTS)
@example(zone="Pacific/Apia", period="day", now=moment("2011-12-30T12:00"))  # the day that Samoa left out
@example(zone="America/Havana", period="day", now=moment("2026-03-08T05:00"))  # no midnight
@example(zone="America/Havana", period="day", now=moment("2026-11-01T04:30"))  # midnight twice
@example(zone="America/St_Johns", period="day", now=moment("2006-10-29T03:00"))  # back over midnight
@example(zone="America/Sao_Paulo", period="month", now=moment("2009-02-15T02:00"))
def test_every_moment_is_in_exactly_one_period(zone: str, period: str, now: datetime) -> None:
    there = ZoneInfo(zone)
    span = span_of(period, there, now)
    assert span.has(now)
    assert span.has(span.start) and not span.has(span.end)
    assert span_of(period, there, span.start) == span
    assert span_of(period, there, span.end - timedelta(microseconds=1)) == span
    following = span_of(period, there, span.end)
    assert following.start == span.end


@given(zone=st.sampled_from(ZONES), period=st.sampled_from(PERIODS), now=MOMENTS)
def test_a_period_begins_with_its_first_day(zone: str, period: str, now: datetime) -> None:
    there = ZoneInfo(zone)
    span = span_of(period, there, now)
    first = span.start.astimezone(there)
    before = (span.start - timedelta(microseconds=1)).astimezone(there)
    assert before.date() < first.date() or before.utcoffset() != first.utcoffset()
    longest = {"day": 2, "week": 9, "month": 33}[period]
    assert timedelta(hours=20) < span.end - span.start < timedelta(days=longest)


@pytest.mark.parametrize(
    ("period", "zone", "now", "start", "end"),
    [
        ("day", "UTC", "2026-11-21T10:30", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("week", "UTC", "2026-11-22T23:59", "2026-11-16T00:00", "2026-11-23T00:00"),
        ("month", "UTC", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("day", "Asia/Kolkata", "2026-11-21T19:00", "2026-11-21T18:30", "2026-11-22T18:30"),
        # Clocks are put forward: this day has 23 hours; and back: this one has 25.
        ("day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("day", "Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("month", "America/New_York", "2026-03-31T12:00", "2026-03-01T05:00", "2026-04-01T04:00"),
    ],
)
def test_periods_that_people_know(period: str, zone: str, now: str, start: str, end: str) -> None:
    span = span_of(period, ZoneInfo(zone), moment(now))
    assert (span.start, span.end) == (moment(start), moment(end))
