"""What spares the API server rules: what is looked at only once cannot change, and no sentence is lost."""

import re

from kagents_core.api.crd import crds, plain_crds
from kagents_core.api.rulecost import RULES
from kagents_core.api.team import AgentTeamSpec
from kagents_core.api.teamrules import (
    CANCEL_IS_FINAL,
    CHANGEABLE_AGENT_FIELDS,
    IMMUTABLE,
    IMMUTABLE_TEAM_FIELDS,
)

AGENTS = ("lead", "teammates")


def spec_of(definitions, kind):
    (found,) = (each for each in definitions if each["spec"]["names"]["kind"] == kind)
    return found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def rules_of(node, path="spec"):
    for rule in node.get(RULES, ()):
        yield path, rule
    for name, child in node.get("properties", {}).items():
        yield from rules_of(child, f"{path}.{name}")
    if "items" in node:
        yield from rules_of(node["items"], path)


def evaluated_once(kind):
    return [
        (path, rule["rule"]) for path, rule in rules_of(spec_of(crds(), kind)) if "optionalOldSelf" in rule
    ]


def test_what_is_looked_at_once_cannot_change_later():
    lifecycle = spec_of(crds(), "AgentTeam")["properties"]["lifecycle"]["properties"]
    free = {"suspend", "cancel", "timeout", "budgetLimit", "onBudget", "maxRestarts", "idleTimeout"}
    assert free <= {*AgentTeamSpec.model_fields, *lifecycle}
    for path, rule in [*evaluated_once("AgentTeam"), *evaluated_once("AgentTeamRun")]:
        assert "lifecycle" not in path, path
        read = set(re.findall(r"\.(\w+)", rule))
        changeable = set(CHANGEABLE_AGENT_FIELDS) | ({"webhookUrl"} if path == "spec" else set())
        if path in ("spec", *(f"spec.{name}" for name in AGENTS)):
            assert not read & (changeable | free), (path, rule)


def test_every_part_of_a_team_is_kept_as_it_was_made_or_named_here():
    names = set(spec_of(crds(), "AgentTeam")["properties"])
    assert names == {*IMMUTABLE_TEAM_FIELDS, *AGENTS, "lifecycle", "suspend", "cancel"}


def test_a_former_object_is_looked_at_first():
    looked_at = evaluated_once("AgentTeam")
    assert len(looked_at) > 30
    assert all(rule.startswith("oldSelf.hasValue() || (") for _, rule in looked_at)
    changes = [
        rule["rule"] for _, rule in rules_of(spec_of(crds(), "AgentTeam")) if "oldSelf." in rule["rule"]
    ]
    (joined,) = (rule for rule in changes if not rule.startswith("oldSelf.hasValue()"))
    assert joined.startswith("self == oldSelf || (")


def test_no_sentence_is_lost():
    for kind in ("AgentTeam", "AgentTeamRun"):
        said = " ".join(
            rule.get("messageExpression", rule["message"]).replace("\\'", "'")
            for _, rule in rules_of(spec_of(crds(), kind))
        )
        for _, rule in rules_of(spec_of(plain_crds(), kind)):
            assert rule["message"] in said, rule["message"]
        assert IMMUTABLE in said
        assert CANCEL_IS_FINAL in said


def test_templates_are_left_alone():
    assert spec_of(crds(), "AgentTeamTemplate") == spec_of(plain_crds(), "AgentTeamTemplate")
