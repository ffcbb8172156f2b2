"""Mail as a table shows it: who wrote to whom, of what kind, and how far it has come."""

from kagents_core.safetext import SafeText, clean
from kagents_tui.journal_view import Mail
from kagents_tui.rows.ages import age, clock, span
from kagents_tui.rows.attention import STALE_MAIL
from kagents_tui.rows.cells import Cell, Column, Scene, cell
from kagents_tui.rows.fields import line

KINDS = {
    "message": "",
    "idle_notification": "idle",
    "task_assignment": "task",
    "shutdown_request": "shutdown?",
    "shutdown_approved": "shutdown",
    "shutdown_rejected": "no shutdown",
    "plan_approval_request": "plan?",
    "plan_approval_response": "plan",
    "permission_request": "permission?",
    "permission_response": "permission",
}


def route(mail: Mail, scene: Scene) -> Cell:
    """Sender and receiver."""
    return cell(f"{mail.sender} {scene.symbols.arrow} {mail.receiver}", "strong")


def kind(mail: Mail, scene: Scene) -> Cell:
    """The kind in one word; nothing for a plain message."""
    return cell(KINDS.get(mail.kind, mail.kind), "accent")


def state(mail: Mail, scene: Scene) -> Cell:
    """``read 0.8s``, ``unread 2m`` (delivered, not looked at) or ``waiting 9m`` (still in the mailbox)."""
    again = " again" if mail.resent else ""
    if mail.seen:
        took = mail.took()
        return cell(f"read{again} {span(took)}" if took is not None else f"read{again}", "dim")
    since = mail.delivered or mail.written
    stale = mail.written is not None and scene.now - mail.written >= STALE_MAIL
    word = "unread" if mail.delivered else "waiting"
    mark = f" {scene.symbols.warning}" if stale else ""
    return cell(f"{word}{again} {age(scene.now, since)}{mark}", "warn" if stale else "accent")


def excerpt(mail: Mail, scene: Scene) -> Cell:
    """The beginning of the text, on the message's second line."""
    return cell(line(mail.summary or mail.text, 400), "plain" if mail.kind == "message" else "dim")


def search_text(mail: Mail) -> str:
    """What a filter looks at."""
    return f"{mail.sender} {mail.receiver} {mail.kind} {mail.state()} {mail.summary} {mail.text}"


def whole_message(mail: Mail, scene: Scene) -> SafeText:
    """The message with its head, for reading."""
    facts = [
        f"from       {mail.sender}",
        f"to         {mail.receiver}",
        f"kind       {mail.kind}",
        f"written    {clock(mail.written)}",
        f"delivered  {clock(mail.delivered) if mail.delivered else 'not yet: it waits in the mailbox'}",
        f"seen       {clock(mail.seen) if mail.seen else 'not yet'}",
    ]
    if mail.resent:
        facts.append(f"sent again {mail.resent}x, after its receiver was killed")
    if mail.summary:
        facts.append(f"summary    {mail.summary}")
    return clean("\n".join(facts) + "\n\n" + mail.text, limit=200_000)


COLUMNS: tuple[Column[Mail], ...] = (
    Column("TIME", lambda m, s: cell(clock(m.written), "dim"), 8, 8, drop=2),
    Column("FROM → TO", route, 16, 44, grow=True),
    Column("KIND", kind, 4, 12, drop=1, quiet=True),
    Column("STATE", state, 12, 18, right=True),
)
