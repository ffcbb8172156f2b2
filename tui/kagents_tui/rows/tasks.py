"""The task board as a table: what is done, in progress and to do, who owns it, what holds it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from kagents_core.safetext import SafeText, clean
from kagents_tui.journal.tasks import TaskChange
from kagents_tui.journal_view import Task
from kagents_tui.rows.ages import age, clock
from kagents_tui.rows.cells import EMPTY, Cell, Column, Scene, Tone, cell

ORDER = {"in_progress": 0, "pending": 1, "completed": 2}
WORDS: dict[str, tuple[str, Tone]] = {
    "in_progress": ("doing", "good"),
    "pending": ("todo", "accent"),
    "completed": ("done", "dim"),
}


def order(task: Task) -> tuple[int, int, str]:
    """In progress, to do, done; then by number."""
    return (ORDER.get(task.status, 3), int(task.key) if task.key.isdigit() else 0, task.key)


def status(task: Task, scene: Scene) -> Cell:
    """Glyph and word of the state."""
    word, tone = WORDS.get(task.status, (task.status, "plain"))
    symbols = scene.symbols
    shape = {"doing": symbols.working, "todo": symbols.waiting, "done": symbols.done}.get(word, symbols.dot)
    return cell(f"{shape} {word}", tone)


def who(task: Task, scene: Scene) -> Cell:
    """The owner, or what blocks it."""
    if task.status == "pending" and task.blocked_by:
        return cell("after " + " ".join(f"#{each}" for each in task.blocked_by), "warn")
    return cell(task.owner or scene.symbols.dash, "plain" if task.owner else "dim")


def search_text(task: Task) -> str:
    """What a filter looks at."""
    return f"{task.number} {task.subject} {task.owner} {task.status}"


BOARD = ("pending", "in progress", "completed", "blocked")
"""The columns of the board, from left to right."""

EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Card:
    """A task among the others: where it stands on the board, what still holds it back, what it holds back."""

    task: Task
    place: str
    waits_for: tuple[SafeText, ...]
    blocks: tuple[SafeText, ...]


def cards_of(tasks: Mapping[str, Task]) -> list[Card]:
    """A card for every task. A task that is done, or that is no longer there, holds nothing back."""
    holds: dict[str, list[SafeText]] = {}
    for task in tasks.values():
        for key in task.blocked_by:
            holds.setdefault(key, []).append(task.number)
    return [card_of(task, tasks, holds) for task in tasks.values()]


def card_of(task: Task, tasks: Mapping[str, Task], holds: Mapping[str, list[SafeText]]) -> Card:
    """The card of one task."""
    open_ones = tuple(each for each in task.blocked_by if each in tasks and tasks[each].status != "completed")
    place = {"in_progress": "in progress", "completed": "completed"}.get(task.status, "pending")
    if place == "pending" and open_ones:
        place = "blocked"
    return Card(task, place, open_ones, tuple(dict.fromkeys((*task.blocks, *holds.get(task.key, ())))))


def card_order(card: Card, now: datetime) -> tuple[int, float, str]:
    """As ``order``; what is done with the latest first."""
    if card.place == "completed":
        return (2, -(card.task.since or EPOCH).timestamp(), card.task.key)
    return order(card.task)


def claims(task: Task, scene: Scene) -> Cell:
    """Who else claimed the task."""
    if not task.taken_from:
        return EMPTY
    return cell(f"{scene.symbols.warning} also {' '.join(task.taken_from)}", "warn")


def numbers(keys: tuple[SafeText, ...]) -> str:
    """``#2 #3``."""
    return " ".join(f"#{each}" for each in keys)


def in_state(task: Task, scene: Scene) -> Cell:
    """How long it has been in its state."""
    return cell(age(scene.now, task.since), "dim")


def place_cell(card: Card, scene: Scene) -> Cell:
    """Glyph and word of its place on the board."""
    if card.place == "blocked":
        return cell(f"{scene.symbols.paused} blocked", "warn")
    return status(card.task, scene)


def card_line(card: Card, scene: Scene) -> Cell:
    """Number and subject."""
    return cell(f"#{card.task.number} {card.task.subject}", "dim" if card.place == "completed" else "strong")


