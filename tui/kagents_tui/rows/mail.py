"""Mail as a table shows it: who wrote to whom, of what kind, and how far it has come."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from kagents_core.safetext import SafeText, clean
from kagents_tui.filters import read_filter
from kagents_tui.journal.tasks import Task
from kagents_tui.journal_view import Mail
from kagents_tui.rows.ages import age, clock, span
from kagents_tui.rows.cells import EMPTY, Cell, Column, Scene, cell
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


def full_kind(mail: Mail, scene: Scene) -> Cell:
    """The kind in one word, also of a plain message."""
    return kind(mail, scene) if mail.kind != "message" else cell("message", "dim")


def state(mail: Mail, scene: Scene) -> Cell:
    """``read 0.8s``, ``unread 2m`` (delivered, not looked at) or ``waiting 9m`` (still in the mailbox)."""
    again = " again" if mail.resent else ""
    if mail.seen:
        took = mail.took()
        return cell(f"read{again} {span(took)}" if took is not None else f"read{again}", "dim")
    since = mail.delivered or mail.written
    stale = mail.written is not None and scene.now - mail.written >= scene.stale_mail
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


def preview(mail: Mail, scene: Scene) -> SafeText:
    """The message below a list that shows its way: the head in a line, so that the text is in view."""
    way = [f"written {clock(mail.written)}"]
    way += [f"delivered {clock(mail.delivered) if mail.delivered else 'not yet: it waits in the mailbox'}"]
    way += [f"seen {clock(mail.seen)}"] if mail.seen else []
    way += [f"sent again {mail.resent}x"] if mail.resent else []
    head = ", ".join(way) + (f"\n{mail.summary}" if mail.summary else "")
    return clean(f"{head}\n\n{mail.text}", limit=200_000)


FIELDS = ("from", "to", "kind", "is")


def terms(text: str, names: tuple[str, ...]) -> tuple[dict[str, str], str]:
    """The words ``name:value`` of a filter, in lower case and empty where there is none; and the rest."""
    wanted, rest = dict.fromkeys(names, ""), []
    for word in text.split(" "):
        name, colon, value = word.partition(":")
        if colon and name in wanted and value:
            wanted[name] = value.lower()
        else:
            rest.append(word)
    return wanted, " ".join(rest).strip()


def matcher(text: str, *, unread: bool = False) -> Callable[[Mail], bool] | None:
    """A predicate over messages: ``from:A``, ``to:B``, ``kind:C``, ``is:unread``, the rest as every filter.

    None when everything matches. Raises ``FilterError`` for a filter that cannot be read.
    """
    wanted, rest = terms(text, FIELDS)
    found, words = about(wanted, unread=unread), read_filter(rest).text
    if found is None or words is None:
        return found if words is None else lambda mail: words(search_text(mail).lower())
    return lambda mail: found(mail) and words(search_text(mail).lower())


def about(wanted: Mapping[str, str], *, unread: bool = False) -> Callable[[Mail], bool] | None:
    """A predicate over messages by what stands behind ``from:`` and the other ``FIELDS``; None: every one."""
    sender, receiver, sort = wanted["from"], wanted["to"], wanted["kind"]
    state = wanted["is"] or ("unread" if unread else "")
    if not (sender or receiver or sort or state):
        return None

    def matches(mail: Mail) -> bool:
        return (
            (not sender or sender in mail.sender.lower())
            and (not receiver or receiver in mail.receiver.lower())
            and (not sort or sort in mail.kind or sort in KINDS.get(mail.kind, ""))
            and (not state or state in STATES[mail.state()])
        )

    return matches


STATES = {
    "waiting": ("waiting", "unread", "unseen"),
    "delivered": ("delivered", "unread", "unseen"),
    "seen": ("seen", "read"),
}
"""What ``is:`` calls the states of a message."""

NUMBER = re.compile(r"(?:#|\btask\s+#?)([A-Za-z0-9_-]{1,40})", re.IGNORECASE)


def task_named(mail: Mail, tasks: Mapping[str, Task]) -> str | None:
    """The task that a message is about: the one it names as data, else the first that its text names."""
    if mail.task in tasks:
        return mail.task
    for found in NUMBER.finditer(f"{mail.summary} {mail.text[:4000]}"):
        if found.group(1) in tasks:
            return found.group(1)
    return None


def other_party(mail: Mail, agents: list[str]) -> str | None:
    """Whom an answer goes to: the sender, or the receiver of what a person wrote; None when both are gone."""
    return next((str(each) for each in (mail.sender, mail.receiver) if each in agents), None)


def answer_summary(mail: Mail) -> str:
    """The summary of an answer."""
    about = line(mail.summary or mail.text, 80)
    return about if about.startswith("Re: ") else f"Re: {about}"


def moment_cell(name: str) -> Callable[[Mail, Scene], Cell]:
    """When a message was delivered or seen: a time of day; nothing while it was not."""

    def shown(mail: Mail, scene: Scene) -> Cell:
        at = getattr(mail, name)
        return cell(clock(at), "dim") if at else EMPTY

    return shown


EPOCH = datetime.fromtimestamp(0, UTC)


def by_moment(name: str) -> Callable[[Mail], Any]:
    """Sorts by a moment, the earliest first; what has not happened comes last."""
    return lambda mail: (getattr(mail, name) is None, getattr(mail, name) or EPOCH)


def by_route(mail: Mail) -> Any:
    """Sorts by sender, then receiver."""
    return (mail.sender, mail.receiver)


def by_state(mail: Mail) -> Any:
    """Sorts what still waits first, and in it what was written first."""
    return (list(STATES).index(mail.state()), mail.written or EPOCH)


COLUMNS: tuple[Column[Mail], ...] = (
    Column("TIME", lambda m, s: cell(clock(m.written), "dim"), 8, 8, drop=2, sort=by_moment("written")),
    Column("FROM, TO", route, 16, 44, grow=True, sort=by_route),
    Column("KIND", kind, 4, 12, drop=1, quiet=True, sort=lambda m: m.kind),
    Column("STATE", state, 12, 18, right=True, sort=by_state),
)

FULL_COLUMNS: tuple[Column[Mail], ...] = (
    Column("WRITTEN", lambda m, s: cell(clock(m.written), "dim"), 8, 8, drop=1, sort=by_moment("written")),
    Column("FROM, TO", route, 14, 44, sort=by_route),
    Column("KIND", full_kind, 7, 12, drop=3, sort=lambda m: m.kind),
    Column("STATE", state, 8, 18, sort=by_state),
    Column("DELIVERED", moment_cell("delivered"), 9, 9, drop=5, sort=by_moment("delivered")),
    Column("SEEN", moment_cell("seen"), 8, 8, drop=6, sort=by_moment("seen")),
    Column("TEXT", excerpt, 30, 400, drop=2, grow=True, sort=lambda m: (m.summary or m.text)[:100].lower()),
)
"""Of the view of all mail, which has the whole width."""
