"""What the API server refuses becomes a condition, and works as soon as it is allowed; the hub's account."""

from typing import Any

import pytest

from kagents_controller import controller as shell
from kagents_controller.team_network import TeamNetwork
from kagents_core.api.constants import ANNOTATION_EXPORT
from kagents_core.api.resources import NETWORK_POLICIES, ROLE_BINDINGS, SERVICE_ACCOUNTS
from kagents_core.kube.client import path_of

QUOTA = 'pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1'


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_REFUSED_SECONDS", 0.05)


def condition(world: Any, kind: str) -> dict[str, Any]:
    entries = world.status().get("conditions", [])
    return next((entry for entry in entries if entry["type"] == kind), {})


async def test_a_refused_pod_is_a_condition_that_names_the_cause_and_is_repaired(
    stopped_world: Any, simple: Any, model: Any
) -> None:
    world = stopped_world
    world.server.refused = {"/pods/": QUOTA}
    await world.start()
    world.apply(simple({"name": "a"}))
    await world.until(lambda: condition(world, "AgentsHealthy").get("reason") == "CreationRefused")
    said = condition(world, "AgentsHealthy")
    assert "exceeded quota: small" in said["message"]
    assert world.status()["phase"] == "Initializing"
    assert "attempt" not in world.status()["lead"]
    assert all("attempt" not in mate for mate in world.status()["teammates"])
    assert not world.pods()
    before = len([write for write in world.writes() if write[1].endswith("/status")])
    await world.until(lambda: len([1 for verb, path in world.writes() if "/pods/" in path]) > 12)
    after = len([write for write in world.writes() if write[1].endswith("/status")])
    assert after == before, "the same refusal is no reason to write again"
    world.server.refused = {}
    await world.until(lambda: world.agents() == ["a", "hub", "lead"])
    await world.until(lambda: condition(world, "AgentsHealthy").get("status") == "True")
    assert world.status()["lead"]["attempt"] == 0
    assert world.status()["lead"]["restartCount"] == 0


async def test_a_refused_export_changes_nothing_that_was_said_of_an_ended_team(
    stopped_world: Any, simple: Any
) -> None:
    world = stopped_world
    await world.start()
    path = world.apply(simple({"name": "a"}) | {"cancel": True})
    await world.until(lambda: world.status().get("phase") == "Cancelled")
    await world.quiet()
    ended = world.status()
    world.server.refused = {"/pods/": QUOTA}
    world.change(path, {"metadata": {"annotations": {ANNOTATION_EXPORT: "now"}}})
    await world.until(lambda: condition(world, "AgentsHealthy").get("reason") == "CreationRefused")
    said = [entry for entry in world.status()["conditions"] if entry["type"] != "AgentsHealthy"]
    assert {**world.status(), "conditions": said} == ended
    world.server.refused = {}
    await world.until(lambda: world.agents() == ["export"])
    await world.until(lambda: world.status() == ended)
    world.change(path, {"metadata": {"annotations": {ANNOTATION_EXPORT: None}}})
    await world.until(lambda: world.agents() == [])
    await world.quiet()
    assert world.status() == ended


async def test_one_refused_pod_does_not_hold_back_the_others(stopped_world: Any, simple: Any) -> None:
    world = stopped_world
    world.server.refused = {"/pods/demo-lead-": QUOTA}
    await world.start()
    world.apply(simple({"name": "a"}))
    await world.until(lambda: condition(world, "AgentsHealthy").get("reason") == "CreationRefused")
    assert world.agents() == ["a", "hub"]
    assert world.status()["teammates"][0]["attempt"] == 0
    assert "attempt" not in world.status()["lead"]


async def test_the_hubs_account_is_there_before_its_pod_and_made_once(
    stopped_world: Any, simple: Any
) -> None:
    world = stopped_world
    await world.start(hub_cluster_role="kagents-hub")
    world.apply(simple(), "one")
    world.apply(simple(), "two")
    await world.until(lambda: world.agents() == ["hub", "hub", "lead", "lead"])
    paths = [path for _, path in world.writes()]
    account = path_of(SERVICE_ACCOUNTS, "ns", "kagents-hub")
    binding = path_of(ROLE_BINDINGS, "ns", "kagents-hub")
    assert paths.count(account) == paths.count(binding) == 1
    first_pod = next(index for index, path in enumerate(paths) if "/pods/" in path)
    assert max(paths.index(account), paths.index(binding)) < first_pod
    assert world.server.objects[binding]["roleRef"]["name"] == "kagents-hub"
    assert world.server.objects[binding]["subjects"] == [
        {"kind": "ServiceAccount", "name": "kagents-hub", "namespace": "ns"}
    ]


