"""Tasks: ``tasks/<team>/<id>.json``, written in place under their native locks.

The file format has no compare-and-set; ``update_task`` takes a function that sees the task under its lock, so
that two agents of kagents never claim the same one.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from kagents_core.teamfiles.files import NotRegularError, TooLargeError, read_bounded, write_all
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.locks import TASK_BUDGET, lock
from kagents_core.teamfiles.mailbox import Malformed
from kagents_core.teamfiles.nativejson import NotJsonError, excerpt, indented, parse

TASK_LIMIT: Final = 256 * 1024
"""Bytes of a task that are read or written."""
TASK_COUNT_LIMIT: Final = 10_000
"""Tasks of a team that are read; the lowest ids are kept."""

Status = Literal["pending", "in_progress", "completed"]

_FIELD_ORDER: Final = (
    "id",
    "subject",
    "description",
    "activeForm",
    "owner",
    "status",
    "blocks",
    "blockedBy",
    "metadata",
)
_READ_ATTEMPTS: Final = 4
_READ_PAUSE: Final = 0.03


class TaskError(ValueError):
    """A task that does not exist, cannot be read, or would become too large; one plain sentence."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task. ``raw`` is the native object with every field, known or not."""

    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id, a decimal number as text."""
        return str(self.raw["id"])

    @property
    def subject(self) -> str:
        """What is to be done, in one line."""
        return str(self.raw["subject"])

    @property
    def description(self) -> str:
        """What is to be done, in full."""
        value = self.raw.get("description")
        return value if isinstance(value, str) else ""

    @property
    def owner(self) -> str | None:
        """Who does it; None when nobody does (natively also an empty text)."""
        value = self.raw.get("owner")
        return value if isinstance(value, str) and value else None

    @property
    def status(self) -> str:
        """``pending``, ``in_progress`` or ``completed``; what a newer CLI writes is passed on."""
        return str(self.raw["status"])

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """Ids of the tasks that come first; completed ones stay in the list."""
        return _ids(self.raw.get("blockedBy"))

    @property
    def blocks(self) -> tuple[str, ...]:
        """Ids of the tasks that wait for this one."""
        return _ids(self.raw.get("blocks"))


def _ids(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


Change = Callable[[Task], Mapping[str, Any] | None]
"""Gets the task as it is under its lock; returns the fields to set, or None to leave it alone."""


@dataclass(frozen=True, slots=True)
class TaskList:
    """The tasks of a team in the order of their ids, and what could not be read."""

    tasks: tuple[Task, ...]
    malformed: tuple[Malformed, ...]


def parse_task(data: bytes, source: str) -> Task | Malformed:
    """The task in a file's content."""
    try:
        value = parse(data)
    except NotJsonError as error:
        return Malformed(source, str(error), excerpt(data))
    if not isinstance(value, dict):
        return Malformed(source, "not an object", excerpt(value))
    for field in ("id", "subject", "status"):
        if not isinstance(value.get(field), str):
            return Malformed(source, f"{field} is missing or not a text", excerpt(value))
    if f"{value['id']}.json" != source:
        return Malformed(source, "its id is not the file's name", excerpt(value))
    return Task(value)


async def read_task(layout: TeamLayout, task_id: str) -> Task | Malformed | None:
    """One task without a lock; None when there is none. A half-written file is read again a few times."""
    path = layout.task(task_id)
    found: Task | Malformed | None = None
    for attempt in range(_READ_ATTEMPTS):
        if attempt:
            await asyncio.sleep(_READ_PAUSE)
        found = _read_once(path)
        if not isinstance(found, Malformed):
            return found
    return found


def _read_once(path: Path) -> Task | Malformed | None:
    try:
        return parse_task(read_bounded(path, TASK_LIMIT), path.name)
    except FileNotFoundError:
        return None
    except (TooLargeError, NotRegularError) as error:
        return Malformed(path.name, str(error.strerror), "")


async def list_tasks(layout: TeamLayout) -> TaskList:
    """Every task of the team, without locks."""
    tasks: list[Task] = []
    malformed: list[Malformed] = []
    ids = task_ids(layout)
    for task_id in ids[:TASK_COUNT_LIMIT]:
        found = await read_task(layout, task_id)
        if isinstance(found, Task):
            tasks.append(found)
        elif found is not None:
            malformed.append(found)
    if len(ids) > TASK_COUNT_LIMIT:
        malformed.append(Malformed(layout.tasks.name, f"more than {TASK_COUNT_LIMIT} tasks", ""))
    return TaskList(tuple(tasks), tuple(malformed))


