"""Durations, money and storage sizes: the text a person writes, and the exact number it stands for."""

import re
from datetime import timedelta
from typing import Final

DURATION_PATTERN: Final = r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?$"
"""Whole hours, minutes and seconds, in this order. Also matches the empty text, which is refused apart."""

MONEY_PATTERN: Final = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"
"""US dollars with a decimal point, to a micro-dollar. Also matches zero, which is refused apart."""

QUANTITY_PATTERN: Final = r"^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
"""A Kubernetes quantity without sign or exponent."""

MICROS_PER_DOLLAR: Final = 1_000_000

_DURATION = re.compile(DURATION_PATTERN.replace("$", r"\Z"))
_MONEY = re.compile(MONEY_PATTERN.replace("$", r"\Z"))
_QUANTITY = re.compile(QUANTITY_PATTERN.replace("$", r"\Z"))


def parse_duration(text: str) -> timedelta:
    """The duration that a text such as ``2h``, ``90s`` or ``1h30m`` stands for; always longer than zero.

    Raises ValueError with one plain sentence for anything else.
    """
    match = _DURATION.match(text)
    if not text or match is None:
        raise ValueError("a duration is written in hours, minutes and seconds, such as 2h, 90s or 1h30m")
    hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in match.groups())
    duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        raise ValueError("a duration must be longer than zero")
    return duration


def format_duration(duration: timedelta) -> str:
    """The text that :func:`parse_duration` reads back, in whole seconds: ``1h30m``, ``90s`` as ``1m30s``."""
    total = max(0, int(duration.total_seconds()))
    hours, rest = divmod(total, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def parse_money(text: str) -> int:
    """An amount of US dollars such as ``30.00`` in micro-dollars; always more than zero.

    Raises ValueError with one plain sentence for anything else.
    """
    if not _MONEY.match(text):
        raise ValueError("an amount is written in US dollars with a decimal point, such as 30.00")
    whole, _, fraction = text.partition(".")
    micros = int(whole) * MICROS_PER_DOLLAR + int(fraction.ljust(6, "0"))
    if micros == 0:
        raise ValueError("an amount must be more than zero")
    return micros


def format_money(micros: int) -> str:
    """Micro-dollars as dollars and cents, rounded half up: ``1420000`` is ``1.42``."""
    cents = (abs(micros) * 100 + MICROS_PER_DOLLAR // 2) // MICROS_PER_DOLLAR
    sign = "-" if micros < 0 and cents else ""
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def check_quantity(text: str) -> str:
    """The text itself when it is a Kubernetes quantity larger than zero, such as ``5Gi`` or ``500m``.

    Raises ValueError with one plain sentence for anything else.
    """
    if not _QUANTITY.match(text):
        raise ValueError("a quantity is a number with a Kubernetes unit, such as 5Gi or 500m")
    if not text.strip("mkMGTPEi.0"):
        raise ValueError("a quantity must be more than zero")
    return text
