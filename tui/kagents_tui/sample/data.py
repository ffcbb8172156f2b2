"""Fixed teams, a journal and a log, told relative to one moment."""

from datetime import datetime, timedelta
from typing import Any

from kagents_core.api.constants import API_VERSION
from kagents_tui.sample.asks import QUESTION, requested
from kagents_tui.sample.journal import journal
from kagents_tui.sample.leavings import COVERAGE, declared, kept, missing
from kagents_tui.sample.times import stamp

Object = dict[str, Any]

__all__ = ["LOG", "journal", "stamp", "team", "teams"]


def team(
    now: datetime,
    namespace: str,
    name: str,
    phase: str,
    ready: str,
    *,
    age: timedelta,
    tasks: tuple[int, int] | None = None,
    cost: str | None = None,
    budget: str | None = None,
    agents: list[Object] | None = None,
    activity: list[Object] | None = None,
    harness: str = "claude-code",
    conditions: list[Object] | None = None,
    told: tuple[int, int] | None = None,
    left: Object | None = None,
) -> Object:
    """One AgentTeam object. ``told`` is how much its journal tells: messages, requests to models.

    ``left`` are further fields of its status.
    """
    ended = {"phase": "Completed"} if phase == "Completed" else {}
    agents = agents or [{"name": "backend"} | ended, {"name": "tests", "dependsOn": ["backend"]} | ended]
    lifecycle: Object = {"timeout": "2h", "onComplete": "notify"}
    if budget:
        lifecycle["budgetLimit"] = budget
    lifecycle["approvalGates"] = [{"event": each["gate"]} for each in agents if "gate" in each]
    status: Object = {
        "phase": phase,
        "ready": ready,
        "startedAt": stamp(now - age),
        "lead": {"podName": f"{name}-lead-1a2b3", "phase": "Running"} | ended,
        "teammates": [teammate_status(name, each) for each in agents],
        "activity": activity or [],
        "conditions": conditions or [],
    }
    if tasks:
        status["tasks"] = {"total": tasks[1], "completed": tasks[0]}
    if cost:
        status |= {"estimatedCost": cost, "usage": {"estimated": False}}
    if told:
        status |= {"messages": told[0], "usage": {"requests": told[1], "estimated": False}}
    status |= left or {}
    if phase in ("Completed", "Failed"):
        status["completedAt"] = stamp(now)
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentTeam",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": f"5f3c-{namespace}-{name}",
            "resourceVersion": "1",
            "creationTimestamp": stamp(now - age),
            "generation": 1,
        },
        "spec": {
            "workspace": {"output": {"mountPath": "/workspace/output"}},
            "harness": harness,
            "lead": {"model": "opus", "prompt": "Coordinate the work."},
            "teammates": [teammate(each) for each in agents],
            "lifecycle": lifecycle,
        },
        "status": status,
    }


def teammate(agent: Object) -> Object:
    """The spec of a teammate."""
    prompt = agent.get("prompt", f"Do the {agent['name']} part.")
    return {
        "name": agent["name"],
        "model": "sonnet",
        "prompt": prompt,
        "dependsOn": agent.get("dependsOn", []),
        **{key: agent[key] for key in ("artifacts", "inputs") if key in agent},
    }


def teammate_status(team_name: str, agent: Object) -> Object:
    """The status of a teammate: it waits for its gate, for others, or runs."""
    shown: Object = {
        "name": agent["name"],
        "phase": agent.get("phase", "Running"),
        "restartCount": agent.get("restarts", 0),
    }
    if "gate" in agent:
        return shown | {
            "phase": "Waiting",
            "pendingApproval": agent["gate"],
            "waitingFor": f"approval: {agent['gate']}",
        }
    if shown["phase"] == "Waiting":
        return shown | {"waitingFor": "dependsOn: " + ", ".join(agent.get("dependsOn", []))}
    return shown | {"podName": f"{team_name}-{agent['name']}-4c5d6"}


def left_by_audit(at: str) -> Object:
    """What a team that has ended leaves: results, and artifacts of which one is missing."""
    made = [kept("backend", "findings", at), kept("backend", "routes", at), missing("tests", at)]
    results = [{"agent": "backend", "values": {"endpoints": "118", "unsafe": "2"}}]
    return {"results": results, "artifacts": made}


