"""What people write: manifests, durations, money, quantities, price tables, scripts of simulated agents."""

import contextlib
from typing import Any

import orjson
from fuzzing.harness import Harness, demand, demand_harmless

from harnesses.places import ROOT
from kagents_core.api.changes import immutable_changes
from kagents_core.api.manifests import ManifestError, read_manifests
from kagents_core.api.quantities import check_quantity, format_duration, parse_duration, parse_money
from kagents_core.api.validation import validate
from kagents_core.pricefile import PriceFileError, parse_prices
from kagents_core.pricing import Tokens
from kagents_core.reconcile.rules.outcome import parse_outcome
from kagents_core.reconcile.times import from_text, to_text
from kagents_core.safetext import SafeText, clean
from kagents_core.simulation import ScriptError, parse_script
from kagents_tui.rows import fields, teams


def _manifest(data: bytes) -> None:
    try:
        found = read_manifests(data, source="team.yaml")
    except ManifestError as error:
        demand_harmless(clean(str(error)), "an error")
        demand(len(str(error)) < 2000, "an endless sentence")
        return
    for each in found[:20]:
        problems = validate(each)
        for problem in problems[:50]:
            demand_harmless(clean(str(problem)), "an error")
        immutable_changes(each, found[0])
        if not problems:
            _shown(each)


def _shown(team: dict[str, Any]) -> None:
    """The terminal's row of an object that is accepted."""
    if team["kind"] == "AgentTeam":
        row = teams.project(team)
        demand_harmless(clean(teams.search_text(row)), "a row")


def _status(data: bytes) -> None:
    """What stands in an object of the API server, which others may have written."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return
    if data.count(b"[") + data.count(b"{") > 200:
        return  # no API server has objects that deep: orjson would not write them again
    if isinstance(found, dict) and isinstance(found.get("metadata"), dict):
        row = teams.project(found)
        for name in row.__slots__ if hasattr(row, "__slots__") else ():
            value = getattr(row, name)
            if isinstance(value, SafeText):
                demand_harmless(value, f"a row's {name}")


def _values(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for each in (text, *text.split("\n")[:8]):
        _value(each)


def _value(text: str) -> None:
    try:
        duration = parse_duration(text)
        demand(parse_duration(format_duration(duration)) == duration, "a duration is not read as written")
    except ValueError:
        pass
    with contextlib.suppress(ValueError):
        demand(0 < parse_money(text) < 10**16, "an amount out of bounds")
    with contextlib.suppress(ValueError):
        demand(check_quantity(text) == text, "a quantity is not its own text")
    found = from_text(text)
    if found is not None:
        to_text(found)
    fields.moment(text)
    fields.micros(text)
    demand_harmless(fields.line(text), "a line")
    delivered = parse_outcome(text, text)
    demand_harmless(delivered.sentence, "a delivery")


def _outcome(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    demand_harmless(parse_outcome(text, text).sentence, "a delivery")


def _prices(data: bytes) -> None:
    try:
        table = parse_prices(data)
    except PriceFileError as error:
        demand_harmless(clean(str(error)), "an error")
        return
    for model in list(table.models)[:5]:
        price = table.price(model, Tokens(1000, 1000, 1000, 1000, 1000))
        demand(price.micros >= 0, "a negative price")


def _script(data: bytes) -> None:
    try:
        parse_script(data.decode("utf-8", "replace"))
    except ScriptError as error:
        demand(len(str(error)) < 20_000, "an endless sentence")


def _examples() -> list[bytes]:
    folders = (ROOT / "examples", ROOT / "tests" / "fixtures" / "seed-manifests")
    return [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.yaml"))]


def _bombs() -> list[bytes]:
    levels = [b"a0: &a0 {k: v}"]
    levels += [b"a%d: &a%d [%s]" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)]
    merges = [b"a0: &a0 {k: v}"]
    merges += [b"a%d: &a%d {<<: [%s]}" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)]
    return [
        b"\n".join(levels),
        b"\n".join(merges),
        b"[" * 20_000,
        b'{"a":' * 20_000,
        b"- " * 20_000,
        b"? " * 20_000,
    ]


_PRICES = b"""version: "2026-11"
models:
  claude-sonnet-4-5:
    input: 3.00
    output: 15.00
    cacheRead: "0.3"
    longFrom: 200000
    long: {input: 6, output: 22.5}
serverTools: {web_search_requests: 0.01}
"""
_SCRIPT = b"""- work: {seconds: 1, say: hello}
- send: {to: worker, text: go}
- create_task: {subject: one, owner: worker}
- report: {key: k, value: v}
- finish
"""
_OUTCOME = (
    b'{"branch":"b","commit":"c","url":"https://example.com/1","state":"open",'
    b'"checks":{"state":"passing","passing":1,"failing":0,"pending":0},"warnings":["w"]}'
)
_TEAM_STATUS = b"""{"apiVersion":"claude.amcheste.io/v1alpha1","kind":"AgentTeam","metadata":{"name":"a","namespace":"n",
"uid":"u","creationTimestamp":"2026-11-22T00:00:00Z","labels":{"a":"b"},"annotations":{}},"spec":{"agents":[{"name":"lead"}],
"lifecycle":{"budgetLimit":"5.00","timeout":"2h"}},"status":{"phase":"Running","startedAt":"2026-11-22T00:00:00Z",
"agents":[{"name":"lead","phase":"Running","attempt":0}],"activity":[{"agent":"lead","state":"working","since":"2026-11-22T00:00:00Z"}],
"cost":{"total":"1.42","estimated":true},"tasks":{"total":3,"completed":1},"conditions":[{"type":"Ready","status":"True",
"reason":"X","message":"m","lastTransitionTime":"2026-11-22T00:00:00Z"}],"approvals":[{"gate":"spawn","state":"waiting"}]}}"""

HARNESSES = (
    Harness(
        "manifest",
        "manifests of every kind",
        "api.manifests, api.validation, api.changes, rows.teams",
        _manifest,
        lambda: [*_examples(), *_bombs()],
        "yaml",
        (b"apiVersion: claude.amcheste.io/v1alpha1\n",),
    ),
    Harness(
        "status",
        "objects with a status that others have written",
        "rows.teams.project",
        _status,
        lambda: [_TEAM_STATUS],
        "json",
    ),
    Harness(
        "values",
        "durations, money, quantities, times",
        "api.quantities, reconcile.times, rows.fields",
        _values,
        lambda: [
            b"1h30m",
            b"30.00",
            b"5Gi\n500m",
            b"2026-11-22T00:00:00Z",
            b"2026-11-22T00:00:00.123456+02:00",
        ],
        "bytes",
        (b"h", b"m", b"s", b".", b"Ki", b"+23:59", b"0001-01-01T00:00:00+23:59"),
    ),
    Harness(
        "delivery",
        "termination messages of a delivery",
        "reconcile.rules.outcome",
        _outcome,
        lambda: [_OUTCOME],
        "json",
    ),
    Harness(
        "prices", "price tables", "pricefile.parse_prices", _prices, lambda: [_PRICES, *_bombs()], "yaml"
    ),
    Harness(
        "script",
        "scripts of simulated agents",
        "simulation.parse_script",
        _script,
        lambda: [_SCRIPT, *_bombs()],
        "yaml",
    ),
)
