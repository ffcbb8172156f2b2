"""Runs, templates, budgets, records of usage and events beside the sample teams."""

from datetime import datetime, timedelta
from typing import Any, Final

from kagents_core.api.constants import GROUP, VERSION

Object = dict[str, Any]
API: Final = f"{GROUP}/{VERSION}"


def _metadata(namespace: str, name: str, created: datetime) -> Object:
    return {
        "namespace": namespace,
        "name": name,
        "uid": f"uid-{namespace}-{name}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def templates(now: datetime) -> list[Object]:
    """Two that can be run, one that cannot."""
    told = (
        ("dev-agents", "review-team", 3, "Three reviewers and one who sums up", True),
        ("dev-agents", "docs-team", 2, "Writes and checks the documentation", True),
        ("ops-agents", "incident-team", 4, "Looks at an incident from four sides", False),
    )
    return [
        {
            "apiVersion": API,
            "kind": "AgentTeamTemplate",
            "metadata": _metadata(namespace, name, now - timedelta(days=9)),
            "spec": {
                "description": description,
                "teammates": [{"name": f"agent-{number}"} for number in range(teammates)],
            },
            "status": {
                "ready": ready,
                "teammates": teammates,
                "conditions": []
                if ready
                else [{"type": "Ready", "status": "False", "message": "agent-3 depends on nobody known"}],
            },
        }
        for namespace, name, teammates, description, ready in told
    ]


def runs(now: datetime) -> list[Object]:
    """One that runs, one that has completed, one that failed."""
    told = (
        ("dev-agents", "docs-sweep", "docs-team", "Running", "4/4", "2.07", timedelta(hours=1)),
        ("dev-agents", "review-1187", "review-team", "Completed", "3/3", "1.10", timedelta(hours=20)),
        ("ops-agents", "incident-42", "incident-team", "Failed", "0/4", "0.12", timedelta(days=2)),
    )
    return [
        {
            "apiVersion": API,
            "kind": "AgentTeamRun",
            "metadata": _metadata(namespace, name, now - old),
            "spec": {"templateRef": {"name": template}},
            "status": {"phase": phase, "ready": ready, "estimatedCost": cost, "teamName": name},
        }
        for namespace, name, template, phase, ready, cost, old in told
    ]


def events(now: datetime) -> list[Object]:
    """What the controller told of teams, and one of a pod, which is no object of kagents."""
    told = (
        (
            "cowork-agents",
            "AgentTeam",
            "q3-report",
            "Normal",
            "WaitingForApproval",
            "gate spawn-email-drafter",
            2,
        ),
        ("ops-agents", "AgentTeam", "dependency-bump", "Warning", "AgentFailed", "lead: exit code 64", 1560),
        ("dev-agents", "AgentTeamRun", "docs-sweep", "Normal", "TeamCreated", "made team docs-sweep", 61),
        ("dev-agents", "Pod", "auth-refactor-lead-1a2b3", "Normal", "Scheduled", "assigned to node-1", 14),
    )
    return [
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": _metadata(namespace, f"{name}.{number}", now - timedelta(minutes=minutes)),
            "involvedObject": {
                "apiVersion": "v1" if kind == "Pod" else API,
                "kind": kind,
                "namespace": namespace,
                "name": name,
                "uid": f"{'5f3c' if kind == 'AgentTeam' else 'uid'}-{namespace}-{name}",
            },
            "type": type_,
            "reason": reason,
            "message": message,
            "count": number + 1,
            "lastTimestamp": (now - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for number, (namespace, kind, name, type_, reason, message, minutes) in enumerate(told)
    ]


def budgets(now: datetime) -> list[Object]:
    """One that is exceeded, one that soon will be, one that has room, one that cannot be read."""
    end = (now + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = (
        ("dev-agents", "sprint", "week", "20.00", None, 21_400_000, 3, "block", "Exceeded"),
        ("cowork-agents", "marketing", "month", "100.00", None, 83_050_000, 5, "stop", "Warning"),
        ("ops-agents", "nightly", "day", None, 2_000_000, 610_000, 1, "block", ""),
        ("ops-agents", "abroad", "month", "50.00", None, 0, 0, "block", "InvalidSpec"),
    )
    words = {
        "Exceeded": f"$20.00 a week are spent: no further agent of its teams starts until {end}",
        "Warning": "80 % of $100.00 a month are spent",
        "InvalidSpec": 'spec.timeZone: "Europe/Nowhere": a time zone is a name of the IANA database',
    }
    return [
        {
            "apiVersion": API,
            "kind": "AgentBudget",
            "metadata": _metadata(namespace, name, now - timedelta(days=30)),
            "spec": {"period": period, "onExceeded": then}
            | ({"limit": limit} if limit else {"tokens": tokens}),
            "status": {
                "costMicros": cost,
                "tokens": cost // 4,
                "estimated": name == "nightly",
                "teams": teams,
                "periodEnd": end,
                "conditions": [
                    {"type": said or "Exceeded", "status": str(bool(said)), "message": words.get(said)}
                ],
            },
        }
        for namespace, name, period, limit, tokens, cost, teams, then, said in told
    ]


def usages(now: datetime) -> list[Object]:
    """Records of teams that are gone, and one of a team that is still there."""
    told = (
        ("dev-agents", "review-1187", "Completed", 1_100_000, False, timedelta(hours=20)),
        ("ops-agents", "incident-41", "BudgetExceeded", 15_020_000, True, timedelta(days=6)),
        ("dev-agents", "api-audit", "Completed", 4_110_000, False, timedelta(hours=3)),
    )
    return [
        {
            "apiVersion": API,
            "kind": "AgentUsage",
            "metadata": _metadata(namespace, f"{name}-0123456789ab", now - old),
            "spec": {
                "team": name,
                "uid": f"5f3c-{namespace}-{name}",
                "phase": phase,
                "endedAt": (now - old).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "cost": f"{cost / 1_000_000:.2f}",
                "costMicros": cost,
                "estimated": estimated,
                "requests": cost // 20_000,
                "inputTokens": cost // 3,
            },
        }
        for namespace, name, phase, cost, estimated, old in told
    ]
