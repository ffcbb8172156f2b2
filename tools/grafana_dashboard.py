"""Writes the chart's Grafana dashboard from the list of its panels below.

Controllers tell the same of all teams, so what they say of teams is the largest of their series, never the
sum; what they say of their own work is summed.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DASHBOARD = ROOT / "charts" / "kagents" / "files" / "grafana-dashboard.json"

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WITHIN = 'namespace=~"$namespace"'
RUNNING = f'{WITHIN},phase="Running"'
HUB = f'{WITHIN},team=~"$team"'
RATE = "[$__rate_interval]"


def largest(metric: str, labels: str, by: str = "namespace") -> str:
    """What controllers tell of teams, by these labels, from whichever tells most."""
    return f"max by ({by}) ({metric}{{{labels}}})"


def quantile(share: str, metric: str, by: str, labels: str = "") -> str:
    """A quantile of a histogram."""
    inside = f"sum by (le, {by}) (rate({metric}_bucket{{{labels}}}{RATE}))"
    return f"histogram_quantile({share}, {inside})"


STAT, LINES = ("stat", 4, 4), ("timeseries", 8, 7)

PANELS: list[tuple[str, tuple[str, int, int], str, list[tuple[str, str]]]] = [
    (
        "Teams running",
        STAT,
        "short",
        [(f"sum({largest('kagents_teams', RUNNING, 'namespace, phase')})", "")],
    ),
    (
        "Waiting for a person",
        STAT,
        "short",
        [(f"sum({largest('kagents_waiting_for_person', WITHIN, 'namespace, kind')}) or vector(0)", "")],
    ),
    ("Longest wait", STAT, "s", [(f"max(kagents_waiting_for_person_oldest_seconds{{{WITHIN}}})", "")]),
    (
        "Spent in 24 hours",
        STAT,
        "currencyUSD",
        [(f"sum(max by (namespace) (increase(kagents_spend_dollars_total{{{WITHIN}}}[24h])))", "")],
    ),
    ("Nearest to its budget", STAT, "percentunit", [(f"max(kagents_budget_share_highest{{{WITHIN}}})", "")]),
    ("Controllers that lead", STAT, "short", [("sum(kagents_leader)", "")]),
    (
        "Teams by phase",
        LINES,
        "short",
        [(f"sum by (phase) ({largest('kagents_teams', WITHIN, 'namespace, phase')})", "{{phase}}")],
    ),
    (
        "Spending an hour, by namespace",
        LINES,
        "currencyUSD",
        [
            (
                f"3600 * max by (namespace) (rate(kagents_spend_dollars_total{{{WITHIN}}}{RATE}))",
                "{{namespace}}",
            )
        ],
    ),
    (
        "Spending an hour, by model (all namespaces)",
        LINES,
        "currencyUSD",
        [(f"3600 * max by (model) (rate(kagents_model_spend_dollars_total{RATE}))", "{{model}}")],
    ),
    (
        "Tokens a minute, by kind (all namespaces)",
        LINES,
        "short",
        [(f"60 * sum by (kind) (max by (model, kind) (rate(kagents_tokens_total{RATE})))", "{{kind}}")],
    ),
    (
        "Waiting for a person, by kind",
        LINES,
        "short",
        [
            (
                f"sum by (kind) ({largest('kagents_waiting_for_person', WITHIN, 'namespace, kind')})",
                "{{kind}}",
            )
        ],
    ),
    (
        "Longest wait for a person",
        LINES,
        "s",
        [
            (
                largest("kagents_waiting_for_person_oldest_seconds", WITHIN, "namespace, kind"),
                "{{namespace}} {{kind}}",
            )
        ],
    ),
    (
        "Highest share of a budget",
        LINES,
        "percentunit",
        [(largest("kagents_budget_share_highest", WITHIN), "{{namespace}}")],
    ),
    (
        "Oldest unread message",
        LINES,
        "s",
        [(largest("kagents_unread_messages_oldest_seconds", WITHIN), "{{namespace}}")],
    ),
    (
        "Restarts of agents in an hour",
        LINES,
        "short",
        [(f"max by (namespace) (increase(kagents_agent_restarts_total{{{WITHIN}}}[1h]))", "{{namespace}}")],
    ),
    (
        "Reconcile: how long",
        LINES,
        "s",
        [
            (quantile(share, "kagents_controller_runtime_reconcile_time_seconds", "controller"), legend)
            for share, legend in (("0.5", "p50 {{controller}}"), ("0.99", "p99 {{controller}}"))
        ],
    ),
    (
        "Queue: how long, how many",
        LINES,
        "short",
        [
            (quantile("0.99", "kagents_workqueue_queue_duration_seconds", "queue"), "p99 seconds"),
            ("sum(kagents_workqueue_depth)", "waiting"),
            ("sum(kagents_controller_runtime_active_workers)", "at work"),
        ],
    ),
    (
        "Reconciles and their errors a second",
        LINES,
        "short",
        [
            (f"sum by (result) (rate(kagents_controller_runtime_reconcile_total{RATE}))", "{{result}}"),
            (f"sum(rate(kagents_workqueue_retries_total{RATE}))", "tried again"),
        ],
    ),
    (
        "Writes a second",
        LINES,
        "short",
        [
            (
                f"sum by (verb, resource) (rate(kagents_writes_total{RATE}))",
                "{{verb}} {{resource}}",
            )
        ],
    ),
    (
        "Writes that failed, by reason",
        LINES,
        "short",
        [(f"sum by (reason) (rate(kagents_write_failures_total{RATE}))", "{{reason}}")],
    ),
    (
        "Events, webhooks, broken watches",
        LINES,
        "short",
        [
            (f"sum by (outcome) (rate(kagents_events_total{RATE}))", "events {{outcome}}"),
            (f"sum by (outcome) (rate(kagents_webhook_attempts_total{RATE}))", "webhooks {{outcome}}"),
            ("sum(kagents_watches_broken)", "broken watches"),
        ],
    ),
    (
        "Mail: from written to delivered",
        LINES,
        "s",
        [
            (quantile(share, "kagents_team_mail_delivery_seconds", "team", HUB), legend)
            for share, legend in (("0.5", "p50 {{team}}"), ("0.95", "p95 {{team}}"))
        ],
    ),
    (
        "Agents by what they do",
        LINES,
        "short",
        [(f"sum by (state) (kagents_agent_state{{{HUB}}})", "{{state}}")],
    ),
    (
        "Cost of teams that serve metrics",
        LINES,
        "currencyUSD",
        [(f"max by (namespace, team) (kagents_team_cost_dollars{{{HUB}}})", "{{namespace}}/{{team}}")],
    ),
]


def panels() -> list[dict[str, Any]]:
    """The panels, laid out in rows of 24 columns."""
    made: list[dict[str, Any]] = []
    x = y = height = 0
    for number, (title, (kind, width, tall), unit, queries) in enumerate(PANELS, 1):
        if x + width > 24:
            x, y = 0, y + height
        targets = [
            {"datasource": DATASOURCE, "expr": query, "legendFormat": legend, "refId": chr(ord("A") + at)}
            for at, (query, legend) in enumerate(queries)
        ]
        made.append(
            {
                "id": number,
                "title": title,
                "type": kind,
                "datasource": DATASOURCE,
                "gridPos": {"x": x, "y": y, "w": width, "h": tall},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": targets,
            }
        )
        x, height = x + width, tall
    return made


def variable(name: str, query: str) -> dict[str, Any]:
    """A choice of values of a label."""
    return {
        "name": name,
        "type": "query",
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> dict[str, Any]:
    """The whole dashboard as Grafana imports it."""
    source = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    teams = f"label_values(kagents_team_phase{{{WITHIN}}}, team)"
    return {
        "uid": "kagents",
        "title": "kagents",
        "tags": ["kagents"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                source,
                variable("namespace", "label_values(kagents_teams, namespace)"),
                variable("team", teams),
            ]
        },
        "panels": panels(),
    }


if __name__ == "__main__":
    DASHBOARD.write_text(json.dumps(dashboard(), indent=1) + "\n", encoding="utf-8")
    sys.exit(0)
