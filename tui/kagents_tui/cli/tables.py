"""The tables of ``kagents get``: which columns each thing has. Pure; cells are made safe when written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from kagents_core.wording import in_words
from kagents_tui.artifact_states import starts_after
from kagents_tui.gate_states import gates_of
from kagents_tui.rows.ages import age, clock
from kagents_tui.rows.fields import metered
from kagents_tui.rows.sizes import size

T = TypeVar("T")
SHORT: Final = 12
"""Characters of a commit."""
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A heading, and the text below it for an item at a moment."""

    name: str
    text: Callable[[T, datetime], object]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """Columns in order. ``team`` tells whether the rows belong to teams that need naming."""

    columns: tuple[Column[T], ...]
    team: bool = False


def render(
    table: Table[Object], items: Sequence[Object], now: datetime, *, wide: bool, namespaces: bool, teams: bool
) -> tuple[list[str], list[list[object]]]:
    """Headings and rows."""
    columns = [column for column in table.columns if wide or not column.wide]
    if table.team and teams:
        columns.insert(0, Column("TEAM", lambda item, _: item["team"]))
    if namespaces:
        columns.insert(0, Column("NAMESPACE", _namespace))
    return [column.name for column in columns], [
        [column.text(item, now) for column in columns] for item in items
    ]


def _namespace(item: Object, _: datetime) -> object:
    return item.get("namespace") or item.get("metadata", {}).get("namespace", "")