def teams(now: datetime) -> list[Object]:
    """A handful of teams in every state that matters."""
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    drafter = {
        "name": "email-drafter",
        "gate": "spawn-email-drafter",
        "dependsOn": ["researcher"],
        "inputs": [{"from": "researcher/findings"}],
        "prompt": "Draft follow-up emails for all Q3 prospects.\nDo not send any of them.",
    }
    asks = {
        "agent": "backend-api",
        "state": "waiting-permission",
        "since": stamp(now - 3 * minute),
        "detail": QUESTION,
        "requests": [requested(stamp(now - 3 * minute))],
    }
    unread = {
        "agent": "lead",
        "state": "working",
        "since": stamp(now - minute),
        "unread": 2,
        "oldestUnreadAt": stamp(now - 9 * minute),
    }
    works = {"agent": "lead", "state": "working", "since": stamp(now - minute)}
    failed = [
        {
            "type": "Succeeded",
            "status": "False",
            "reason": "AgentFailed",
            "message": "the lead ended with exit code 64: the API key was refused",
        }
    ]
    return [
        team(
            now,
            "dev-agents",
            "docs-sweep",
            "Running",
            "4/4",
            age=hour,
            tasks=(11, 16),
            cost="2.07",
            told=(64, 212),
            budget="5.00",
            activity=[works],
        ),
        team(
            now,
            "cowork-agents",
            "q3-report",
            "Running",
            "2/3",
            age=2 * hour,
            tasks=(5, 9),
            cost="3.80",
            told=(38, 141),
            budget="15.00",
            agents=[{"name": "researcher", "artifacts": [declared("findings")]}, drafter],
            activity=[works],
        ),
        team(
            now,
            "dev-agents",
            "api-audit",
            "Completed",
            "3/3",
            age=3 * hour,
            tasks=(14, 14),
            cost="4.11",
            told=(71, 260),
            agents=[
                {
                    "name": "backend",
                    "phase": "Completed",
                    "artifacts": [declared("findings"), declared("routes")],
                },
                {"name": "tests", "phase": "Completed", "artifacts": [COVERAGE], "dependsOn": ["backend"]},
            ],
            left=left_by_audit(stamp(now - 40 * minute)),
        ),
        team(
            now,
            "dev-agents",
            "auth-refactor",
            "Running",
            "2/3",
            age=14 * minute,
            tasks=(7, 12),
            cost="1.42",
            told=(4, 11),
            budget="30.00",
            agents=[
                {"name": "backend-api"},
                {"name": "test-coverage", "dependsOn": ["backend-api"], "phase": "Waiting"},
            ],
            activity=[works, asks],
        ),
        team(
            now,
            "dev-agents",
            "billing-fix",
            "Running",
            "1/2",
            age=31 * minute,
            tasks=(1, 4),
            cost="0.31",
            told=(9, 37),
            activity=[unread],
        ),
        team(
            now,
            "ops-agents",
            "dependency-bump",
            "Failed",
            "0/2",
            age=26 * hour,
            tasks=(0, 3),
            cost="0.02",
            conditions=failed,
        ),
        team(
            now,
            "ops-agents",
            "log-triage",
            "Suspended",
            "0/2",
            age=5 * hour,
            tasks=(2, 6),
            cost="0.88",
            told=(12, 55),
        ),
        team(
            now,
            "ops-agents",
            "rehearsal",
            "Running",
            "3/3",
            age=4 * minute,
            tasks=(1, 5),
            harness="simulated",
            activity=[works | {"simulated": True}],
        ),
    ]


LOG = """\
14:02:11 turn 7 starts: mail from lead
14:02:12 read src/auth/middleware.py
14:02:15 The token table has to stay; only the middleware goes.
14:02:40 edit src/auth/oauth.py (+82 -14)
14:03:02 bash: pytest tests/auth -q
14:03:09 12 passed in 4.1s
14:03:11 task 2: in progress
14:06:40 message to lead: Endpoints are in 3f2c1a.
"""
