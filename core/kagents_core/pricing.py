"""What tokens cost: a dated price table by model, and the price of one request in integer micro-dollars.

Prices are micro-dollars per million tokens, as published on platform.claude.com/docs/en/about-claude/pricing.
They are list prices: discounts, batch and fast modes are not known here. Who pays others has a table of one's
own (see ``pricefile``). An unknown model is priced at the dearest known one of the table and marked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

VERSION: Final = "2026-10-24"
"""Date on which the published list was last compared with this table."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Micro-dollars per million tokens, by kind of token."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one request; ``input`` excludes what was read from or written to the cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        """Length of the prompt: everything that went in, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one request. ``known`` is False when the model is not in the table."""

    micros: int
    known: bool


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of one model from a day on; ``long`` applies to requests with a prompt above ``long_from``."""

    since: str
    prices: Prices
    long: Prices | None = None
    long_from: int = 0


def _dollars(
    inputs: int,
    output: int,
    *,
    cache_read: int | None = None,
    since: str = "",
    long: Prices | None = None,
    long_from: int = 0,
) -> Tariff:
    """A tariff from input and output prices; cache prices follow the published multiples of input."""
    read = inputs // 10 if cache_read is None else cache_read
    return Tariff(since, Prices(inputs, output, read, inputs * 5 // 4, inputs * 2), long, long_from)


_OPUS_FIRST: Final = (_dollars(15_000_000, 75_000_000),)
_OPUS: Final = (_dollars(5_000_000, 25_000_000),)
_SONNET: Final = (_dollars(3_000_000, 15_000_000),)
_FABLE: Final = (_dollars(10_000_000, 50_000_000),)
_FABLE_5_1: Final = (_dollars(10_000_000, 50_000_000, cache_read=250_000),)

_TABLE: Final[dict[str, tuple[Tariff, ...]]] = {
    "fable-5-1": _FABLE_5_1,
    "mythos-5-1": _FABLE_5_1,
    "fable-5": _FABLE,
    "mythos-5": _FABLE,
    "opus-5-5": (_dollars(4_000_000, 20_000_000, cache_read=200_000),),
    "opus-5": _OPUS,
    "opus-4-8": _OPUS,
    "opus-4-7": _OPUS,
    "opus-4-6": _OPUS,
    "opus-4-5": _OPUS,
    "opus-4-1": _OPUS_FIRST,
    "opus-4-0": _OPUS_FIRST,
    "opus-4": _OPUS_FIRST,
    "opus-3": _OPUS_FIRST,
    "sonnet-5-5": (
        _dollars(2_000_000, 10_000_000),
        _dollars(2_000_000, 10_000_000, cache_read=100_000, since="2026-10-07"),
    ),
    "sonnet-5": (_dollars(2_000_000, 10_000_000),),
    "sonnet-4-6": _SONNET,
    "sonnet-4-5": _SONNET,
    "sonnet-4-0": _SONNET,
    "sonnet-4": _SONNET,
    "sonnet-3-7": _SONNET,
    "sonnet-3-5": _SONNET,
    "haiku-5-5": (
        _dollars(
            100_000,
            500_000,
            long=Prices(500_000, 2_500_000, 50_000, 625_000, 1_000_000),
            long_from=100_000,
        ),
    ),
    "haiku-4-5": (_dollars(1_000_000, 5_000_000),),
    "haiku-3-5": (_dollars(800_000, 4_000_000),),
    "haiku-3": (Tariff("", Prices(250_000, 1_250_000, 30_000, 300_000, 500_000)),),
}
_ALIASES: Final = {"fable": "fable-5-1", "opus": "opus-5-5", "sonnet": "sonnet-5-5", "haiku": "haiku-5-5"}
"""What a bare family name stands for on the day of VERSION."""

_WRAPPING: Final = re.compile(r"^.*claude-|\[1m\]$|(?:-v\d+)?(?::\d+)?$|-latest$|[-@]20\d{6}")
_OLD_ORDER: Final = re.compile(r"^(\d(?:-\d)?)-(opus|sonnet|haiku)$")


@dataclass(frozen=True, slots=True)
class PriceTable:
    """What models cost, from a day on. ``version`` says which table a sum was made with."""

    version: str
    models: Mapping[str, tuple[Tariff, ...]]
    """By name as ``canonical`` makes it; at least one."""
    tools: Mapping[str, int] = field(default_factory=dict)
    """Micro-dollars of one use of a tool that the provider runs, by its name in an answer's usage."""

    def price(
        self, model: str, tokens: Tokens, *, day: str = VERSION, tools: Mapping[str, int] | None = None
    ) -> Price:
        """What a request to ``model`` cost on ``day`` (``YYYY-MM-DD…``), rounded up to a micro-dollar.

        ``model`` is an id as answers name it, also with a provider's prefix, a date or ``[1m]``; or a family.
        """
        tariffs = self.models.get(canonical(model))
        used = sum(self.tools.get(name, 0) * times for name, times in (tools or {}).items())
        if tariffs is not None:
            return Price(_cost(tariffs, tokens, day) + used, known=True)
        dearest = max(_cost(each, tokens, day) for each in self.models.values())
        return Price(dearest + used, known=False)


PUBLISHED: Final = PriceTable(VERSION, _TABLE, {"web_search_requests": 10_000})
"""The published list."""


def price(model: str, tokens: Tokens, *, day: str = VERSION) -> Price:
    """What a request cost by the published list; see ``PriceTable.price``."""
    return PUBLISHED.price(model, tokens, day=day)


def known_models() -> frozenset[str]:
    """Names of the models in the published list, without ``claude-``."""
    return frozenset(_TABLE)


def _cost(tariffs: tuple[Tariff, ...], tokens: Tokens, day: str) -> int:
    tariff = _in_force(tariffs, day)
    prices = tariff.prices if tariff.long is None or tokens.prompt <= tariff.long_from else tariff.long
    millionths = (
        tokens.input * prices.input
        + tokens.output * prices.output
        + tokens.cache_read * prices.cache_read
        + tokens.cache_write_5m * prices.cache_write_5m
        + tokens.cache_write_1h * prices.cache_write_1h
    )
    return -(-millionths // 1_000_000)


def known_name(model: str) -> str | None:
    """The name of a model in the published list, without ``claude-``; None for one that is not in it."""
    name = canonical(model)
    return name if name in _TABLE else None


def canonical(model: str) -> str:
    """The name by which a table knows a model: without provider, ``claude-``, date and the like."""
    name = model.strip().lower()
    for _ in range(4):  # each pass takes one layer of wrapping off
        name = _WRAPPING.sub("", name)
    old = _OLD_ORDER.match(name)
    if old is not None:
        name = f"{old[2]}-{old[1]}"
    return _ALIASES.get(name, name)


def _in_force(tariffs: tuple[Tariff, ...], day: str) -> Tariff:
    return max((tariff for tariff in tariffs if tariff.since <= day), key=lambda tariff: tariff.since)
