"""Journals and objects of the demonstration's teams, as a hub and a controller would have written them."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from kagents_core.api.constants import TEAM_LEAD
from kagents_tui.sample import leavings
from kagents_tui.sample.data import team
from kagents_tui.sample.journal import arrived, mail, task, used
from kagents_tui.sample.stage.cast import Ask, Cast, Role
from kagents_tui.sample.times import stamp

Object = dict[str, Any]
Told = tuple[float, Object]
"""Seconds from now, and an entry of a journal."""

MODELS: Final = {"opus": "claude-opus-4-1", "sonnet": "claude-sonnet-4-5"}
ENDED: Final = ("Completed", "Failed")


def journal_of(cast: Cast, now: datetime) -> list[Object]:
    """Everything that has happened in a team so far."""
    told: list[Told] = [(-cast.age * 60, {"kind": "phase", "phase": "Running", "message": ""})]
    told += [*_started(cast), *_worked(cast), *_talked(cast, now), *_spent(cast), *_asked(cast)]
    if cast.phase != "Running":
        told.append((-30, {"kind": "phase", "phase": cast.phase, "message": cast.why}))
    told.sort(key=lambda each: each[0])
    return [
        entry | {"seq": number, "at": stamp(now + timedelta(seconds=offset))}
        for number, (offset, entry) in enumerate(told, 1)
    ]


def _started(cast: Cast) -> Iterator[Told]:
    for number, role in enumerate(present(cast)):
        begin = -cast.age * 60 + 5 + number * 4
        yield begin, {"kind": "activity", "agent": role.name, "state": "starting"}
        if cast.phase == "Running":
            doing = {"kind": "activity", "agent": role.name, "state": "working", "detail": role.doing[0]}
            yield begin / 3 + number * 7, doing


def _worked(cast: Cast) -> Iterator[Told]:
    """Tasks are made at the start, and done one after the other."""
    span = cast.age * 60
    for index, (owner, subject) in enumerate(cast.tasks):
        number, state = str(index + 1), state_of(cast, index)
        at_work = [each for each in range(index) if state_of(cast, each) == "in_progress"]
        before = [str(each + 1) for each in at_work[-1:]] if state == "pending" else []
        yield -span + 30 + index * 5, task(number, subject, "pending", "", before)
        at = -span + 60 + (index + 1) * (span - 120) / (len(cast.tasks) + 1)
        if state != "pending":
            yield at, task(number, subject, "in_progress", owner)
        if state == "completed":
            yield at + span / (len(cast.tasks) + 2), task(number, subject, "completed", owner)


def state_of(cast: Cast, index: int) -> str:
    """What has become of a task: those of agents that have started are at work, one an agent."""
    if index < cast.done:
        return "completed"
    owner = cast.tasks[index][0]
    first = all(each != owner for each, _ in cast.tasks[cast.done : index])
    runs = cast.phase == "Running" and owner in {role.name for role in present(cast)}
    return "in_progress" if first and runs else "pending"


def present(cast: Cast) -> list[Role]:
    """The agents that have started."""
    return [role for role in cast.roles if cast.phase in ENDED or not role.after]


def _talked(cast: Cast, now: datetime) -> Iterator[Told]:
    for number, (minutes, sender, receiver, summary, text) in enumerate(cast.talk, 1):
        key, at = f"{cast.name}-{number}", -minutes * 60
        yield at, mail(now, at, key, sender, receiver, text, summary)
        lies = receiver in cast.unread and minutes <= cast.unread[receiver]
        if not lies:
            yield from arrived(now, key, at + 0.9, at + 4 + number % 3)


def _spent(cast: Cast) -> Iterator[Told]:
    """Many small requests that come to the cost of the team."""
    roles, count = present(cast), max(4, min(60, int(cast.age)))
    weights = [1.2 + math.sin(number * 1.7) for number in range(count)]
    for number, weight in enumerate(weights):
        role = roles[number % len(roles)]
        at = -cast.age * 60 + (number + 0.5) * cast.age * 60 / count
        yield at, used(role.name, MODELS[role.model], round(cast.cost * 1e6 * weight / sum(weights)))


def _asked(cast: Cast) -> Iterator[Told]:
    for ask in cast.asks:
        at = -ask.minutes * 60
        detail = f"{ask.tool}: {ask.summary}" if ask.kind == "permission" else ask.summary
        state = {"kind": "activity", "agent": ask.agent, "state": "waiting-permission", "detail": detail}
        yield at - 0.5, state
        yield (
            at,
            {
                "kind": "ask",
                "id": identity(cast, ask),
                "agent": ask.agent,
                "ask": ask.kind,
                "tool": ask.tool,
                "summary": ask.summary,
                "input": dict(ask.given),
                "cut": False,
                "toolUseId": "toolu_1",
                "asked": "",
            },
        )


def identity(cast: Cast, ask: Ask) -> str:
    """The request's id."""
    return f"{ask.kind}-{cast.name}-{ask.agent}"