def card_detail(card: Card, scene: Scene) -> Cell:
    """What matters of a card besides its subject: a double claim, what holds it back, its owner, its age."""
    task, old = card.task, age(scene.now, card.task.since)
    if task.taken_from:
        return cell(f"{old} {claims(task, scene).text}, {task.owner}", "warn")
    if card.place == "blocked":
        return cell(f"{old} after {numbers(card.waits_for)} {task.owner}", "warn")
    return cell(f"{old} {task.owner or 'nobody'}", "plain" if card.place == "in progress" else "dim")


def card_search(card: Card) -> str:
    """What a filter looks at."""
    return f"{search_text(card.task)} {card.place} {' '.join(card.task.taken_from)}"


def whole_task(task: Task, tasks: Mapping[str, Task], scene: Scene) -> SafeText:
    """The task with everything known, for reading."""
    holds = [each.number for each in tasks.values() if task.key in each.blocked_by]
    card = card_of(task, tasks, {task.key: holds})

    def named(keys: tuple[SafeText, ...]) -> str:
        words = [
            f"#{key} {tasks[key].subject} ({WORDS.get(tasks[key].status, (tasks[key].status,))[0]})"
            if key in tasks
            else f"#{key}"
            for key in keys
        ]
        return "\n            ".join(words) or "nothing"

    facts = [
        f"task        #{task.number}",
        f"subject     {task.subject}",
        f"status      {WORDS.get(task.status, (task.status,))[0]}, for {age(scene.now, task.since) or '?'}",
        f"owner       {task.owner or 'nobody'}",
        f"blocked by  {named(task.blocked_by)}",
        f"blocks      {named(card.blocks)}",
        f"changed     {age(scene.now, task.changed)} ago",
    ]
    if task.taken_from:
        facts.append(
            f"claimed     by {task.owner or 'nobody'} now, by {' and '.join(task.taken_from)} before"
        )
    told = ["history", *history_lines(task.history)]
    return clean("\n".join([*facts, "", *told]) + "\n\n" + task.description, limit=200_000)


def history_lines(history: tuple[TaskChange, ...]) -> list[str]:
    """What became of a task, one line a change."""
    lines = []
    for before, now in pairwise((None, *history)):
        if now is None:
            continue
        words = (
            []
            if before is not None and before.status == now.status
            else [WORDS.get(now.status, (now.status,))[0]]
        )
        if before is None or before.owner != now.owner:
            if now.owner:
                words.append(f"claimed by {now.owner}")
                if before is not None and before.owner:
                    words.append(f"while {before.owner} had it")
            elif before is not None:
                words.append(f"let go by {before.owner}")
        rest = [each for each in now.changed if each not in ("status", "owner", "created")]
        if rest:
            words.append("changed " + ", ".join(rest))
        lines.append(f"  {clock(now.at)}  {' '.join(words) or 'written again'}")
    return lines


COLUMNS: tuple[Column[Task], ...] = (
    Column("STATE", status, 7, 13),
    Column("#", lambda t, s: cell(t.number, "dim"), 2, 5, drop=2),
    Column("SUBJECT", lambda t, s: cell(t.subject), 12, 60, grow=True),
    Column("OWNER", who, 8, 22, drop=1),
    Column("CLAIMS", claims, 6, 20, drop=2, quiet=True),
)

CARD_COLUMNS: tuple[Column[Card], ...] = (Column("", card_line, 8, 200, grow=True),)
"""Of the board: number and subject, the rest stands on the second line."""

LIST_COLUMNS: tuple[Column[Card], ...] = (
    Column("STATE", place_cell, 7, 13, sort=lambda c: c.place),
    Column("#", lambda c, s: cell(c.task.number, "dim"), 2, 5, sort=lambda c: order(c.task)[1:]),
    Column("SUBJECT", lambda c, s: cell(c.task.subject), 20, 60, grow=True, sort=lambda c: c.task.subject),
    Column(
        "OWNER",
        lambda c, s: cell(c.task.owner or s.symbols.dash),
        11,
        22,
        drop=1,
        sort=lambda c: c.task.owner,
    ),
    Column("CLAIMS", lambda c, s: claims(c.task, s), 8, 24, drop=5, quiet=True),
    Column("BLOCKED BY", lambda c, s: cell(numbers(c.waits_for), "warn"), 10, 16, drop=3),
    Column("BLOCKS", lambda c, s: cell(numbers(c.blocks), "dim"), 6, 16, drop=6),
    Column(
        "IN STATE",
        lambda c, s: in_state(c.task, s),
        8,
        8,
        drop=2,
        right=True,
        sort=lambda c: (c.task.since or EPOCH).timestamp(),
    ),
)
