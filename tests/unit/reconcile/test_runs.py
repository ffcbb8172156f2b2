"""Runs make their team once; templates say whether they can be used."""

from datetime import UTC, datetime
from pathlib import Path

import yaml

from kagents_core.api.team import AgentTeam
from kagents_core.api.template import AgentTeamRun, AgentTeamTemplate
from kagents_core.reconcile import (
    ObservedRun,
    ObservedTemplate,
    Plan,
    reconcile_run,
    reconcile_template,
    refuse_team,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEED = Path(__file__).parents[2] / "fixtures" / "seed-manifests" / "q4-security-review.yaml"


def objects() -> tuple[dict, dict]:
    template, run = yaml.safe_load_all(SEED.read_text())
    for index, raw in enumerate((template, run)):
        raw["metadata"] |= {"uid": f"u-{index}", "namespace": "reviews", "generation": 1}
    return template, run


def observe(run: dict, template: dict | None, team: dict | None = None) -> Plan:
    return reconcile_run(
        ObservedRun(
            AgentTeamRun.model_validate(run),
            AgentTeamTemplate.model_validate(template) if template else None,
            AgentTeam.model_validate(team) if team else None,
            NOW,
        )
    )


def made(run: dict, template: dict, **status: object) -> dict:
    team = dict(observe(run, template).apply[0])
    return {**team, "metadata": {**team["metadata"], "uid": "u-team", "generation": 1}, "status": status}


def test_a_run_makes_the_team_of_the_template() -> None:
    template, run = objects()
    team = observe(run, template).apply[0]
    assert team["metadata"]["name"] == "q4-security-review"
    assert team["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert [mate["name"] for mate in team["spec"]["teammates"]] == ["security", "performance", "tests"]
    assert team["spec"]["lifecycle"]["timeout"] == "1h"
    assert team["spec"]["repository"]["branch"] == "release/4.0"
    AgentTeam.model_validate({**team, "metadata": {**team["metadata"], "uid": "x"}})


def test_a_run_s_team_is_watched_as_the_template_or_the_run_says() -> None:
    template, run = objects()
    template["spec"]["observability"] = {"webhook": {"url": "https://hooks.example.com/all"}}
    assert observe(run, template).apply[0]["spec"]["observability"] == template["spec"]["observability"]
    run["spec"]["observability"] = {"logLevel": "debug"}
    assert observe(run, template).apply[0]["spec"]["observability"] == {"logLevel": "debug"}


def test_a_missing_template_is_said_and_waited_for() -> None:
    template, run = objects()
    plan = observe(run, None)
    assert not plan.apply
    assert plan.status is not None
    assert plan.status["conditions"][0]["reason"] == "TemplateNotFound"
    assert observe(run, template).apply


def test_the_runs_lifecycle_replaces_the_templates() -> None:
    template, run = objects()
    run["spec"]["lifecycle"] = {"timeout": "5m"}
    lifecycle = observe(run, template).apply[0]["spec"]["lifecycle"]
    assert lifecycle == {"timeout": "5m"}


def test_the_status_of_the_team_is_mirrored() -> None:
    template, run = objects()
    team = made(run, template, phase="Running", ready="2/3", estimatedCost="1.42")
    plan = observe(run, template, team)
    assert not plan.apply
    assert plan.status is not None
    assert {"phase": "Running", "ready": "2/3", "estimatedCost": "1.42"}.items() <= dict(plan.status).items()


def test_why_the_team_ended_stands_in_the_run_too() -> None:
    template, run = objects()
    ended = {
        "type": "Succeeded",
        "status": "False",
        "reason": "LeadFailed",
        "message": "lead failed",
        "lastTransitionTime": "2026-11-21T11:00:00Z",
    }
    plan = observe(run, template, made(run, template, phase="Failed", conditions=[ended]))
    assert plan.status is not None
    assert {entry["type"]: entry["message"] for entry in plan.status["conditions"]}[
        "Succeeded"
    ] == "lead failed"


def test_cancel_reaches_the_team_and_an_unset_suspend_does_not_undo_a_persons() -> None:
    template, run = objects()
    team = made(run, template, phase="Running")
    team["spec"]["suspend"] = True
    assert not observe(run, template, team).apply
    run["spec"]["cancel"] = True
    assert observe(run, template, team).apply[0]["spec"]["cancel"] is True


def test_a_deleted_team_is_not_made_again() -> None:
    template, run = objects()
    run["status"] = {"phase": "Running", "teamName": "q4-security-review"}
    plan = observe(run, template)
    assert not plan.apply
    assert plan.status is not None
    assert plan.status["phase"] == "Cancelled"
    run["status"] = dict(plan.status)
    assert observe(run, template) == Plan()


def test_somebody_elses_team_of_the_name_is_left_alone() -> None:
    template, run = objects()
    team = made(run, template)
    team["metadata"]["ownerReferences"] = []
    plan = observe(run, template, team)
    assert not plan.apply
    assert plan.status is not None
    assert plan.status["conditions"][0]["reason"] == "NameTaken"


def test_a_template_reports_ready_or_why_not() -> None:
    template = AgentTeamTemplate.model_validate(objects()[0])
    ready = reconcile_template(ObservedTemplate(template, NOW)).status
    refused = reconcile_template(
        ObservedTemplate(template, NOW), ("spec.teammates: b depends on itself",)
    ).status
    assert ready is not None and refused is not None
    assert (ready["ready"], refused["ready"]) == (True, False)
    assert "depends on itself" in refused["conditions"][0]["message"]


def test_an_invalid_team_ends_at_once_but_a_running_one_is_left_alone() -> None:
    raw = {"metadata": {"name": "x", "uid": "u", "generation": 3}, "spec": {}}
    plan = refuse_team(raw, ["spec.teammates: cycle a -> b -> a"], NOW)
    assert plan.status is not None
    assert plan.status["phase"] == "Failed"
    assert "cycle" in plan.status["conditions"][0]["message"]
    assert refuse_team({**raw, "status": {"phase": "Running"}}, ["x"], NOW) == Plan()
