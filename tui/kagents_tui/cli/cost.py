"""``kagents cost``: what teams have cost, of those that live and of those that are gone."""

import argparse
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api.resources import AGENT_TEAMS, AGENT_USAGES
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError
from kagents_tui.cli.options import Session

if TYPE_CHECKING:
    from kagents_tui.costs import Cost, Sum

BY: Final[dict[str, tuple[str, ...]]] = {
    "team": ("namespace", "team", "phase"),
    "agent": ("namespace", "team", "agent"),
    "model": ("model",),
    "day": ("day",),
    "month": ("month",),
}
"""What a row stands for, and the names of what tells rows apart."""

_DAYS = re.compile(r"([0-9]{1,4})d\Z")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "cost",
        "tell what teams have cost, by team, agent, model, day or month, also of teams that are gone",
        (
            "kagents cost -A",
            "kagents cost --by model --selector cost-center=research",
            "kagents cost -A --by day --since 7d --time-zone Europe/Berlin",
            "kagents cost -A --by month -o csv",
        ),
    )
    add = parser.add_argument
    add("team", nargs="?", metavar="TEAM", help="of this team only, and of those before it of the same name")
    add("--by", choices=tuple(BY), default="team", metavar="WHAT", help=f"a row for each: {', '.join(BY)}")
    add("-l", "--selector", metavar="LABELS", help="only of teams with these labels, such as a=b,c!=d")
    add(
        "--since",
        metavar="TIME",
        help="only what was used from then on: 24h, 7d, 2026-11-01 or a time; counted by hours of UTC",
    )
    add(
        "--time-zone",
        metavar="ZONE",
        default="UTC",
        help="whose days and months are meant, such as Europe/Berlin (UTC)",
    )
    options.add_everywhere(parser)
    options.add_output(parser, ("table", "csv", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=cost)


async def cost(arguments: argparse.Namespace) -> int:
    """Read teams and records, sum them, write the sums."""
    zone, start = _zone(arguments.time_zone), _start(arguments.since, datetime.now(UTC))
    if start is not None and arguments.by in ("agent", "model"):
        raise CommandError(
            exits.USAGE,
            "--since goes with --by team, day and month: of agents and models only the whole is known",
        )
    async with options.session(arguments) as session:
        if arguments.team and session.everywhere:
            raise CommandError(exits.USAGE, "a name and -A do not go together")
        found = await _read(session, arguments)
    rows = _rows(found, arguments.by, start, zone)
    if arguments.output == "json":
        output.write_json(_document(rows, arguments.by))
    elif arguments.output == "csv":
        _write_csv(rows, arguments.by)
    elif not rows:
        where = "any namespace" if session.everywhere else f"namespace {session.namespace}"
        options.note(f"nothing was spent in {where}")
    else:
        _write_table(rows, arguments.by, everywhere=session.everywhere)
    return exits.OK


async def _read(session: Session, arguments: argparse.Namespace) -> "list[Cost]":
    from kagents_core.kube.errors import NotFound
    from kagents_tui.costs import together
    from kagents_tui.filters import FilterError, selector

    try:
        chosen = selector(arguments.selector) if arguments.selector else None
    except FilterError as error:
        raise CommandError(exits.USAGE, str(error)) from None
    teams = (await session.client.list(AGENT_TEAMS, session.scope)).items
    try:
        records = (await session.client.list(AGENT_USAGES, session.scope)).items
    except NotFound:
        records = []
        options.note(
            "this server keeps no records of usage: teams that are gone are missing; upgrade the chart"
        )
    name = arguments.team
    if name and not any(_name(each) == name for each in (*teams, *records)):
        raise CommandError(exits.NOT_FOUND, f"there is neither a team {name} nor a record of one")
    return [
        each
        for each in together(teams, records)
        if name in (None, each.team) and (chosen is None or chosen(each.labels))
    ]


def _name(found: Mapping[str, Any]) -> object:
    """The team that an object is, or tells of."""
    if found.get("kind") == AGENT_USAGES.kind:
        return (found.get("spec") or {}).get("team")
    return found["metadata"]["name"]


def _rows(found: "Sequence[Cost]", by: str, start: datetime | None, zone: tzinfo) -> "list[Sum]":
    from dataclasses import replace

    from kagents_tui import costs

    chosen = found if start is None else list(costs.since(found, start))
    if by in ("day", "month"):
        return costs.by_time(chosen, "%Y-%m-%d" if by == "day" else "%Y-%m", zone)
    rows = {"team": costs.by_team, "agent": costs.by_agent, "model": costs.by_model}[by](chosen)
    return rows if start is None else [replace(row, requests=None) for row in rows]


def _start(text: str | None, now: datetime) -> datetime | None:
    """The moment that ``--since`` means. Raises CommandError."""
    from kagents_core.api.quantities import parse_duration

    if text is None:
        return None
    days = _DAYS.match(text)
    try:
        return now - (timedelta(days=int(days[1])) if days else parse_duration(text))
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        way_out = "write a duration such as 24h or 7d, or a date such as 2026-11-01"
        raise CommandError(exits.USAGE, f"--since {text[:40]!r} is no time; {way_out}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _zone(name: str) -> tzinfo:
    from kagents_core.api.budget import zone_of

    try:
        return zone_of(name)
    except ValueError as error:
        raise CommandError(exits.USAGE, f"--time-zone {name[:40]!r}: {error}") from None


def _dollars(row: "Sum") -> str:
    """``~`` in front says that a part of it is estimated."""
    from kagents_core.api.quantities import format_money

    return f"{'~' if row.estimated else ''}${format_money(row.cost)}"


def _write_table(rows: "list[Sum]", by: str, *, everywhere: bool) -> None:
    from kagents_tui.costs import total
    from kagents_tui.rows.usage import tokens

    names = BY[by]
    skipped = 1 if names[0] == "namespace" and not everywhere else 0
    head = [name.upper() for name in names[skipped:]]
    lines: list[list[object]] = [
        [*row.key[skipped:], "" if row.requests is None else row.requests, tokens(row.tokens), _dollars(row)]
        for row in rows
    ]
    everything = total(rows)
    if len(rows) > 1:
        asked: object = "" if everything.requests is None else everything.requests
        blank = [""] * (len(head) - 1)
        lines.append(["total", *blank, asked, tokens(everything.tokens), _dollars(everything)])
    output.write_table([*head, "REQUESTS", "TOKENS", "COST"], lines)
    if everything.estimated:
        options.note("~ is estimated from transcripts; what has none was metered by the gateway")


def _data(row: "Sum", by: str) -> dict[str, Any]:
    from kagents_core.api.quantities import format_money

    return {
        **dict(zip(BY[by], row.key, strict=False)),
        "cost": format_money(row.cost),
        "costMicros": row.cost,
        "estimated": row.estimated,
        "tokens": row.tokens,
        "requests": row.requests,
        "teams": len(row.teams),
    }


def _document(rows: "list[Sum]", by: str) -> dict[str, Any]:
    from kagents_tui.costs import total

    return {"by": by, "rows": [_data(row, by) for row in rows], "total": _data(total(rows), by)}


def _write_csv(rows: "list[Sum]", by: str) -> None:
    import csv
    import io

    text = io.StringIO()
    columns = (*BY[by], "cost", "costMicros", "estimated", "tokens", "requests", "teams")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        data = _data(row, by) | {"estimated": "true" if row.estimated else "false"}
        writer.writerow({name: _harmless(value) for name, value in data.items()})
    output.write(text.getvalue())


def _harmless(value: object) -> object:
    """A cell that neither a terminal nor a spreadsheet takes for a command."""
    from kagents_core.safetext import clean

    if not isinstance(value, str):
        return value
    text = str(clean(value, limit=300, multiline=False))
    return f"'{text}" if text.startswith(_FORMULA) else text
