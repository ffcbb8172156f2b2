"""A team as the lists show it: projected once when it changes, its cells made when they are painted."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from kagents_core.kube.packed import packed
from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import age
from kagents_tui.rows.attention import DEFAULTS, ENDED_PHASES, Need, needs_of, pressing
from kagents_tui.rows.cells import EMPTY, Cell, Column, Scene, Tone, cell
from kagents_tui.rows.fields import line, mapping, metered, micros, moment, sequence, whole
from kagents_tui.settings import Thresholds

Key = tuple[str, str]
"""Namespace and name, exactly as the API server has them."""

TOKENS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
"""Every kind of tokens that a status counts."""

PHASE_ORDER = (
    "Running",
    "Initializing",
    "Pending",
    "Suspended",
    "Failed",
    "BudgetExceeded",
    "TimedOut",
    "Completed",
    "Cancelled",
)


@dataclass(frozen=True, slots=True)
class Team:
    """What the lists need of one AgentTeam. ``document`` is the whole object as JSON, for views of it all."""

    key: Key
    uid: str
    version: str
    namespace: SafeText
    name: SafeText
    created: datetime | None
    phase: SafeText
    ready: SafeText
    tasks_done: int
    tasks_total: int
    cost: int | None
    tokens: int
    estimated: bool
    """What it cost comes, at least in part, from transcripts and not from a gateway."""
    budget: int | None
    working: int
    agents: int
    states: tuple[str, ...]
    """What each agent that has given a sign does."""
    unread: int
    requests: int
    messages: int
    simulated: bool
    cancelling: bool
    suspending: bool
    needs: tuple[Need, ...]
    labels: tuple[tuple[str, str], ...]
    document: bytes
    generation: int = 0
    unseen: bool = False
    """No controller has looked at this spec yet."""

    def object(self) -> dict[str, Any]:
        """The whole AgentTeam."""
        decoded: dict[str, Any] = orjson.loads(self.document)
        return decoded


def project(source: Mapping[str, Any], thresholds: Thresholds = DEFAULTS) -> Team:
    """Slims an AgentTeam to what the terminal shows. Never raises on a malformed object."""
    metadata, spec, status = (mapping(source.get(part)) for part in ("metadata", "spec", "status"))
    tasks, usage = mapping(status.get("tasks")), mapping(status.get("usage"))
    activity = [mapping(each) for each in sequence(status.get("activity"))]
    kept = {
        "apiVersion": source.get("apiVersion"),
        "kind": source.get("kind"),
        "metadata": {name: value for name, value in metadata.items() if name != "managedFields"},
        "spec": spec,
        "status": status,
    }
    return Team(
        key=(str(metadata.get("namespace", "")), str(metadata.get("name", ""))),
        uid=str(metadata.get("uid", "")),
        version=str(metadata.get("resourceVersion", "")),
        namespace=line(metadata.get("namespace")),
        name=line(metadata.get("name")),
        created=moment(metadata.get("creationTimestamp")),
        phase=line(status.get("phase") or "Pending"),
        ready=line(status.get("ready")),
        tasks_done=whole(tasks.get("completed")),
        tasks_total=whole(tasks.get("total")),
        cost=micros(status.get("estimatedCost")),
        tokens=sum(max(0, whole(usage.get(name))) for name in TOKENS),
        estimated=not metered(usage),
        budget=micros(mapping(spec.get("lifecycle")).get("budgetLimit")),
        working=sum(1 for each in activity if each.get("state") == "working"),
        agents=(spec.get("lead") is not None) + len(sequence(spec.get("teammates"))),
        states=tuple(sys.intern(str(each.get("state"))[:40]) for each in activity[:200]),
        unread=sum(max(0, whole(each.get("unread"))) for each in activity),
        requests=max(0, whole(usage.get("requests"))),
        messages=max(0, whole(status.get("messages"))),
        simulated=is_simulated(spec, activity),
        cancelling=spec.get("cancel") is True,
        suspending=spec.get("suspend") is True,
        needs=needs_of(source, thresholds),
        labels=tuple((str(key), str(value)) for key, value in mapping(metadata.get("labels")).items()),
        document=packed(kept),
        generation=whole(metadata.get("generation")),
        unseen=is_unseen(metadata, status),
    )


def is_unseen(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Whether the spec waits for a controller. One that tells no generation leaves it open."""
    if metadata.get("deletionTimestamp") or str(status.get("phase")) in ENDED_PHASES:
        return False
    observed = status.get("observedGeneration")
    if observed is None:
        return not status.get("phase")
    return whole(metadata.get("generation")) > whole(observed)


