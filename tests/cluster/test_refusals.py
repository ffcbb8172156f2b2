"""The API server itself refuses what the models refuse, with field and reason; the rest ends at once."""

import asyncio
import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from testcluster.commands import REPOSITORY, Kubectl
from testcluster.team import Team, simulated

from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAMS, Resource
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import Invalid

TABLE = yaml.safe_load((REPOSITORY / "tests/fixtures/api/refused.yaml").read_text())
BUDGETS = yaml.safe_load((REPOSITORY / "tests/fixtures/api/refused-budgets.yaml").read_text())


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with some dotted paths replaced; null removes."""
    obj = copy.deepcopy(dict(base))
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = obj
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return obj


@pytest.mark.parametrize(
    ("table", "resource"), [(TABLE, AGENT_TEAMS), (BUDGETS, AGENT_BUDGETS)], ids=["teams", "budgets"]
)
def test_every_refusal_of_the_table(
    kubectl: Kubectl, namespace: str, table: dict[str, Any], resource: Resource
) -> None:
    async def wrong() -> list[str]:
        through = []
        async with Client(load_kubeconfig(kubectl.kubeconfig)) as client:
            for case in table["cases"]:
                if case.get("server") is False:
                    continue
                obj = changed(table["base"], case["set"])
                obj["metadata"]["namespace"] = namespace
                try:
                    await client.create(resource, namespace, obj)
                except Invalid as error:
                    field = case["field"].split("[")[0].split(".")[-1]
                    if field not in str(error) and case["says"] not in str(error):
                        through.append(f"{case['name']}: {error}")
                else:
                    through.append(f"{case['name']}: accepted")
                    await client.delete(resource, namespace, obj["metadata"]["name"])
        return through

    assert asyncio.run(wrong()) == []


def test_what_agents_rely_on_cannot_be_changed(namespace: str, team: Callable[..., Team]) -> None:
    gate = {"approvalGates": [{"event": "spawn-one"}], "timeout": "1h"}
    running = team(
        simulated("frozen", {"lead": [{"wait": {"seconds": 60}}], "one": [{"say": "here"}]}, lifecycle=gate)
    )
    patch = lambda text: running.kubectl.refused(  # noqa: E731
        "patch", "agentteam", "frozen", "--type=merge", f"--patch={text}"
    )
    assert "cannot be changed" in patch('{"spec":{"lead":{"prompt":"other"}}}')
    assert "cannot be changed" in patch('{"spec":{"storage":{"size":"11Gi"}}}')
    mate = '{"spec":{"teammates":[{"name":"one","prompt":"other","budget":"1.00"}]}}'
    assert "cannot be changed" in patch(mate)
    longer = '{"spec":{"lifecycle":{"timeout":"2h","onBudget":"suspend"},"lead":{"budget":"2.00"}}}'
    running.kubectl("patch", "agentteam", "frozen", "--type=merge", f"--patch={longer}")
    running.kubectl("patch", "agentteam", "frozen", "--type=merge", '--patch={"spec":{"cancel":true}}')
    assert "taken back" in patch('{"spec":{"cancel":false}}')
    running.wait_phase("Cancelled", seconds=30)


def test_a_long_circle_ends_at_once_and_says_so(team: Callable[..., Team]) -> None:
    manifest = simulated("circle", {name: [{"say": "here"}] for name in ("lead", "a", "b", "c")})
    for mate, needs in zip(manifest["spec"]["teammates"], ("c", "a", "b"), strict=True):
        mate["dependsOn"] = [needs]
    refused = team(manifest)
    refused.wait_phase("Failed", seconds=10)
    assert "circle" in refused.wait_condition("InvalidSpec", "InvalidSpec")
    assert refused.pods() == []


@pytest.mark.parametrize("name", ["q3-report.yaml", "auth-refactor.yaml", "q4-security-review.yaml"])
def test_the_seeds_manifests_are_accepted_unchanged(kubectl: Kubectl, chart: None, name: str) -> None:
    path = REPOSITORY / "tests/fixtures/seed-manifests" / name
    objects = list(yaml.safe_load_all(path.read_text()))
    for obj in objects:
        obj["metadata"]["namespace"] = "default"
        kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", text=yaml.safe_dump(obj))