async def test_a_missing_account_is_made_again(stopped_world: Any, simple: Any) -> None:
    world = stopped_world
    await world.start(hub_cluster_role="kagents-hub")
    world.apply(simple(), "one")
    await world.until(lambda: world.agents() == ["hub", "lead"])
    account = path_of(SERVICE_ACCOUNTS, "ns", "kagents-hub")
    world.server.remove(account)
    missing = 'error looking up service account ns/kagents-hub: serviceaccount "kagents-hub" not found'
    world.server.refused = {"/pods/two-hub-": missing}
    world.apply(simple(), "two")
    await world.until(lambda: account in world.server.objects)
    world.server.refused = {}
    await world.until(lambda: len(world.pods("hub", "two")) == 1)


async def test_a_stuck_pod_is_explained_by_its_events(world: Any, simple: Any) -> None:
    world.apply(simple({"name": "a"}))
    await world.until(lambda: world.agents() == ["a", "hub", "lead"])
    await world.quiet()
    path, pod = next(iter(world.pods("a").items()))
    long_ago = "2026-01-01T00:00:00Z"
    world.server.put(
        "/api/v1/namespaces/ns/events/x",
        {
            "kind": "Event",
            "metadata": {},
            "involvedObject": {"uid": pod["metadata"]["uid"]},
            "type": "Warning",
            "reason": "FailedMount",
            "message": 'MountVolume.SetUp failed for volume "input-0": configmap "data" not found',
            "lastTimestamp": long_ago,
        },
    )
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": long_ago},
        {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": long_ago},
    ]
    world.change(path, {"status": {"phase": "Pending", "conditions": conditions}}, status=True)
    await world.until(lambda: condition(world, "AgentsHealthy").get("reason") == "FailedMount")
    assert 'configmap "data" not found' in condition(world, "AgentsHealthy")["message"]
    world.change(path, {"status": {"phase": "Running", "conditions": []}}, status=True)
    await world.until(lambda: condition(world, "AgentsHealthy").get("status") == "True")


def selected(roles: list[str]) -> dict[str, Any]:
    """The selector of pods with one of these roles."""
    role = {"key": "claude.amcheste.io/role", "operator": "In", "values": roles}
    return {"matchLabels": {"app.kubernetes.io/name": "kagents"}, "matchExpressions": [role]}


async def test_network_policies_are_there_before_the_first_pod_and_made_once(
    stopped_world: Any, simple: Any
) -> None:
    world = stopped_world
    await world.start(hub_cluster_role="kagents-hub", network=TeamNetwork([443], [443, 6443, 22]))
    world.apply(simple(), "one")
    world.apply(simple(), "two")
    await world.until(lambda: world.agents() == ["hub", "hub", "lead", "lead"])
    paths = [path for _, path in world.writes()]
    first_pod = next(index for index, path in enumerate(paths) if "/pods" in path)
    for name, ports in (("kagents-agents", {53, 443}), ("kagents-hubs", {53, 443, 6443, 22})):
        path = path_of(NETWORK_POLICIES, "ns", name)
        assert paths.count(path) == 1
        assert paths.index(path) < first_pod
        spec = world.server.objects[path]["spec"]
        agents, hubs = selected(["lead", "teammate"]), selected(["hub"])
        servers = [{"protocol": "TCP", "port": port} for port in (8418, 8419)]
        metrics = {"ports": [{"protocol": "TCP", "port": "metrics"}]}
        entered = [metrics, {"from": [{"podSelector": agents}], "ports": servers}]
        anywhere, *inside = spec["egress"]
        assert {port["port"] for port in anywhere["ports"]} == ports
        assert "to" not in anywhere
        if name == "kagents-hubs":
            assert (spec["ingress"], inside) == (entered, [])
        else:
            reached = [{"to": [{"podSelector": hubs}], "ports": servers}]
            assert (spec["podSelector"], spec["ingress"], inside) == (agents, [], reached)