# The object


def team_of(cast: Cast, journal: Iterable[Object], now: datetime) -> Object:
    """The AgentTeam, its status as its journal has it."""
    journal = list(journal)
    agents = [
        {
            "name": role.name,
            "prompt": role.prompt,
            "model": role.model,
            "dependsOn": list(role.after),
            "restarts": cast.restarts.get(role.name, 0),
            "phase": _phase(cast, role),
            **({"gate": f"spawn-{role.name}"} if role.gate else {}),
            **({"artifacts": [_declared(name) for name in role.makes]} if role.makes else {}),
        }
        for role in cast.roles
        if role.name != "lead"
    ]
    started = len(present(cast)) - 1
    made = team(
        now,
        cast.namespace,
        cast.name,
        cast.phase,
        f"{0 if cast.phase in ('Failed', 'Suspended') else started}/{len(agents)}",
        age=timedelta(minutes=cast.age),
        tasks=(cast.done, len(cast.tasks)),
        cost=f"{cast.cost:.2f}",
        budget=cast.budget,
        agents=agents,
        activity=[_activity(cast, role, journal, now) for role in present(cast)] if _runs(cast) else [],
        conditions=[_succeeded_not(cast, now)] if cast.phase == "Failed" else [],
    )
    spec, status = made["spec"], made["status"]
    spec["lead"]["prompt"] = cast.roles[0].prompt
    spec["lifecycle"]["timeout"] = "4h"
    if cast.repository:
        del spec["workspace"]
        spec["repository"] = {"url": cast.repository, "branch": "main"}
    status["lead"]["restartCount"] = cast.restarts.get("lead", 0)
    status["observedGeneration"] = 1
    count(status, journal)
    if cast.phase == "Completed":
        at = stamp(now - timedelta(minutes=cast.age / 9))
        status["artifacts"] = [_made(role.name, name, at) for role in cast.roles for name in role.makes]
    if not _runs(cast):
        status["lead"]["phase"] = "Completed" if cast.phase == "Completed" else cast.phase
    if cast.phase in ENDED:
        status["completedAt"] = stamp(now - timedelta(minutes=cast.age / 10))
    return made


def _declared(name: str) -> Object:
    return leavings.declared(name) if name in leavings.CONTENT else leavings.COVERAGE


def _made(agent: str, name: str, at: str) -> Object:
    return leavings.kept(agent, name, at) if name in leavings.CONTENT else leavings.missing(agent, at)


def count(status: Object, journal: Collection[Object]) -> None:
    """Writes into a status how much its journal tells: messages of agents, requests to models."""
    kinds = Counter(
        each["kind"] for each in journal if each["kind"] != "message" or each["from"] != TEAM_LEAD
    )
    estimated = any(each.get("estimated") is True for each in journal)
    usage = {"requests": kinds["usage"], "estimated": estimated}
    status |= {"messages": kinds["message"], "usage": usage}


def _runs(cast: Cast) -> bool:
    return cast.phase == "Running"


def _phase(cast: Cast, role: Role) -> str:
    if cast.phase in ("Completed", "Suspended"):
        return cast.phase
    return "Waiting" if role.after or cast.phase == "Failed" else "Running"


def _activity(cast: Cast, role: Role, journal: Iterable[Object], now: datetime) -> Object:
    """What the status says of an agent."""
    found: Object = {
        "agent": role.name,
        "state": "working",
        "since": stamp(now - timedelta(seconds=40)),
        "detail": role.doing[0],
        "heardAt": stamp(now - timedelta(minutes=cast.silent.get(role.name, 0))),
    }
    for index, (owner, _) in enumerate(cast.tasks):
        if owner == role.name and state_of(cast, index) == "in_progress":
            found["task"] = str(index + 1)
    if role.name in cast.unread:
        oldest = now - timedelta(minutes=cast.unread[role.name])
        found |= {"unread": 1, "oldestUnreadAt": stamp(oldest)}
    asked = {each["id"]: each for each in journal if each["kind"] == "ask"}
    for ask in cast.asks:
        if ask.agent == role.name:
            entry = asked[identity(cast, ask)]
            request = {"id": entry["id"], "kind": ask.kind, "tool": ask.tool, "summary": ask.summary}
            request |= {"since": entry["at"], "seq": entry["seq"]}
            found |= {"state": "waiting-permission", "detail": ask.summary, "requests": [request]}
    return found


def _succeeded_not(cast: Cast, now: datetime) -> Object:
    return {
        "type": "Succeeded",
        "status": "False",
        "reason": "AgentFailed",
        "message": cast.why,
        "lastTransitionTime": stamp(now - timedelta(minutes=cast.age / 10)),
    }
