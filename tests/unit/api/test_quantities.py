"""Durations, money and sizes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.api.quantities import (
    check_quantity,
    format_duration,
    format_money,
    parse_duration,
    parse_money,
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90s", 90), ("1h30m", 5400), ("1h1s", 3601), ("05m", 300)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "2 hours", "h", "0s", "0h0m", "-1h", "1.5h", "30m1h", "2h\n", "٣h", "1d"]
)
def test_refused_durations(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(1, 10**9))
def test_a_duration_is_read_back(seconds):
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(("text", "micros"), [("30.00", 30_000_000), ("1", 1_000_000), ("0.000001", 1)])
def test_money(text, micros):
    assert parse_money(text) == micros


@pytest.mark.parametrize(
    "text", ["", "abc", "1,5", "-1", "0", "0.00", "$5", "1e3", "1.", ".5", "NaN", "5\n", "1 "]
)
def test_refused_money(text):
    with pytest.raises(ValueError, match="amount"):
        parse_money(text)


@given(st.integers(1, 10**12))
def test_money_in_cents_is_read_back(cents):
    micros = cents * 10_000
    text = format_money(micros)
    assert text == f"{cents // 100}.{cents % 100:02d}"
    if cents < 10**11:
        assert parse_money(text) == micros


@pytest.mark.parametrize(
    ("micros", "text"), [(1_420_000, "1.42"), (4_999, "0.00"), (5_000, "0.01"), (0, "0.00")]
)
def test_money_is_rounded_to_cents(micros, text):
    assert format_money(micros) == text


@pytest.mark.parametrize("text", ["5Gi", "500m", "1", "0.5", "1Ei"])
def test_quantities(text):
    assert check_quantity(text) == text


@pytest.mark.parametrize("text", ["", "0", "0Gi", "-1Gi", "5GB", "five", "1e3", "5 Gi"])
def test_refused_quantities(text):
    with pytest.raises(ValueError, match="quantity"):
        check_quantity(text)
