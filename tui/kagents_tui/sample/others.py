"""Runs, templates and events beside the sample teams."""

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
