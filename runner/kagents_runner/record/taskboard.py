"""The shared task list as the journal tells it: what changed, and the sums for the status. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

Entries = list[Mapping[str, Any]]


class TaskBoard:
    """Every task as it was last journalled."""

    def __init__(self) -> None:
        self._tasks: dict[str, Mapping[str, Any]] = {}
        self._unfinished: Counter[str] = Counter()

    def observed(self, task: Mapping[str, Any]) -> Entries:
        """A task as its file shows it."""
        task_id = str(task["id"])
        old = self._tasks.get(task_id)
        if old is None:
            changed = ["created"]
        else:
            changed = [name for name in {**old, **task} if old.get(name) != task.get(name)]
        return [{"kind": "task", "id": task_id, "task": task, "changed": changed}] if changed else []

    def deleted(self, task_id: str) -> Entries:
        """A task's file is gone."""
        if task_id not in self._tasks:
            return []
        return [{"kind": "task", "id": task_id, "task": None, "changed": ["deleted"]}]

    def learn(self, entry: Mapping[str, Any]) -> None:
        """Takes over a ``task`` entry that is being journalled or read again."""
        old, task = self._tasks.pop(entry["id"], None), entry["task"]
        for each, more in ((old, -1), (task, 1)):
            if each is not None and each.get("status") != "completed":
                self._unfinished[str(each.get("owner"))] += more
        if task is not None:
            self._tasks[entry["id"]] = task

    def ids(self) -> set[str]:
        """Ids of the tasks that exist."""
        return set(self._tasks)

    def task(self, task_id: str) -> Mapping[str, Any]:
        """One task; empty when it is not known."""
        return self._tasks.get(task_id, {})

    def counts(self) -> dict[str, int]:
        """The numbers of the status: total, completed, inProgress, pending."""
        states = [task.get("status") for task in self._tasks.values()]
        completed, working = states.count("completed"), states.count("in_progress")
        pending = len(states) - completed - working
        return {"total": len(states), "completed": completed, "inProgress": working, "pending": pending}

    def open(self, owner: str | None = None) -> int:
        """How many tasks are not completed; those of one owner, or all."""
        return self._unfinished.total() if owner is None else self._unfinished[owner]

    def current(self, agent: str) -> str | None:
        """The task the agent has in progress; the lowest id when there are several."""
        mine = [
            key
            for key, task in self._tasks.items()
            if task.get("owner") == agent and task.get("status") == "in_progress"
        ]
        return min(mine, key=lambda key: (len(key), key), default=None)
