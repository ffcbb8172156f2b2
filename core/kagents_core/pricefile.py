"""A price table of one's own, from a file ``prices.yaml``: for those who pay other prices than the list's.

Its models come before those of the published list, which has the prices of all others. Prices are dollars per
million tokens; those of the cache follow the published multiples of ``input`` unless the file says others.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kagents_core.api.manifests import ManifestError, read_yaml
from kagents_core.pricing import PUBLISHED, Prices, PriceTable, Tariff, canonical

MAX_BYTES: Final = 256 * 1024
MAX_MODELS: Final = 500
_DEAREST: Final = Decimal(1_000_000)
"""Dollars per million tokens: what costs more is a slip of the pen."""
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,119}")
_TOOL: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_KINDS: Final = {
    "cacheRead": (Decimal(1), Decimal(10)),
    "cacheWrite5m": (Decimal(5), Decimal(4)),
    "cacheWrite1h": (Decimal(2), Decimal(1)),
}
"""What a price of the cache is of the price of input, where the file does not say it."""


class PriceFileError(ValueError):
    """A table that cannot be used; its text is one plain sentence that names the place."""


def parse_prices(data: bytes, *, source: str = "prices.yaml") -> PriceTable:
    """The table in a file. Raises ``PriceFileError``."""
    if len(data) > MAX_BYTES:
        raise PriceFileError(f"{source}: a price table has at most {MAX_BYTES // 1024} KiB")
    try:
        documents = read_yaml(data.decode("utf-8-sig"), source)
    except UnicodeDecodeError as error:
        raise PriceFileError(f"{source}: byte {error.start} is not UTF-8 text") from None
    except ManifestError as error:
        raise PriceFileError(str(error)) from None
    if len(documents) != 1:
        raise PriceFileError(f"{source}: a price table is one document with version and models")
    whole = _mapping(documents[0], source, ("version", "models", "serverTools"))
    version = str(whole.get("version") or "")
    if not _VERSION.fullmatch(version):
        raise PriceFileError(f"{source}: version: a name for these prices is needed, such as 2026-11")
    named = whole.get("models")
    if not isinstance(named, dict) or not 1 <= len(named) <= MAX_MODELS:
        raise PriceFileError(f"{source}: models: 1 to {MAX_MODELS} models with their prices are needed")
    models: dict[str, tuple[Tariff, ...]] = {}
    for name, value in named.items():
        place = f"{source}: models.{str(name)[:60]}"
        if not _NAME.fullmatch(str(name)):
            raise PriceFileError(f"{place}: this is not the name of a model")
        if (known := canonical(str(name))) in models:
            raise PriceFileError(f"{place}: this model is there twice, as {known}")
        models[known] = (_tariff(value, place),)
    tools = _tools(whole.get("serverTools"), f"{source}: serverTools")
    return PriceTable(version, {**PUBLISHED.models, **models}, {**PUBLISHED.tools, **tools})


def _tariff(value: object, place: str) -> Tariff:
    fields = _mapping(value, place, ("input", "output", *_KINDS, "longFrom", "long"))
    long, start = fields.get("long"), fields.get("longFrom")
    if (long is None) != (start is None):
        raise PriceFileError(f"{place}: long and longFrom are there together or not at all")
    if long is None:
        return Tariff("", _prices(fields, place))
    if type(start) is not int or not 0 < start <= 10**9:
        raise PriceFileError(f"{place}.longFrom: a number of tokens is needed, not {str(start)[:40]!r}")
    inner = _mapping(long, f"{place}.long", ("input", "output", *_KINDS))
    return Tariff("", _prices(fields, place), _prices(inner, f"{place}.long"), start)


def _prices(fields: Mapping[str, Any], place: str) -> Prices:
    for name in ("input", "output"):
        if fields.get(name) is None:
            raise PriceFileError(f"{place}.{name}: a price in dollars per million tokens is needed")
    base = _dollars(fields["input"], f"{place}.input")
    cache = {
        name: base * times / parts if fields.get(name) is None else _dollars(fields[name], f"{place}.{name}")
        for name, (times, parts) in _KINDS.items()
    }
    output = _dollars(fields["output"], f"{place}.output")
    numbers = (base, output, cache["cacheRead"], cache["cacheWrite5m"], cache["cacheWrite1h"])
    return Prices(*(_micros(number) for number in numbers))


def _tools(value: object, place: str) -> Mapping[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(_TOOL.fullmatch(str(name)) for name in value):
        raise PriceFileError(f"{place}: dollars by use are needed, such as web_search_requests: 0.01")
    return {name: _micros(_dollars(each, f"{place}.{name}")) for name, each in value.items()}


def _dollars(value: object, place: str) -> Decimal:
    wrong = PriceFileError(f"{place}: a price in dollars is needed, such as 3.00, not {str(value)[:40]!r}")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise wrong from None
    if not found.is_finite() or not 0 <= found <= _DEAREST:
        raise wrong
    return found


def _micros(dollars: Decimal) -> int:
    """Micro-dollars, rounded up."""
    return int(-(-dollars * 1_000_000 // 1))


def _mapping(value: object, place: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PriceFileError(f"{place}: a mapping with {', '.join(known)} is needed")
    for name in value:
        if name not in known:
            raise PriceFileError(
                f"{place}: there is no field {str(name)[:40]!r}; there are {', '.join(known)}"
            )
    return value