def task_ids(layout: TeamLayout) -> list[str]:
    """The ids that the directory's file names say, in numeric order, then the others."""
    try:
        names = [entry.name for entry in os.scandir(layout.tasks)]
    except FileNotFoundError:
        return []
    ids = [
        name.removesuffix(".json") for name in names if name.endswith(".json") and not name.startswith(".")
    ]
    return sorted((found for found in ids if _acceptable(layout, found)), key=_order)


def _acceptable(layout: TeamLayout, task_id: str) -> bool:
    try:
        layout.task(task_id)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _order(task_id: str) -> tuple[int, int, str]:
    return (0, int(task_id), "") if _is_number(task_id) else (1, 0, task_id)


async def create_task(
    layout: TeamLayout,
    subject: str,
    description: str = "",
    *,
    active_form: str | None = None,
    owner: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Task:
    """Creates a pending task with the next id, never a used one. Raises ``LockTimeoutError``."""
    _touch(layout.task_creation)
    async with lock(layout.task_creation, budget=TASK_BUDGET) as held:
        raw: dict[str, Any] = {"id": _next_id(layout), "subject": subject, "description": description}
        if active_form is not None:
            raw["activeForm"] = active_form
        if owner is not None:
            raw["owner"] = owner
        raw |= {"status": "pending", "blocks": [], "blockedBy": []}
        if metadata is not None:
            raw["metadata"] = dict(metadata)
        held.verify()
        _write_in_place(layout.task(str(raw["id"])), raw)
    return Task(raw)


async def update_task(layout: TeamLayout, task_id: str, change: Mapping[str, Any] | Change) -> Task | None:
    """Sets fields of a task under its lock and returns it; None when the change said to leave it alone.

    Fields that are not named stay, also unknown ones; ``metadata`` is merged, and a null there removes its
    key, as natively. Raises ``TaskError`` when the task is missing or unreadable, ``LockTimeoutError``.
    """
    path = layout.task(task_id)
    if not path.exists():
        raise TaskError(f"There is no task {task_id}.")
    async with lock(path, budget=TASK_BUDGET) as held:
        task = _read_once(path)
        if task is None:
            raise TaskError(f"There is no task {task_id}.")
        if isinstance(task, Malformed):
            raise TaskError(f"Task {task_id} cannot be read: {task.reason}.")
        fields = change(task) if callable(change) else change
        if fields is None:
            return None
        raw = _ordered(_merged(task.raw, fields))
        if raw != task.raw:
            held.verify()
            _write_in_place(path, raw)
    return Task(raw)


async def delete_task(layout: TeamLayout, task_id: str) -> None:
    """Removes a task for ever; its id is not used again. Deleting twice is no error."""
    path = layout.task(task_id)
    _touch(layout.task_creation)
    async with lock(layout.task_creation, budget=TASK_BUDGET):
        mark = max(_high_water_mark(layout), max(map(_number, task_ids(layout)), default=0))
        _write_bytes_in_place(layout.high_water_mark, str(mark).encode())
        path.unlink(missing_ok=True)


def _merged(raw: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(raw) | {name: value for name, value in fields.items() if name != "metadata"}
    if fields.get("metadata") is not None:
        old = raw.get("metadata")
        metadata = (dict(old) if isinstance(old, dict) else {}) | dict(fields["metadata"])
        merged["metadata"] = {key: value for key, value in metadata.items() if value is not None}
    return merged


def _ordered(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Known fields in the native order, then the unknown ones as they came."""
    known = {name: raw[name] for name in _FIELD_ORDER if name in raw}
    return known | {name: value for name, value in raw.items() if name not in known}


def _number(task_id: str) -> int:
    return int(task_id) if _is_number(task_id) else 0


def _next_id(layout: TeamLayout) -> str:
    return str(1 + max(_high_water_mark(layout), max(map(_number, task_ids(layout)), default=0)))


def _high_water_mark(layout: TeamLayout) -> int:
    try:
        text = read_bounded(layout.high_water_mark, 64).decode("ascii", "replace").strip()
    except (FileNotFoundError, TooLargeError, NotRegularError):
        return 0
    return _number(text)


def _touch(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644))


def _write_in_place(path: Path, raw: Mapping[str, Any]) -> None:
    data = indented(raw)
    if len(data) > TASK_LIMIT:
        raise TaskError(f"Task {path.stem} would be larger than {TASK_LIMIT} bytes; nothing was changed.")
    _write_bytes_in_place(path, data)


def _write_bytes_in_place(path: Path, data: bytes) -> None:
    """Writes, then cuts, as the native CLI does: the file is never empty meanwhile."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        write_all(descriptor, data)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)
