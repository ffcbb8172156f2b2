"""The real kubectl reads from the embedded engine: discovery, tables, formats, selectors, watches,
explain."""

import asyncio
import json
from typing import Any

import pytest
import yaml

from kagents_core.api.resources import AGENT_TEAMS, EVENTS
from kagents_core.kube.client import Client

pytestmark = pytest.mark.kubectl

TEAM = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: NAME, namespace: default, labels: {tier: TIER}}
spec:
  harness: simulated
  workspace: {output: {}}
  lead: {prompt: Lead.}
  teammates:
    - {name: one, prompt: First.}
"""


def team(name: str = "demo", tier: str = "gold") -> str:
    return TEAM.replace("NAME", name).replace("TIER", tier)


@pytest.fixture
async def client(engine_api: Any):
    async with Client(engine_api.config) as client:
        yield client


async def set_status(client: Client, name: str, **status: Any) -> None:
    await client.patch_merge(AGENT_TEAMS, "default", name, {"status": status}, subresource="status")


async def test_version_and_api_resources(kubectl: Any) -> None:
    versions = json.loads(await kubectl("version", "-o", "json"))
    assert versions["serverVersion"]["gitVersion"].startswith("v1.36.0+kagents.")
    lines = (await kubectl("api-resources", "--no-headers")).splitlines()
    found = {line.split()[0]: line.split() for line in lines}
    assert found["agentteams"] == ["agentteams", "at", "claude.amcheste.io/v1alpha1", "true", "AgentTeam"]
    assert {"pods", "persistentvolumeclaims", "secrets", "configmaps", "events", "leases"} <= found.keys()
    assert {"namespaces", "serviceaccounts", "roles", "customresourcedefinitions"} <= found.keys()
    assert "claude.amcheste.io/v1alpha1" in await kubectl("api-versions")
    assert "kagents-local" in await kubectl("config", "view")


async def test_get_shows_the_columns_of_the_described_system(kubectl: Any, client: Client) -> None:
    await kubectl("apply", "-f", "-", stdin=team())
    await set_status(
        client, "demo", phase="Running", ready="1/2", estimatedCost="1.42", tasks={"total": 9, "completed": 5}
    )
    header, row = (await kubectl("get", "agentteams", "-A")).splitlines()
    assert header.split() == ["NAMESPACE", "NAME", "PHASE", "READY", "TASKS", "DONE", "COST", "AGE"]
    assert row.split()[:-1] == ["default", "demo", "Running", "1/2", "5", "1.42"]
    assert row.split()[-1].endswith("s")
    assert "HARNESS" in (await kubectl("get", "at", "-o", "wide")).splitlines()[0]
    assert await kubectl("get", "agentteams", "-o", "name") == "agentteam.claude.amcheste.io/demo\n"
    assert await kubectl("get", "at", "demo", "-o", "jsonpath={.status.phase}") == "Running"
    assert (
        json.loads(await kubectl("get", "at", "-o", "json"))["items"][0]["spec"]["teammates"][0]["name"]
        == "one"
    )
    assert yaml.safe_load(await kubectl("get", "at", "demo", "-o", "yaml"))["status"]["ready"] == "1/2"
    ran = await kubectl.run("get", "at", "nobody")
    assert ran.code == 1
    assert ran.err == 'Error from server (NotFound): agentteams.claude.amcheste.io "nobody" not found\n'
    ran = await kubectl.run("get", "nonsense")
    assert "the server doesn't have a resource type" in ran.err


async def test_selectors(kubectl: Any) -> None:
    await kubectl("apply", "-f", "-", stdin="---".join([team("a"), team("b", "silver"), team("c")]))
    assert await kubectl("get", "at", "-l", "tier=gold", "-o", "name") == (
        "agentteam.claude.amcheste.io/a\nagentteam.claude.amcheste.io/c\n"
    )
    assert "/b" in await kubectl("get", "at", "-l", "tier notin (gold)", "-o", "name")
    assert await kubectl("get", "at", "--field-selector", "metadata.name=c", "-o", "name") == (
        "agentteam.claude.amcheste.io/c\n"
    )
    ran = await kubectl.run("get", "at", "--field-selector", "spec.harness=simulated")
    assert "field label not supported" in ran.err


async def test_a_long_list_comes_in_pages(kubectl: Any, client: Client) -> None:
    for number in range(12):
        body = yaml.safe_load(team(f"t-{number:02}"))
        await client.create(AGENT_TEAMS, "default", body)
    names = (await kubectl("get", "at", "--chunk-size", "5", "-o", "name")).splitlines()
    assert [name[-2:] for name in names] == [f"{number:02}" for number in range(12)]


async def test_get_watch_follows(kubectl: Any, client: Client) -> None:
    await kubectl("apply", "-f", "-", stdin=team())
    async with kubectl.start("get", "agentteams", "-w") as process, asyncio.timeout(30):
        header = (await process.stdout.readline()).decode().split()
        assert header == ["NAME", "PHASE", "READY", "TASKS", "DONE", "COST", "AGE"]
        assert (await process.stdout.readline()).decode().split()[0] == "demo"
        await set_status(client, "demo", phase="Running", ready="2/2")
        line = (await process.stdout.readline()).decode().split()
        assert line[:3] == ["demo", "Running", "2/2"]
        await kubectl("apply", "-f", "-", stdin=team("other"))
        assert (await process.stdout.readline()).decode().split()[0] == "other"


async def test_describe_shows_the_events(kubectl: Any, client: Client) -> None:
    await kubectl("apply", "-f", "-", stdin=team())
    obj = await client.get(AGENT_TEAMS, "default", "demo")
    about = {"apiVersion": obj["apiVersion"], "kind": "AgentTeam", "name": "demo", "namespace": "default"}
    for name, reason in (("e1", "PhaseRunning"), ("e2", "PhaseCompleted")):
        event = {
            "metadata": {"name": name, "namespace": "default"},
            "involvedObject": {**about, "uid": obj["metadata"]["uid"]},
            "reason": reason,
            "message": f"the team is {reason}",
            "type": "Normal",
            "count": 1,
            "firstTimestamp": obj["metadata"]["creationTimestamp"],
            "lastTimestamp": obj["metadata"]["creationTimestamp"],
            "source": {"component": "kagents-controller"},
        }
        await client.create(EVENTS, "default", {"apiVersion": "v1", "kind": "Event", **event})
    text = await kubectl("describe", "agentteam", "demo")
    assert "Prompt:" in text
    assert text.index("PhaseRunning") < text.index("PhaseCompleted")
    listed = await kubectl("get", "events")
    assert listed.splitlines()[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert "agentteam/demo" in listed
    assert "PhaseRunning" in await kubectl("events", "--for", "agentteam/demo")


async def test_explain(kubectl: Any) -> None:
    text = await kubectl("explain", "agentteam.spec.lifecycle")
    assert "budgetLimit" in text
    assert "GROUP:      claude.amcheste.io" in text
    assert "<string>" in await kubectl("explain", "agentteam.spec.teammates.name")
    assert "containers" in await kubectl("explain", "pod.spec")
    assert "data" in await kubectl("explain", "secret")


async def test_may_i(kubectl: Any) -> None:
    assert await kubectl("auth", "can-i", "delete", "agentteams") == "yes\n"
    assert "[*]" in await kubectl("auth", "can-i", "--list")
    assert "kagents-admin" in await kubectl("auth", "whoami")
    ran = await kubectl.run("get", "agentteams", "--as", "somebody")
    assert "cannot impersonate" in ran.err
    ran = await kubectl.run("get", "agentteams", "--token", "wrong")
    assert ran.code == 1
    assert "Unauthorized" in ran.err or "must be logged in" in ran.err


async def test_wait_for_a_field(kubectl: Any, client: Client) -> None:
    await kubectl("apply", "-f", "-", stdin=team())
    waiting = ("wait", "agentteam/demo", "--for=jsonpath={.status.phase}=Completed", "--timeout=30s")
    async with kubectl.start(*waiting) as process, asyncio.timeout(40):
        await set_status(client, "demo", phase="Running")
        await set_status(client, "demo", phase="Completed")
        out, err = await process.communicate()
    assert (process.returncode, out.decode(), err.decode()) == (
        0,
        "agentteam.claude.amcheste.io/demo condition met\n",
        "",
    )
    deleting = ("wait", "agentteam/demo", "--for=delete", "--timeout=30s")
    async with kubectl.start(*deleting) as process, asyncio.timeout(40):
        await client.delete(AGENT_TEAMS, "default", "demo")
        await process.communicate()
    assert process.returncode == 0
