"""The fixed journal of one team: mail of several kinds, tasks, one of them claimed twice, and spending."""

from datetime import datetime, timedelta
from typing import Any

from kagents_tui.sample.asks import QUESTION, asked
from kagents_tui.sample.times import stamp

Object = dict[str, Any]


def journal(now: datetime) -> list[Object]:
    """The journal of auth-refactor."""
    told = sorted([*work(now), *talk(now), *spending()], key=lambda each: each[0])
    return [
        entry | {"seq": number, "at": stamp(now + timedelta(seconds=offset))}
        for number, (offset, entry) in enumerate(told, 1)
    ]


def work(now: datetime) -> list[tuple[float, Object]]:
    """Phases, what the agents do, and the tasks; one of them is claimed twice."""
    note = "Write the migration note"
    return [
        (-840, {"kind": "phase", "phase": "Running", "message": ""}),
        (-835, {"kind": "activity", "agent": "lead", "state": "starting"}),
        (-830, {"kind": "activity", "agent": "backend-api", "state": "starting"}),
        (-800, task("1", "Remove the JWT middleware", "in_progress", "backend-api")),
        (-795, task("2", "OAuth2 endpoints", "pending", "")),
        (-790, task("3", "Integration tests", "pending", "test-coverage", ["2"])),
        (-785, task("4", note, "pending", "")),
        (-700, task("1", "Remove the JWT middleware", "completed", "backend-api")),
        (-600, task("2", "OAuth2 endpoints", "in_progress", "backend-api")),
        (-595, {"kind": "activity", "agent": "backend-api", "state": "working", "detail": "Edit oauth.py"}),
        (-590, {"kind": "activity", "agent": "lead", "state": "working", "detail": "reviewing task 2"}),
        (-500, task("4", note, "in_progress", "lead")),
        (-350, task("4", note, "in_progress", "backend-api")),
        (
            -181,
            {
                "kind": "activity",
                "agent": "backend-api",
                "state": "waiting-permission",
                "detail": QUESTION,
            },
        ),
        (-180, asked()),
    ]


def talk(now: datetime) -> list[tuple[float, Object]]:
    """Mail, and what became of it."""
    question = "Endpoints are in 3f2c1a. Which database do the integration tests use?"
    assigned = mail(now, -641, "m0", "lead", "backend-api", "", "") | {
        "type": "task_assignment",
        "data": {"type": "task_assignment", "taskId": "2", "subject": "OAuth2 endpoints"},
    }
    idle = mail(now, -610, "m4", "backend-api", "team-lead", "", "") | {
        "type": "idle_notification",
        "data": {"type": "idle_notification", "idleReason": "available", "summary": "task 1 is done"},
    }
    return [
        (-641, assigned),
        *arrived(now, "m0", -640.8, -640.5),
        (
            -640,
            mail(now, -640, "m1", "lead", "backend-api", "Task 2 is yours. Keep the token table.", "Task 2"),
        ),
        *arrived(now, "m1", -639.4, -639.2),
        (-610, idle),
        *arrived(now, "m4", -609.9, -609.8),
        (-420, mail(now, -420, "m2", "backend-api", "lead", question, "")),
        (-419, {"kind": "delivery", "id": "m2", "delivered": stamp(now - timedelta(seconds=419))}),
        (-60, mail(now, -60, "m3", "lead", "backend-api", "PostgreSQL 16, the one in compose.yaml.", "")),
    ]


def arrived(now: datetime, key: str, delivered: float, seen: float) -> list[tuple[float, Object]]:
    """A message left its mailbox, and was looked at."""
    return [
        (
            delivered + 0.2,
            {"kind": "delivery", "id": key, "delivered": stamp(now + timedelta(seconds=delivered))},
        ),
        (seen + 0.2, {"kind": "seen", "id": key, "seen": stamp(now + timedelta(seconds=seen))}),
    ]


def spending() -> list[tuple[float, Object]]:
    """Requests to models, most of them by the agent that writes the code."""
    coder = [
        (-780, 40_000),
        (-690, 120_000),
        (-560, 190_000),
        (-480, 90_000),
        (-418, 150_000),
        (-200, 120_000),
    ]
    lead = [(-820, 110_000), (-645, 180_000), (-417, 200_000), (-62, 130_000)]
    return [
        *((at, used("backend-api", "claude-sonnet-4-5", cost)) for at, cost in coder),
        *((at, used("lead", "claude-opus-4-1", cost)) for at, cost in lead),
        (-300, used("lead", "claude-haiku-4-5", 90_000)),
    ]


def used(agent: str, model: str, cost: int) -> Object:
    """A usage entry."""
    return {
        "kind": "usage",
        "agent": agent,
        "model": model,
        "costMicros": cost,
        "estimated": False,
        "inputTokens": cost // 90,
        "outputTokens": cost // 55,
        "cacheReadTokens": cost // 2,
        "cacheWriteTokens": cost // 8,
    }


def task(number: str, subject: str, status: str, owner: str, blocked_by: list[str] | None = None) -> Object:
    """A task entry."""
    native = {
        "id": number,
        "subject": subject,
        "status": status,
        "owner": owner,
        "blockedBy": blocked_by or [],
    }
    return {"kind": "task", "id": number, "task": native, "changed": ["status"]}


def mail(
    now: datetime, offset: float, key: str, sender: str, receiver: str, text: str, summary: str
) -> Object:
    """A message entry."""
    written = stamp(now + timedelta(seconds=offset))
    return {
        "kind": "message",
        "id": key,
        "from": sender,
        "to": receiver,
        "type": "message",
        "text": text,
        "summary": summary,
        "written": written,
    }