def is_simulated(spec: Mapping[str, Any], activity: list[Mapping[str, Any]]) -> bool:
    """Whether any agent of the team is played by a script."""
    agents = [mapping(spec.get("lead")), *(mapping(each) for each in sequence(spec.get("teammates")))]
    return (
        spec.get("harness") == "simulated"
        or any(agent.get("harness") == "simulated" for agent in agents)
        or any(each.get("simulated") is True for each in activity)
    )


def finished(team: Team) -> bool:
    """Whether the team has ended."""
    return team.phase in ENDED_PHASES


def order(team: Team, now: datetime) -> tuple[int, int, str, str]:
    """Attention first: the most pressing need, then the phase, then the name."""
    need = pressing(team.needs, now)
    phase = PHASE_ORDER.index(team.phase) if team.phase in PHASE_ORDER else len(PHASE_ORDER)
    return (need.rank if need else 100, phase, team.namespace, team.name)


def phase_cell(team: Team, scene: Scene) -> Cell:
    """The phase in words; what was asked and has not happened yet is told."""
    if team.cancelling and not finished(team):
        return cell("Cancelling", "warn")
    if team.suspending and not finished(team) and team.phase != "Suspended":
        return cell("Suspending", "warn")
    return Cell(team.phase, phase_tone(team.phase))


def phase_tone(phase: str) -> Tone:
    """How a phase is toned."""
    if phase in ("Failed", "TimedOut", "BudgetExceeded"):
        return "bad"
    if phase in ("Completed", "Cancelled", "Suspended"):
        return "dim"
    return "good" if phase == "Running" else "accent"


def glyph(team: Team, scene: Scene) -> Cell:
    """One glyph for the row: what needs a person before the phase."""
    symbols = scene.symbols
    need = pressing(team.needs, scene.now)
    if need is not None and need.for_person:
        return cell(symbols.person, "warn")
    if team.phase in ("Failed", "TimedOut", "BudgetExceeded"):
        return cell(symbols.failed, "bad")
    if need is not None:
        return cell(symbols.warning, "warn")
    shapes = {
        "Running": (symbols.working, "good"),
        "Suspended": (symbols.paused, "dim"),
        "Completed": (symbols.done, "dim"),
        "Cancelled": (symbols.stopped, "dim"),
    }
    shape, tone = shapes.get(team.phase, (symbols.waiting, "accent"))
    return Cell(line(shape), tone)  # type: ignore[arg-type]  # the tones of the literal table above


def money(value: int | None, *, estimated: bool = False) -> str:
    """Micro-dollars as ``$1.42``, as ``~$1.42`` when no gateway has counted them."""
    return "" if value is None else f"{'~' if estimated else ''}${value / 1_000_000:.2f}"


def cost_cell(team: Team, scene: Scene) -> Cell:
    """What it cost so far, of what it may cost; ``~`` when no gateway has counted it."""
    if team.cost is None and team.budget is None:
        return cell(scene.symbols.dash, "dim")
    spent = team.cost or 0
    told = money(spent, estimated=team.estimated and spent > 0)
    if team.budget is None:
        return cell(told)
    limit = f"{team.budget / 1_000_000:.2f}".removesuffix(".00")
    tone: Tone = "bad" if spent >= team.budget else "warn" if spent * 5 >= team.budget * 4 else "plain"
    return cell(f"{told}/{limit}", tone)


