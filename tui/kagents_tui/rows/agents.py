"""The agents of one team: the object's status and the journal joined, one row an agent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kagents_core.safetext import SafeText, clean
from kagents_tui.artifact_states import starts_after
from kagents_tui.gate_states import gates_of
from kagents_tui.journal_view import AgentActivity, JournalView
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import EMPTY, Cell, Column, Scene, Tone, cell
from kagents_tui.rows.fields import line, mapping, metered, micros, moment, sequence, whole
from kagents_tui.rows.teams import money


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent of a team. ``key`` is its name exactly as the object has it."""

    key: str
    name: SafeText
    phase: SafeText
    pod: str
    state: SafeText
    detail: SafeText
    task: SafeText
    waiting_for: SafeText
    gate: str
    unread: int
    oldest_unread: datetime | None
    restarts: int
    cost: int | None
    estimated: bool
    """No gateway has counted ``cost``."""
    simulated: bool
    model: SafeText
    prompt: SafeText
    depends_on: tuple[SafeText, ...]
    passes: tuple[tuple[SafeText, str], ...] = ()
    """Gates it starts behind, each with its state: ``waiting``, ``approved``, ``denied``, ``ahead``."""
    branches: tuple[bool, ...] = ()
    """Where it stands in the tree: for each level whether it is the last branch there; empty at the root."""


def agents_of(team: Mapping[str, Any], journal: JournalView) -> list[Agent]:
    """Every declared agent, the lead first, in the manifest's order. A live journal is newer than status."""
    spec, status = mapping(team.get("spec")), mapping(team.get("status"))
    reported = {str(each.get("agent")): each for each in map(mapping, sequence(status.get("activity")))}
    phases = {str(each.get("name")): each for each in map(mapping, sequence(status.get("teammates")))}
    declared: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = []
    if spec.get("lead") is not None:
        declared.append(("lead", mapping(spec.get("lead")), mapping(status.get("lead"))))
    for teammate in map(mapping, sequence(spec.get("teammates"))):
        name = str(teammate.get("name", ""))
        declared.append((name, teammate, mapping(phases.get(name))))
    harness, counted = spec.get("harness"), metered(status.get("usage"))
    found = [
        agent_of(name, declared_as, shown, mapping(reported.get(name)), journal, harness, counted)
        for name, declared_as, shown in declared
    ]
    gates: dict[str, list[tuple[SafeText, str]]] = {}
    for gate in gates_of(team):
        gates.setdefault(gate.teammate, []).append((line(gate.event, 100), gate.state))
    return [replace(each, passes=tuple(gates.get(each.key, ()))) for each in found]


def tree(agents: Sequence[Agent]) -> list[Agent]:
    """The agents as a tree: the lead, below it who waits for nobody, each other one below whom it waits for.

    Of several it waits for, the one that starts last is its parent. What depends on nobody that is known, or
    on itself over others, stands below the lead.
    """
    known = {each.key: each for each in agents}
    depths: dict[str, int] = {}

    def depth(agent: Agent, way: tuple[str, ...]) -> int:
        if agent.key not in depths:
            before = [known[name] for name in agent.depends_on if name in known and name not in way]
            deeper = [depth(each, (*way, each.key)) for each in before]
            depths[agent.key] = 1 + max(deeper, default=0)
        return depths[agent.key]

    children: dict[str, list[Agent]] = {}
    roots = [each for each in agents if each.key == "lead"] or list(agents[:1])
    for agent in agents:
        if agent in roots:
            continue
        mine = depth(agent, (agent.key,))
        before = [name for name in agent.depends_on if name in known and depths.get(name, mine) < mine]
        parent = max(before, key=lambda name: depths[name], default=roots[0].key)
        children.setdefault(parent, []).append(agent)
    return [each for root in roots for each in branch(root, (), children)]


def branch(agent: Agent, at: tuple[bool, ...], children: Mapping[str, list[Agent]]) -> Iterator[Agent]:
    """An agent and all below it."""
    yield replace(agent, branches=at)
    below = children.get(agent.key, [])
    for number, child in enumerate(below, 1):
        yield from branch(child, (*at, number == len(below)), children)


def agent_of(
    name: str,
    declared: Mapping[str, Any],
    shown: Mapping[str, Any],
    reported: Mapping[str, Any],
    journal: JournalView,
    harness: object,
    counted: bool,
) -> Agent:
    """One agent from its spec, its status, its reported activity and the journal."""
    live: AgentActivity | None = journal.activity.get(line(name, 100))
    unread, oldest = journal.unread(name) if journal.live else (0, None)
    if not journal.live:
        unread, oldest = whole(reported.get("unread")), moment(reported.get("oldestUnreadAt"))
    current = journal.current_task(name)
    number = current.number if current else line(reported.get("task"), 40)
    subject = current.subject if current else line("")
    gate = shown.get("pendingApproval")
    simulated = (declared.get("harness") or harness) == "simulated" or bool(live and live.simulated)
    return Agent(
        key=name,
        name=line(name, 100),
        phase=line(shown.get("phase") or "Pending", 40),
        pod=str(shown.get("podName") or ""),
        state=live.state if live and live.state else line(reported.get("state"), 40),
        detail=live.detail if live and live.state else line(reported.get("detail"), 300),
        task=line(f"#{number} {subject}" if number else ""),
        waiting_for=line(shown.get("waitingFor"), 200),
        gate=gate if isinstance(gate, str) else "",
        unread=unread,
        oldest_unread=oldest,
        restarts=whole(shown.get("restartCount")),
        cost=live.cost if live and live.cost else micros(reported.get("cost")),
        estimated=journal.ledger.estimated(live.agent) if live and live.cost else not counted,
        simulated=simulated or reported.get("simulated") is True,
        model=line(declared.get("model"), 60),
        prompt=clean(str(declared.get("prompt") or "")),
        depends_on=tuple(line(each, 100) for each in starts_after(declared)),
    )


