"""Artifacts and inputs: whom a teammate waits for because of them, and what a whole team may declare."""

import pytest

from kagents_core.api.agents import TeammateSpec
from kagents_core.api.artifacts import MOST_OF_TEAM
from kagents_core.api.team import AgentTeamSpec
from kagents_core.api.validation import validate
from kagents_core.reconcile.roster import agents_of

MAKER = {"name": "one", "prompt": "x", "artifacts": [{"name": "report", "path": "docs/report.md"}]}
TAKER = {"name": "two", "prompt": "x", "inputs": [{"from": "one/report"}]}


def test_a_teammate_waits_for_those_whose_artifacts_it_takes():
    third = {"name": "three", "prompt": "x"}
    taker = TAKER | {"dependsOn": ["three"]}
    spec = AgentTeamSpec.model_validate({"workspace": {}, "teammates": [MAKER, taker, third]})
    assert {agent.name: agent.depends_on for agent in agents_of(spec)} == {
        "one": (),
        "two": ("three", "one"),
        "three": (),
    }


def test_whom_it_waits_for_anyway_is_named_once():
    assert TeammateSpec.model_validate(TAKER | {"dependsOn": ["one"]}).needs == ("one",)


def test_an_input_is_written_back_as_it_was_read():
    taker = TeammateSpec.model_validate(TAKER)
    assert taker.model_dump(by_alias=True, exclude_defaults=True)["inputs"] == ({"from": "one/report"},)


@pytest.mark.parametrize("path", ["report.md", "docs/a report.md", ".github/workflows", "a/.gitignore", "ü"])
def test_paths_below_the_working_directory_are_accepted(change, path):
    maker = MAKER | {"artifacts": [{"name": "report", "path": path}]}
    assert validate(change({"spec.teammates": [maker, TAKER]})) == []


def test_the_lead_makes_artifacts_too(change):
    lead = {"prompt": "x", "artifacts": [{"name": "summary", "path": "summary.md"}]}
    assert validate(change({"spec.lead": lead})) == []


def test_results_of_those_whose_artifacts_are_taken_may_be_named(change):
    taker = TAKER | {"prompt": "Use {{ results.one.commit }}."}
    assert validate(change({"spec.teammates": [MAKER, taker]})) == []


@pytest.mark.parametrize(("more", "wrong"), [(0, []), (1, ["spec.teammates[7].artifacts"])])
def test_a_team_has_a_limited_number_of_artifacts(change, more, wrong):
    def made(count):
        return [{"name": f"a{index}", "path": f"a{index}"} for index in range(count)]

    teammates = [{"name": f"t{index}", "prompt": "x", "artifacts": made(16)} for index in range(7)]
    teammates.append({"name": "last", "prompt": "x", "artifacts": made(MOST_OF_TEAM - 7 * 16 - 1)})
    lead = {"prompt": "x", "artifacts": made(1 + more)}
    found = validate(change({"spec.teammates": teammates, "spec.lead": lead}))
    assert [error.field for error in found] == wrong


def test_a_template_is_checked_by_the_same_rules(change):
    template = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeamTemplate",
        "metadata": {"name": "t"},
        "spec": {"teammates": [TAKER]},
    }
    assert [error.field for error in validate(template)] == ["spec.teammates[0].inputs[0].from"]