def moment(text: object) -> datetime | None:
    """An RFC 3339 time, or None for anything else."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def field(path: str, missing: object = "") -> Callable[[Mapping[str, Any], datetime], object]:
    """The text of a (dotted) field."""

    def text(item: Mapping[str, Any], _: datetime) -> object:
        value: Any = item
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return missing if value is None else value

    return text


def aged(path: str) -> Callable[[Object, datetime], object]:
    read = field(path)
    return lambda item, now: age(now, moment(read(item, now)))


def _clock(path: str) -> Callable[[Object, datetime], object]:
    read = field(path)
    return lambda item, now: clock(moment(read(item, now)))


def money(path: str) -> Callable[[Object, datetime], object]:
    read = field(path)
    return lambda item, now: f"${cost}" if (cost := read(item, now)) else ""


def estimated(path: str, mark: str) -> Callable[[Object, datetime], object]:
    """Dollars with ``~`` in front where ``mark`` says that they are not metered."""
    read, marked = field(path), field(mark, True)
    return lambda item, now: f"{'~' if marked(item, now) else ''}${cost}" if (cost := read(item, now)) else ""


def _unread(mail: Object, now: datetime) -> str:
    """For how long nobody has looked at a message."""
    return "" if mail.get("state") == "seen" else age(now, moment(mail.get("written")))


def agents_of(team: Mapping[str, Any]) -> list[Object]:
    """The lead and every teammate, as the status tells of them; ``simulated`` comes from the harness."""
    spec, status = team.get("spec") or {}, team.get("status") or {}
    activity = {each.get("agent"): each for each in status.get("activity") or ()}
    known = {each.get("name"): each for each in status.get("teammates") or ()}
    known["lead"] = status.get("lead") or {}
    gates = {gate.event: gate.teammate for gate in gates_of(team)}
    declared = [("lead", "lead", spec["lead"])] if spec.get("lead") else []
    declared += [(str(each.get("name")), "teammate", each) for each in spec.get("teammates") or ()]
    agents = []
    for name, role, wanted in declared:
        state, doing = known.get(name) or {}, activity.get(name) or {}
        agents.append(
            {
                "agent": name,
                "role": role,
                "phase": state.get("phase") or "Pending",
                "activity": doing.get("state"),
                "detail": doing.get("detail"),
                "task": doing.get("task"),
                "unread": doing.get("unread", 0),
                "restarts": state.get("restartCount", 0),
                "cost": doing.get("cost"),
                "estimated": not metered(status.get("usage")),
                "waitingFor": state.get("waitingFor"),
                "pod": state.get("podName"),
                "dependsOn": starts_after(wanted),
                "gates": [event for event, held in gates.items() if held == name],
                "model": wanted.get("model"),
                "simulated": (wanted.get("harness") or spec.get("harness")) == "simulated",
            }
        )
    return agents


def _doing(agent: Object, _: datetime) -> str:
    return str(agent["waitingFor"] or agent["activity"] or "") + (
        " [simulated]" if agent["simulated"] else ""
    )


TEAMS: Table[Object] = Table(
    (
        Column("NAME", field("metadata.name")),
        Column("PHASE", field("status.phase", "Pending")),
        Column("READY", field("status.ready")),
        Column("TASKS DONE", field("status.tasks.completed", 0)),
        Column("COST", estimated("status.estimatedCost", "status.usage.estimated")),
        Column("HARNESS", field("spec.harness"), wide=True),
        Column("BUDGET", money("spec.lifecycle.budgetLimit"), wide=True),
        Column("TIMEOUT", field("spec.lifecycle.timeout"), wide=True),
        Column("BRANCH", field("status.branch"), wide=True),
        Column("PULL REQUEST", field("status.pullRequest.url"), wide=True),
        Column("AGE", aged("metadata.creationTimestamp")),
    )
)
RUNS: Table[Object] = Table(
    (
        Column("NAME", field("metadata.name")),
        Column("TEMPLATE", field("spec.templateRef.name")),
        Column("PHASE", field("status.phase", "Pending")),
        Column("READY", field("status.ready")),
        Column("COST", money("status.estimatedCost"), wide=True),
        Column("AGE", aged("metadata.creationTimestamp")),
    )
)
TEMPLATES: Table[Object] = Table(
    (
        Column("NAME", field("metadata.name")),
        Column("TEAMMATES", lambda item, _: len(item.get("spec", {}).get("teammates") or ())),
        Column("READY", field("status.ready", False)),
        Column("AGE", aged("metadata.creationTimestamp")),
        Column("DESCRIPTION", field("spec.description")),
    )
)
AGENTS: Table[Object] = Table(
    (
        Column("AGENT", field("agent")),
        Column("PHASE", field("phase")),
        Column("TASK", field("task")),
        Column("UNREAD", field("unread")),
        Column("RESTARTS", field("restarts")),
        Column("COST", estimated("cost", "estimated")),
        Column("AFTER", lambda agent, _: ",".join(map(str, agent["dependsOn"])), wide=True),
        Column("GATE", lambda agent, _: ",".join(map(str, agent["gates"])), wide=True),
        Column("MODEL", field("model"), wide=True),
        Column("POD", field("pod"), wide=True),
        Column("DOING", _doing),
    ),
    team=True,
)
DELIVERIES: Table[Object] = Table(
    (
        Column("STATE", field("state")),
        Column("BRANCH", field("branch")),
        Column("COMMIT", lambda row, _: str(row["commit"] or "")[:SHORT]),
        Column("REQUEST", field("pullRequest.state")),
        Column("CHECKS", field("pullRequest.checks.state")),
        Column("LINK", field("pullRequest.url")),
        Column("MESSAGE", field("message")),
    ),
    team=True,
)
ARTIFACTS: Table[Object] = Table(
    (
        Column("AGENT", field("agent")),
        Column("ARTIFACT", field("name")),
        Column("STATE", field("state")),
        Column("SIZE", lambda row, _: size(row["size"]) if row["state"] == "kept" else ""),
        Column("FILES", lambda row, _: row["files"] or "", wide=True),
        Column("SHA256", field("sha256"), wide=True),
        Column("AGE", aged("at")),
        Column("PATH", field("path")),
        Column("MESSAGE", field("problem")),
    ),
    team=True,
)
GATES: Table[Object] = Table(
    (
        Column("GATE", field("event")),
        Column("STATE", field("state")),
        Column("TEAMMATE", field("teammate")),
    ),
    team=True,
)
MAIL: Table[Object] = Table(
    (
        Column("WRITTEN", _clock("written")),
        Column("FROM", field("from")),
        Column("TO", field("to")),
        Column("STATE", field("state")),
        Column("UNREAD", _unread),
        Column("DELIVERED", _clock("delivered"), wide=True),
        Column("SEEN", _clock("seen"), wide=True),
        Column("TYPE", field("type"), wide=True),
        Column("ID", field("id"), wide=True),
        Column("TEXT", lambda entry, _: in_words(entry)),
    ),
    team=True,
)
THREADS: Table[Object] = Table(
    (
        Column("BETWEEN", lambda thread, _: " ".join(map(str, thread["between"]))),
        Column("MAIL", field("messages")),
        Column("UNREAD", field("unread")),
        Column("WAITING", aged("unreadSince")),
        Column("LAST", _clock("last.written")),
        Column("TEXT", lambda thread, _: f"{thread['last'].get('from')}: {in_words(thread['last'])}"),
    ),
    team=True,
)
TASKS: Table[Object] = Table(
    (
        Column("ID", field("id")),
        Column("STATUS", field("place")),
        Column("OWNER", field("owner")),
        Column("ALSO CLAIMED", lambda task, _: ",".join(map(str, task.get("takenFrom") or ()))),
        Column("BLOCKED BY", lambda task, _: ",".join(map(str, task.get("waitsFor") or ()))),
        Column("BLOCKS", lambda task, _: ",".join(map(str, task.get("blocks") or ())), wide=True),
        Column("IN STATE", aged("since")),
        Column("SUBJECT", field("subject")),
    ),
    team=True,
)
HISTORY: Table[Object] = Table(
    (
        Column("TIME", _clock("at")),
        Column("TASK", field("id")),
        Column("STATUS", field("status")),
        Column("OWNER", field("owner")),
        Column("CHANGED", lambda change, _: ",".join(map(str, change.get("changed") or ()))),
        Column("SUBJECT", field("subject")),
    ),
    team=True,
)
EVENTS: Table[Object] = Table(
    (
        Column(
            "LAST SEEN",
            lambda event, now: age(now, moment(event.get("lastTimestamp") or event.get("eventTime"))),
        ),
        Column("TYPE", field("type")),
        Column("REASON", field("reason")),
        Column(
            "OBJECT",
            lambda event, _: f"{event['involvedObject'].get('kind')}/{event['involvedObject'].get('name')}",
        ),
        Column("MESSAGE", field("message")),
    )
)
