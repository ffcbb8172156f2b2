"""Runs, templates and Kubernetes events: slim rows, with the whole object for the views of it all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from kagents_core.api.constants import GROUP
from kagents_core.kube.packed import packed
from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import age
from kagents_tui.rows.attention import ENDED_PHASES
from kagents_tui.rows.cells import Cell, Column, Scene, cell
from kagents_tui.rows.fields import line, mapping, micros, moment, sequence, whole
from kagents_tui.rows.teams import Key, count_cell, money, phase_tone

NO_TIME: Final = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """What every object has. ``document`` is the whole object as JSON."""

    key: Key
    uid: str
    namespace: SafeText
    name: SafeText
    created: datetime | None
    labels: tuple[tuple[str, str], ...]
    document: bytes

    def object(self) -> dict[str, Any]:
        """The whole object."""
        decoded: dict[str, Any] = orjson.loads(self.document)
        return decoded


@dataclass(frozen=True, slots=True)
class Run(Row):
    """An AgentTeamRun."""

    template: SafeText
    team_name: str
    phase: SafeText
    ready: SafeText
    cost: int | None
    working: int


@dataclass(frozen=True, slots=True)
class Template(Row):
    """An AgentTeamTemplate."""

    template_name: str
    description: SafeText
    teammates: int
    ready: bool
    why: SafeText


@dataclass(frozen=True, slots=True)
class Told(Row):
    """A Kubernetes event about an object of kagents. ``about`` is that object's kind and name."""

    about_kind: str
    about: Key
    shown_about: SafeText
    warning: bool
    reason: SafeText
    message: SafeText
    count: int
    last: datetime | None


