"""What the request tells of the team beside its commits: the lead's summary, the tasks and the cost."""

from pathlib import Path
from typing import Any

from kagents_core.journal.reader import entries


def facts_of(journal: Path) -> tuple[str, str, str]:
    """Summary, tasks and cost in words; empty where the journal tells nothing."""
    summary = ""
    tasks: dict[str, str] = {}
    micros, estimated = 0, False
    for entry in entries(journal):
        kind = entry.get("kind")
        if kind == "request" and entry.get("request") == "finish" and not entry.get("refused"):
            summary = str(entry.get("summary") or "")
        elif kind == "task":
            _note(tasks, entry)
        elif kind == "usage" and isinstance(entry.get("costMicros"), int):
            micros += entry["costMicros"]
            estimated = estimated or bool(entry.get("estimated"))
    done = sum(status == "completed" for status in tasks.values())
    told = f"{done} of {len(tasks)} tasks completed" if tasks else ""
    cost = f"${micros / 1e6:.2f}{' (estimated)' if estimated else ''}" if micros else ""
    return summary, told, cost


def _note(tasks: dict[str, str], entry: dict[str, Any]) -> None:
    identity, task = str(entry.get("id")), entry.get("task")
    if isinstance(task, dict):
        tasks[identity] = str(task.get("status"))
    else:
        tasks.pop(identity, None)