def shape(agent: Agent, scene: Scene) -> Cell:
    """One glyph: what the agent does."""
    symbols = scene.symbols
    if agent.gate or agent.state == "waiting-permission":
        return cell(symbols.person, "warn")
    if agent.phase == "Failed" or agent.state == "failed":
        return cell(symbols.failed, "bad")
    if agent.phase == "Completed":
        return cell(symbols.done, "dim")
    if agent.phase == "Running" and agent.state == "working":
        return cell(symbols.working, "good")
    return cell(symbols.waiting, "accent")


def doing(agent: Agent, scene: Scene) -> Cell:
    """What the agent does, in one word."""
    if agent.phase == "Completed":
        return cell("done", "dim")
    if agent.phase == "Failed":
        return cell("failed", "bad")
    if agent.gate:
        return cell("approve?", "warn")
    if agent.phase in ("Waiting", "Pending"):
        return cell(agent.phase.lower(), "accent")
    tone = {"working": "good", "waiting-permission": "warn", "failed": "bad"}.get(agent.state, "accent")
    word = {"waiting-permission": "asks"}.get(agent.state, str(agent.state or agent.phase).lower())
    return cell(word, tone)  # type: ignore[arg-type]  # the tones of the literal table above


def about(agent: Agent, scene: Scene) -> Cell:
    """Its task, what it waits for, or the detail; and that it is simulated."""
    if agent.gate:
        text: str = agent.gate
    elif agent.phase in ("Waiting", "Pending"):
        text = str(agent.waiting_for or agent.detail).replace("dependsOn: ", "for ", 1)
    elif agent.phase in ("Completed", "Failed"):
        text = agent.detail if agent.phase == "Failed" else ""
    elif agent.state == "waiting-permission":
        text = agent.detail
    else:
        text = agent.task or agent.detail
    return cell(text)


def name_cell(agent: Agent, scene: Scene) -> Cell:
    """Its name, behind its branches in the tree."""
    symbols = scene.symbols
    lines = "".join("  " if last else f"{symbols.trunk} " for last in agent.branches[:-1])
    if agent.branches:
        lines += f"{symbols.corner if agent.branches[-1] else symbols.tee} "
    return cell(f"{lines}{agent.name}", "dim" if agent.phase == "Completed" else "strong")


def gate_cell(agent: Agent, scene: Scene) -> Cell:
    """The gate it starts behind, and what a person has decided; one that waits is told beside its name."""
    if not agent.passes or agent.gate:
        return EMPTY
    symbols = scene.symbols
    shapes: dict[str, tuple[str, Tone]] = {
        "waiting": (symbols.person, "warn"),
        "approved": (symbols.done, "dim"),
        "denied": (symbols.failed, "bad"),
    }
    event, state = min(agent.passes, key=lambda each: each[1] != "waiting")
    shape, tone = shapes.get(state, (symbols.waiting, "accent"))
    return cell(f"{shape} {event}" + (f" {state}" if state == "denied" else ""), tone)


def after_cell(agent: Agent, scene: Scene) -> Cell:
    """All that it waits for, where the tree can show only one."""
    return cell("after " + " ".join(agent.depends_on), "dim") if len(agent.depends_on) > 1 else EMPTY


def unread_cell(agent: Agent, scene: Scene) -> Cell:
    """How many messages lie unread, and for how long."""
    if not agent.unread:
        return EMPTY
    stale = agent.oldest_unread is not None and scene.now - agent.oldest_unread >= scene.stale_mail
    mark = f" {scene.symbols.warning}" if stale else ""
    return cell(
        f"{agent.unread} unread {age(scene.now, agent.oldest_unread)}{mark}", "warn" if stale else "accent"
    )


def restarts_cell(agent: Agent, scene: Scene) -> Cell:
    """How often it was started again."""
    return cell(f"{agent.restarts}x", "warn") if agent.restarts else EMPTY


def origin(agent: Agent, scene: Scene) -> Cell:
    """The mark of a scripted agent."""
    return cell("[simulated]", "accent") if agent.simulated else EMPTY


COLUMNS: tuple[Column[Agent], ...] = (
    Column("", shape, 1, 1),
    Column("AGENT", name_cell, 8, 24),
    Column("DOES", doing, 7, 14),
    Column("ABOUT", about, 12, 60, drop=1, grow=True),
    Column("GATE", gate_cell, 8, 24, drop=5, quiet=True),
    Column("AFTER", after_cell, 8, 30, drop=6, quiet=True),
    Column("UNREAD", unread_cell, 8, 16, drop=2, quiet=True),
    Column("RST", restarts_cell, 2, 4, drop=4, quiet=True),
    Column(
        "COST",
        lambda a, s: cell(money(a.cost, estimated=a.estimated) or s.symbols.dash, "dim"),
        5,
        8,
        drop=3,
    ),
    Column("BY", origin, 11, 11, quiet=True),
)


def search_text(agent: Agent) -> str:
    """What a filter looks at."""
    return f"{agent.name} {agent.phase} {agent.state} {agent.task}"
