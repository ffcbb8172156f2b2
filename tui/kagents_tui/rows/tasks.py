"""The task board as a table: what is done, in progress and to do, who owns it, what holds it back."""

from kagents_core.safetext import SafeText, clean
from kagents_tui.journal_view import Task
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Column, Scene, Tone, cell

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


def whole_task(task: Task, scene: Scene) -> SafeText:
    """The task with everything known, for reading."""
    facts = [
        f"task        #{task.number}",
        f"subject     {task.subject}",
        f"status      {WORDS.get(task.status, (task.status, 'plain'))[0]}",
        f"owner       {task.owner or 'nobody'}",
        f"blocked by  {', '.join('#' + each for each in task.blocked_by) or 'nothing'}",
        f"changed     {age(scene.now, task.changed)} ago",
    ]
    return clean("\n".join(facts) + "\n\n" + task.description, limit=200_000)


COLUMNS: tuple[Column[Task], ...] = (
    Column("STATE", status, 7, 13),
    Column("#", lambda t, s: cell(t.number, "dim"), 2, 5, drop=2),
    Column("SUBJECT", lambda t, s: cell(t.subject), 12, 60, grow=True),
    Column("OWNER", who, 8, 22, drop=1),
)