def common(source: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that every row has."""
    metadata = mapping(source.get("metadata"))
    kept = {name: value for name, value in metadata.items() if name != "managedFields"}
    labels = mapping(metadata.get("labels"))
    return {
        "key": (str(metadata.get("namespace", "")), str(metadata.get("name", ""))),
        "uid": str(metadata.get("uid", "")),
        "namespace": line(metadata.get("namespace")),
        "name": line(metadata.get("name")),
        "created": moment(metadata.get("creationTimestamp")),
        "labels": tuple((str(key), str(value)) for key, value in labels.items()),
        "document": packed({**source, "metadata": kept}),
    }


def row_of(source: Mapping[str, Any]) -> Row:
    """The row of any object. Never raises on a malformed one."""
    return Row(**common(source))


def run_of(source: Mapping[str, Any]) -> Run:
    """The row of an AgentTeamRun. Never raises on a malformed object."""
    spec, status = mapping(source.get("spec")), mapping(source.get("status"))
    shared = common(source)
    activity = map(mapping, sequence(status.get("activity")))
    return Run(
        **shared,
        template=line(mapping(spec.get("templateRef")).get("name"), 100),
        team_name=str(status.get("teamName") or shared["key"][1]),
        phase=line(status.get("phase") or "Pending", 40),
        ready=line(status.get("ready"), 20),
        cost=micros(status.get("estimatedCost")),
        working=sum(1 for each in activity if each.get("state") == "working"),
    )


def template_of(source: Mapping[str, Any]) -> Template:
    """The row of an AgentTeamTemplate. Never raises on a malformed object."""
    spec, status = mapping(source.get("spec")), mapping(source.get("status"))
    conditions = map(mapping, sequence(status.get("conditions")))
    why = next((each.get("message") for each in conditions if each.get("status") == "False"), "")
    shared = common(source)
    return Template(
        **shared,
        template_name=shared["key"][1],
        description=line(spec.get("description"), 500),
        teammates=len(sequence(spec.get("teammates"))),
        ready=status.get("ready") is True,
        why=line(why, 300),
    )


def told_of(source: Mapping[str, Any]) -> Told | None:
    """The row of an event about an object of kagents; None for any other event."""
    about = mapping(source.get("involvedObject"))
    if not str(about.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return None
    name = str(about.get("name", ""))
    series = mapping(source.get("series"))
    times = (source.get("lastTimestamp"), series.get("lastObservedTime"), source.get("eventTime"))
    shared = common(source)
    return Told(
        **shared,
        about_kind=str(about.get("kind", "")),
        about=(str(about.get("namespace") or shared["key"][0]), name),
        shown_about=line(f"{str(about.get('kind', '')).removeprefix('Agent').lower()}/{name}", 200),
        warning=source.get("type") == "Warning",
        reason=line(source.get("reason"), 100),
        message=line(source.get("message"), 1000),
        count=max(1, whole(source.get("count")), whole(series.get("count"))),
        last=next(filter(None, map(moment, times)), shared["created"]),
    )


def labels_of(row: Row) -> Mapping[str, str]:
    """The object's labels."""
    return dict(row.labels)


def search_text(row: Row) -> str:
    """What a filter looks at."""
    words = [row.namespace, row.name]
    if isinstance(row, Run):
        words += [row.template, row.phase]
    elif isinstance(row, Template):
        words += [row.description]
    elif isinstance(row, Told):
        words += [row.shown_about, row.reason, row.message, line("Warning" if row.warning else "Normal")]
    return " ".join(words)


def born(row: Row) -> float:
    """For sorting by age, the youngest first."""
    return -row.created.timestamp() if row.created else NO_TIME


def heard(told: Told) -> float:
    """For sorting by the last time, the latest first."""
    return -told.last.timestamp() if told.last else NO_TIME


def run_order(run: Run, now: datetime) -> tuple[bool, float, Key]:
    """What runs first, then the youngest."""
    return (run.phase in ENDED_PHASES, born(run), run.key)


def run_glyph(run: Run, scene: Scene) -> Cell:
    """One glyph for the phase."""
    symbols = scene.symbols
    shapes = {"Running": symbols.working, "Completed": symbols.done, "Suspended": symbols.paused}
    shapes |= {"Cancelled": symbols.stopped}
    shapes |= dict.fromkeys(("Failed", "TimedOut", "BudgetExceeded"), symbols.failed)
    return cell(shapes.get(run.phase, symbols.waiting), phase_tone(run.phase))


def _type(told: Told, scene: Scene) -> Cell:
    return cell("Warning" if told.warning else "Normal", _tone(told))


def age_cell(row: Row, scene: Scene) -> Cell:
    """How old the object is."""
    return cell(age(scene.now, row.created))


RUNS: tuple[Column[Run], ...] = (
    Column("", run_glyph, 1, 1),
    Column("NAMESPACE", lambda r, s: Cell(r.namespace), 9, 20, drop=4, sort=lambda r: r.key),
    Column("NAME", lambda r, s: Cell(r.name, "strong"), 10, 40, grow=True, sort=lambda r: (r.name, r.key)),
    Column("TEMPLATE", lambda r, s: Cell(r.template), 8, 30, drop=2, sort=lambda r: r.template),
    Column("PHASE", lambda r, s: Cell(r.phase, phase_tone(r.phase)), 9, 14, sort=lambda r: r.phase),
    Column("READY", lambda r, s: cell(r.ready or s.symbols.dash), 5, 5, drop=3, sort=lambda r: r.ready),
    Column("WORKING", lambda r, s: count_cell(r.working, s), 7, 7, drop=5, sort=lambda r: -r.working),
    Column(
        "COST", lambda r, s: cell(money(r.cost) or s.symbols.dash), 7, 9, 1, sort=lambda r: -(r.cost or 0)
    ),
    Column("UID", lambda r, s: cell(r.uid), 8, 36, wide=True, sort=lambda r: r.uid),
    Column("AGE", age_cell, 5, 5, right=True, sort=born),
)

TEMPLATES: tuple[Column[Template], ...] = (
    Column("", lambda t, s: cell(s.symbols.done if t.ready else s.symbols.waiting, "accent"), 1, 1),
    Column("NAMESPACE", lambda t, s: Cell(t.namespace), 9, 20, drop=3, sort=lambda t: t.key),
    Column("NAME", lambda t, s: Cell(t.name, "strong"), 10, 40, sort=lambda t: (t.name, t.key)),
    Column("TEAMMATES", lambda t, s: cell(t.teammates), 9, 9, drop=2, sort=lambda t: -t.teammates),
    Column(
        "READY",
        lambda t, s: cell("yes", "good") if t.ready else cell("no", "warn"),
        5,
        5,
        sort=lambda t: t.ready,
    ),
    Column(
        "DESCRIPTION",
        lambda t, s: Cell(t.description) if t.ready or not t.why else Cell(t.why, "warn"),
        10,
        90,
        drop=1,
        grow=True,
        sort=lambda t: t.description,
    ),
    Column("UID", lambda t, s: cell(t.uid), 8, 36, wide=True, sort=lambda t: t.uid),
    Column("AGE", age_cell, 5, 5, right=True, sort=born),
)

EVENTS: tuple[Column[Told], ...] = (
    Column("", lambda e, s: cell(s.symbols.warning if e.warning else s.symbols.dot, _tone(e)), 1, 1),
    Column("LAST", lambda e, s: cell(age(s.now, e.last)), 4, 5, right=True, sort=heard),
    Column("NAMESPACE", lambda e, s: Cell(e.namespace), 9, 20, drop=4, sort=lambda e: e.key),
    Column(
        "TYPE",
        lambda e, s: cell("Warning" if e.warning else "Normal", _tone(e)),
        7,
        7,
        drop=2,
        sort=lambda e: not e.warning,
    ),
    Column(
        "OBJECT", lambda e, s: Cell(e.shown_about, "strong"), 16, 34, sort=lambda e: (e.shown_about, e.key)
    ),
    Column("REASON", lambda e, s: Cell(e.reason, _tone(e)), 8, 26, drop=1, sort=lambda e: e.reason),
    Column("COUNT", lambda e, s: count_cell(e.count, s), 5, 5, drop=3, sort=lambda e: -e.count),
    Column("MESSAGE", lambda e, s: Cell(e.message), 20, 200, grow=True, sort=lambda e: e.message),
    Column("AGE", age_cell, 5, 5, wide=True, right=True, sort=born),
)


def _tone(told: Told) -> Any:
    return "warn" if told.warning else "dim"


def told_order(told: Told, now: datetime) -> tuple[float, Key]:
    """The latest first."""
    return (heard(told), told.key)
