"""The chart's admission policy guards the annotation that the reconciler obeys (its acts: tests/cluster)."""

import re
from pathlib import Path

import yaml

from kagents_core.api.constants import APPROVAL_PREFIX, GROUP

TEMPLATES = Path(__file__).parents[3] / "charts/kagents/templates"


def test_the_policy_guards_the_annotation_that_decides() -> None:
    text = (TEMPLATES / "approvals.yaml").read_text()
    prefixes = re.findall(r"startsWith\('([^']*)'\)", text)
    assert prefixes
    assert set(prefixes) == {APPROVAL_PREFIX}
    assert f"authorizer.group('{GROUP}').resource('agentteams')" in text


def test_of_the_roles_two_may_decide() -> None:
    plain = re.sub(r"\{\{.*?\}\}", "", (TEMPLATES / "user-roles.yaml").read_text())
    roles = {role["metadata"]["name"]: role["rules"] for role in yaml.safe_load_all(plain) if role}
    deciding = {
        name
        for name, rules in roles.items()
        for rule in rules
        if rule["verbs"] == ["approve"]
        and rule["resources"] == ["agentteams"]
        and rule["apiGroups"] == [GROUP]
    }
    assert deciding == {"kagents-operator", "kagents-admin"}
    assert not [name for name, rules in roles.items() for rule in rules if "*" in rule["verbs"]]
