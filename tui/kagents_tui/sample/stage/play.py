"""The demonstration goes on: agents turn to other things, spend, write, finish tasks."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from kagents_core.api.quantities import format_money
from kagents_tui.sample.journal import used
from kagents_tui.sample.stage.cast import Cast, Role
from kagents_tui.sample.stage.stage import CASTS, Stage, stage
from kagents_tui.sample.stage.told import MODELS, count
from kagents_tui.sample.times import stamp
from kagents_tui.session import Connection

Object = dict[str, Any]

BEAT_SECONDS: Final = 1.5
CONTEXT: Final = "demonstration"
TASK_BEATS: Final = 30
"""Beats between two steps of a team's tasks."""
LETTERS: Final = (
    ("lead", "How far are you? One line is enough."),
    ("", "Nearly there; the last part is being checked."),
    ("lead", "Good. Write to me once it holds."),
    ("", "One thing was odd, I have noted it in the task."),
)


def beat(stage: Stage, number: int) -> None:
    """One step of the play: mail is looked at, one team does something."""
    look_at_mail(stage)
    running = [each for each in stage.teams if each["status"]["phase"] == "Running"]
    if not running:
        return
    team = running[number % len(running)]
    cast = CASTS[team["metadata"]["name"]]
    role = free(team, cast, number // len(running))
    if role is None:
        return
    if number % 7 == 3:
        chat(stage, cast, role, number)
    stage.change(cast.namespace, cast.name, lambda now: work(stage, now, cast, role, number))


def free(team: Object, cast: Cast, number: int) -> Role | None:
    """An agent of the team that is at work, is heard of and asks nothing."""
    at_work = {each["agent"] for each in team["status"]["activity"] if each["state"] == "working"}
    found = [role for role in cast.roles if role.name in at_work and role.name not in cast.silent]
    return found[number % len(found)] if found else None


def work(stage: Stage, team: Object, cast: Cast, role: Role, number: int) -> None:
    """The agent turns to something else and spends a little; now and then a task goes on."""
    status, detail = team["status"], role.doing[number % len(role.doing)]
    doing = next(each for each in status["activity"] if each["agent"] == role.name)
    doing |= {"detail": detail, "since": stamp(stage.now()), "heardAt": stamp(stage.now())}
    stage.tell(cast.name, "activity", agent=role.name, state="working", detail=detail)
    spent = 4_000 + number * 7_919 % 21_000
    stage.tell(cast.name, **used(role.name, MODELS[role.model], spent))
    told = (each for each in stage.journals[cast.name] if each["kind"] == "usage")
    status["estimatedCost"] = format_money(sum(each["costMicros"] for each in told))
    count(status, stage.journals[cast.name])
    if number % TASK_BEATS >= TASK_BEATS - len(stage.teams):
        tasks_go_on(stage, team, cast, doing)


def tasks_go_on(stage: Stage, team: Object, cast: Cast, doing: Object) -> None:
    """The agent's task is done, and it takes its next one, if there is one."""
    latest = {each["id"]: each["task"] for each in stage.journals[cast.name] if each["kind"] == "task"}
    mine = latest.get(doing.pop("task", ""))
    if mine is not None:
        latest[mine["id"]] = mine | {"status": "completed"}
        write_task(stage, cast.name, latest[mine["id"]])
        team["status"]["tasks"]["completed"] += 1
    for index, (owner, _) in enumerate(cast.tasks):
        task = latest.get(str(index + 1))
        if owner == doing["agent"] and task is not None and may_start(task, latest):
            doing["task"] = task["id"]
            write_task(stage, cast.name, task | {"status": "in_progress", "owner": owner})
            return


def may_start(task: Object, latest: Mapping[str, Object]) -> bool:
    """Whether nobody has begun it and nothing it waits for is open."""
    open_before = [each for each in task["blockedBy"] if latest[each]["status"] != "completed"]
    return task["status"] == "pending" and not open_before


def write_task(stage: Stage, team: str, task: Object) -> None:
    """A task as it is from now on."""
    stage.tell(team, "task", id=task["id"], task=task, changed=["status"])


def chat(stage: Stage, cast: Cast, role: Role, number: int) -> None:
    """The lead asks, or the agent answers."""
    if role.name == "lead" or "lead" in cast.unread:
        return
    sender, text = LETTERS[number % len(LETTERS)]
    names = ("lead", role.name) if sender == "lead" else (role.name, "lead")
    stage.write(cast.name, f"{cast.name}-played-{number}", *names, "", text)


def look_at_mail(stage: Stage) -> None:
    """What lay in a mailbox is delivered and looked at; an agent that asks a person looks at nothing."""
    asking = {
        (team["metadata"]["name"], each["agent"])
        for team in stage.teams
        for each in team["status"]["activity"]
        if each["state"] == "waiting-permission"
    }
    left = []
    for team, key, receiver in stage.lying:
        if (team, receiver) in asking:
            left.append((team, key, receiver))
            continue
        stage.tell(team, "delivery", id=key, delivered=stamp(stage.now()))
        stage.tell(team, "seen", id=key, seen=stamp(stage.now()))
    stage.lying = left


@dataclass(slots=True)
class StageConnector:
    """Opens the demonstration; it needs no cluster, no engine and no key."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    beat_seconds: float = BEAT_SECONDS
    _playing: set[asyncio.Task[None]] = field(default_factory=set)

    async def connect(self, context: str | None, tell: Callable[[str], None]) -> Connection:
        """Begins it."""
        cluster = stage(self.now)
        self._playing.add(asyncio.create_task(self._play(cluster)))
        return Connection(cluster, CONTEXT)  # type: ignore[arg-type]  # has the methods that are used

    async def _play(self, cluster: Stage) -> None:
        number = 0
        while True:
            await asyncio.sleep(self.beat_seconds)
            beat(cluster, number)
            number += 1

    async def close(self, connection: Connection) -> None:
        """Ends it."""
        for task in self._playing:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._playing.clear()

    def contexts(self) -> list[str]:
        """There is one."""
        return [CONTEXT]
