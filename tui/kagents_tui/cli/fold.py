"""Journal entries folded into mail and tasks as they stand, as raw data: nothing is cut or made safe here."""

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


def tasks_of(entries: Iterable[Mapping[str, Any]]) -> list[Object]:
    """Every task that is not deleted as it stands, by number, with the time of its last change."""
    tasks: dict[str, Object] = {}
    for entry in entries:
        if entry.get("kind") != "task":
            continue
        key, task = str(entry.get("id")), entry.get("task")
        if isinstance(task, Mapping):
            tasks[key] = {**task, "id": key, "changed": entry.get("at")}
        else:
            tasks.pop(key, None)
    return sorted(tasks.values(), key=lambda task: (len(task["id"]), task["id"]))
