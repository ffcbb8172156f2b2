"""Journal entries folded into mail, tasks and usage, as raw data: nothing is cut or made safe here."""

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]


def mail_of(entries: Iterable[Mapping[str, Any]]) -> list[Object]:
    """Every message as it was journalled, with ``delivered``, ``seen``, ``resent`` and ``state``."""
    mail: dict[str, Object] = {}
    for entry in entries:
        kind, key = entry.get("kind"), str(entry.get("id"))
        if kind == "message":
            fields = {name: value for name, value in entry.items() if name != "kind"}
            mail[key] = fields | {"delivered": None, "seen": None, "resent": 0, "state": "waiting"}
        elif key in mail and kind in ("delivery", "seen"):
            name = "delivered" if kind == "delivery" else "seen"
            mail[key][name] = entry.get(name)
            if name == "seen" or mail[key]["state"] == "waiting":
                mail[key]["state"] = name
        elif key in mail and kind == "resent":
            mail[key] |= {"resent": mail[key]["resent"] + 1, "delivered": None, "state": "waiting"}
    return list(mail.values())


def threads_of(mail: Iterable[Mapping[str, Any]]) -> list[Object]:
    """One thread for every two who write to each other, the one with the newest message first.

    ``between``, ``messages`` and ``unread`` (counts), ``unreadSince`` (when the oldest unseen message was
    written), ``last`` (the newest message).
    """
    threads: dict[tuple[str, str], Object] = {}
    for message in mail:
        first, second = sorted((str(message.get("from")), str(message.get("to"))))
        thread = threads.setdefault(
            (first, second),
            {
                "between": [message.get("from"), message.get("to")],
                "messages": 0,
                "unread": 0,
                "unreadSince": None,
            },
        )
        thread["messages"] += 1
        if message.get("state") != "seen":
            thread["unread"] += 1
            thread["unreadSince"] = thread["unreadSince"] or message.get("written")
        thread["last"] = message
    return sorted(threads.values(), key=lambda each: str(each["last"].get("written")), reverse=True)


def tasks_of(entries: Iterable[Mapping[str, Any]]) -> list[Object]:
    """Every task that is not deleted as it stands, by number.

    Beside the native fields: ``changed`` and ``since`` (of its state), ``history`` (state, owner and changed
    fields at each time), ``takenFrom`` (owners whose claim another one took over without their letting go),
    ``waitsFor`` (what is not done of ``blockedBy``), ``blocks``, and its ``place`` on the board.
    """
    tasks: dict[str, Object] = {}
    for entry in entries:
        if entry.get("kind") != "task":
            continue
        key, task = str(entry.get("id")), entry.get("task")
        if isinstance(task, Mapping):
            tasks[key] = _changed(tasks.get(key), task, entry, key)
        else:
            tasks.pop(key, None)
    found = sorted(tasks.values(), key=lambda task: (len(task["id"]), task["id"]))
    for task in found:
        _place(task, tasks)
    return found


def _changed(before: Object | None, task: Mapping[str, Any], entry: Mapping[str, Any], key: str) -> Object:
    at, status, owner = entry.get("at"), task.get("status"), task.get("owner")
    taken = list(before["takenFrom"]) if before else []
    had = before.get("owner") if before else None
    if had and owner and had != owner:
        taken = [had, *(each for each in taken if each not in (owner, had))]
    change = {"at": at, "status": status, "owner": owner, "changed": entry.get("changed") or []}
    return {
        **task,
        "id": key,
        "changed": at,
        "since": before["since"] if before and before.get("status") == status else at,
        "history": [*(before["history"] if before else []), change],
        "takenFrom": taken,
    }


def _place(task: Object, tasks: Mapping[str, Object]) -> None:
    """Adds where a task stands among the others. One that is done or gone holds nothing back."""
    blockers = [str(each) for each in task.get("blockedBy") or ()]
    task["waitsFor"] = [
        each for each in blockers if each in tasks and tasks[each].get("status") != "completed"
    ]
    held = [key for key, other in tasks.items() if task["id"] in map(str, other.get("blockedBy") or ())]
    task["blocks"] = list(dict.fromkeys([*map(str, task.get("blocks") or ()), *held]))
    status = str(task.get("status") or "pending")
    task["place"] = "blocked" if status == "pending" and task["waitsFor"] else status.replace("_", " ")


def usage_of(entries: Iterable[Mapping[str, Any]]) -> list[Object]:
    """Tokens and micro-dollars by agent and model, the dearest first."""
    rows: dict[tuple[str, str], Object] = {}
    for entry in entries:
        if entry.get("kind") != "usage":
            continue
        agent, model = str(entry.get("agent")), str(entry.get("model") or "unknown")
        row = rows.setdefault(
            (agent, model),
            {"agent": agent, "model": model, "requests": 0, **dict.fromkeys(COUNTS, 0), "estimated": False},
        )
        row["requests"] += 1
        for name in COUNTS:
            value = entry.get(name)
            row[name] += max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
        row["estimated"] = row["estimated"] or entry.get("estimated") is True
    return sorted(rows.values(), key=lambda row: (-row["costMicros"], row["agent"], row["model"]))


COUNTS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "costMicros")