def tasks_cell(team: Team, scene: Scene) -> Cell:
    """Done of all tasks."""
    if not team.tasks_total:
        return cell(scene.symbols.dash, "dim")
    return cell(f"{team.tasks_done}/{team.tasks_total}")


def attention_cell(team: Team, scene: Scene) -> Cell:
    """The most pressing need in words, and how many more there are."""
    need = pressing(team.needs, scene.now)
    if need is None:
        return cell("[simulated]", "dim") if team.simulated else EMPTY
    more = sum(1 for each in team.needs if each.counts(scene.now)) - 1
    text = need.words(scene.now) + (f" (+{more})" if more else "")
    return cell(text, "warn" if need.for_person else "bad" if need.kind == "failed" else "plain")


def name_cell(team: Team, scene: Scene) -> Cell:
    """The team's name."""
    return Cell(team.name, "dim" if team.phase in ("Completed", "Cancelled") else "strong")


def need_rank(team: Team) -> tuple[int, int]:
    """By the most pressing need, whether it is due or not; then by how many there are."""
    return (team.needs[0].rank, -len(team.needs)) if team.needs else (100, 0)


def ready_share(team: Team) -> tuple[int, int]:
    """The agents that are ready, and of how many, as numbers."""
    ready, _, total = team.ready.partition("/")
    return (int(ready), int(total)) if ready.isdecimal() and total.isdecimal() else (-1, 0)


COLUMNS: tuple[Column[Team], ...] = (
    Column("", glyph, 1, 1),
    Column("NAMESPACE", lambda t, s: Cell(t.namespace), 9, 20, drop=6, sort=lambda t: (t.namespace, t.name)),
    Column("NAME", name_cell, 10, 32, sort=lambda t: (t.name, t.namespace)),
    Column("PHASE", phase_cell, 9, 14, sort=lambda t: (t.phase, t.name)),
    Column(
        "READY",
        lambda t, s: Cell(t.ready) if t.ready else cell(s.symbols.dash, "dim"),
        5,
        5,
        drop=4,
        sort=ready_share,
    ),
    Column("TASKS", tasks_cell, 5, 7, drop=3, sort=lambda t: (-t.tasks_total, t.tasks_done)),
    Column("COST", cost_cell, 8, 13, drop=2, sort=lambda t: -(t.cost or 0)),
    Column("ATTENTION", attention_cell, 13, 70, drop=1, grow=True, sort=need_rank),
    Column("WORKING", lambda t, s: count_cell(t.working, s), 7, 7, wide=True, sort=lambda t: -t.working),
    Column("NEEDS", lambda t, s: count_cell(len(t.needs), s), 5, 5, wide=True, sort=lambda t: -len(t.needs)),
    Column(
        "LABELS",
        lambda t, s: cell(",".join(map("=".join, t.labels))),
        6,
        60,
        wide=True,
        sort=lambda t: t.labels,
    ),
    Column("UID", lambda t, s: cell(t.uid), 8, 36, wide=True, sort=lambda t: t.uid),
    Column(
        "AGE",
        lambda t, s: cell(age(s.now, t.created)),
        5,
        5,
        right=True,
        sort=lambda t: -t.created.timestamp() if t.created else 0.0,
    ),
)


def count_cell(number: int, scene: Scene) -> Cell:
    """A number, or a dash for none."""
    return cell(number) if number else cell(scene.symbols.dash, "dim")


def labels_of(team: Team) -> Mapping[str, str]:
    """The object's labels."""
    return dict(team.labels)


def needs_person(team: Team, now: datetime) -> bool:
    """Whether anything of the team asks for attention now."""
    return pressing(team.needs, now) is not None


def may_become_due(team: Team) -> bool:
    """Whether time alone can give it another place in the order."""
    return any(need.due is not None for need in team.needs)


def search_text(team: Team) -> str:
    """What a filter looks at."""
    return f"{team.namespace} {team.name} {team.phase} " + " ".join(need.search for need in team.needs)
