"""Tokens and money of one team as a table, one row an agent and model, and the pace against the budget."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from kagents_tui.journal.usage import Ledger, Spent, count
from kagents_tui.rows.ages import span
from kagents_tui.rows.cells import Cell, Column, Scene, Tone, cell
from kagents_tui.rows.curves import growth, spark
from kagents_tui.rows.fields import line, mapping, sequence
from kagents_tui.rows.teams import money

SLOTS = 24
"""Spans of the curve of spending."""

ALL = "all"


def told(team: Mapping[str, Any]) -> list[Spent]:
    """What the team's status tells by agent and model. Never raises on a malformed object."""
    usage = mapping(mapping(team.get("status")).get("usage"))
    estimated = usage.get("estimated") is not False
    return [
        Spent(
            line(each.get("agent"), 100),
            line(each.get("model") or "unknown", 60),
            count(each, "requests"),
            count(each, "inputTokens"),
            count(each, "outputTokens"),
            count(each, "cacheReadTokens"),
            count(each, "cacheWriteTokens"),
            count(each, "costMicros"),
            estimated,
        )
        for each in map(mapping, sequence(usage.get("byModel")))
    ]


def rows_of(ledger: Ledger, status: Sequence[Spent] = ()) -> list[Spent]:
    """One row an agent and model, the dearest first, and their sum when there are several.

    Of the journal and the status whichever tells of more requests: the journal is ahead by some seconds, and
    of a team that has ended long ago it may be gone in part or as a whole.
    """
    journal = tuple(ledger.rows.values())
    known = max((tuple(status), journal), key=lambda rows: sum(each.requests for each in rows))
    rows = sorted(known, key=lambda each: (-each.cost, each.agent, each.model))
    if len(rows) < 2:
        return rows

    def total(name: str) -> int:
        return sum(getattr(each, name) for each in rows)

    everything = Spent(
        line(ALL),
        line(""),
        requests=total("requests"),
        input_tokens=total("input_tokens"),
        output_tokens=total("output_tokens"),
        cache_read_tokens=total("cache_read_tokens"),
        cache_write_tokens=total("cache_write_tokens"),
        cost=total("cost"),
        estimated=any(each.estimated for each in rows),
    )
    return [*rows, everything]


def tokens(count: int) -> str:
    """``950``, ``12.3k``, ``4.1M``."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 999_950 else f"{count / 1_000_000:.1f}M"


def cost_cell(spent: Spent, scene: Scene) -> Cell:
    """Its cost; ``~`` when no gateway has counted it."""
    return cell(money(spent.cost, estimated=spent.estimated), "strong" if not spent.model else "plain")


def pace(ledger: Ledger, budget: int | None, scene: Scene, room: int) -> Cell:
    """The curve of spending, and as many of ``pace_words`` as there is room for."""
    if not ledger.curve:
        return cell("nothing spent yet", "dim")
    share = ledger.total * 100 // budget if budget else 0
    tone: Tone = "bad" if share >= 100 else "warn" if share >= 80 else "plain"
    words = pace_words(ledger, budget, scene)
    growing, levels = growth(ledger.curve, scene.now, SLOTS), scene.symbols.levels
    for slots, said in ((SLOTS, 3), (SLOTS // 2, 3), (SLOTS // 2, 2), (SLOTS // 2, 1)):
        merged = [sum(growing[at : at + SLOTS // slots]) for at in range(0, SLOTS, SLOTS // slots)]
        text = " ".join([spark(merged, slots, levels), *words[:said]])
        if len(text) <= room:
            return cell(text, tone)
    return cell(words[0], tone)


def pace_words(ledger: Ledger, budget: int | None, scene: Scene) -> list[str]:
    """What was spent, and of what; how fast; how long the rest lasts at that pace. Only what is known."""
    hourly = ledger.per_hour(scene.now)
    spent = money(ledger.total, estimated=ledger.estimated())
    if budget is None:
        return [f"{spent}, no budget", *([f"{money(hourly)}/h"] if hourly is not None else [])]
    share = ledger.total * 100 // budget if budget else 100
    words = [f"{spent} of {money(budget)} {share}%"]
    if hourly is not None:
        words.append(f"{money(hourly)}/h")
    if hourly and share < 100:
        left = timedelta(hours=(budget - ledger.total) / hourly)
        words += [f"lasts {span(left)}"] if left < timedelta(days=30) else []
    return words


def search_text(spent: Spent) -> str:
    """What a filter looks at."""
    return f"{spent.agent} {spent.model}"


def last(value: Callable[[Spent], Any]) -> Callable[[Spent], Any]:
    """Sorts by a value, with the sum of all below the others."""
    return lambda spent: (not spent.model, value(spent))


def count_column(title: str, name: str, drop: int) -> Column[Spent]:
    """A column of token counts."""
    return Column(
        title,
        lambda s, _: cell(tokens(getattr(s, name)), "plain" if s.model else "strong"),
        len(title),
        8,
        drop=drop,
        right=True,
        sort=last(lambda s: -getattr(s, name)),
    )


COLUMNS: tuple[Column[Spent], ...] = (
    Column("AGENT", lambda s, _: cell(s.agent, "strong"), 8, 24, sort=last(lambda s: s.agent)),
    Column("MODEL", lambda s, _: cell(s.model), 6, 30, drop=1, grow=True, sort=last(lambda s: s.model)),
    Column(
        "REQ",
        lambda s, _: cell(s.requests, "dim"),
        3,
        6,
        drop=5,
        right=True,
        sort=last(lambda s: -s.requests),
    ),
    count_column("IN", "input_tokens", 3),
    count_column("OUT", "output_tokens", 2),
    count_column("CACHE R", "cache_read_tokens", 6),
    count_column("CACHE W", "cache_write_tokens", 7),
    Column("COST", cost_cell, 6, 9, right=True, sort=last(lambda s: -s.cost)),
)
