"""The real kubectl writes to the embedded engine: apply both ways, diff, edit, patch, label, create,
delete."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kagents_core.api.resources import AGENT_TEAMS, CONFIG_MAPS, PODS
from kagents_core.kube.client import Client

pytestmark = pytest.mark.kubectl

SEEDS = Path(__file__).parents[1] / "fixtures" / "seed-manifests"
TEAM = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: demo, namespace: default}
spec:
  harness: simulated
  workspace: {output: {}}
  lead: {prompt: Lead.}
  teammates:
    - {name: one, prompt: First.}
  lifecycle: {timeout: 1h}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: default}
data: {a: "1", b: "2"}
"""


@pytest.fixture
async def client(engine_api: Any):
    async with Client(engine_api.config) as client:
        yield client


async def team_of(kubectl: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        await kubectl("get", "agentteam", "demo", "-o", "json", "--show-managed-fields")
    )
    return found


async def test_the_manifests_of_the_described_system_apply_unchanged(kubectl: Any) -> None:
    for namespace in ("cowork-agents", "dev-agents"):
        await kubectl("create", "namespace", namespace)
    said = await kubectl("apply", "-f", str(SEEDS))
    assert said.count("created") == 4, said
    before = await kubectl("get", "kagents", "-A", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    await kubectl("apply", "-f", str(SEEDS))
    after = await kubectl("get", "kagents", "-A", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    assert after == before
    assert (await kubectl("apply", "--server-side", "-f", str(SEEDS), "--force-conflicts")).count(
        "applied"
    ) == 4


async def test_a_missing_namespace_is_refused(kubectl: Any) -> None:
    ran = await kubectl.run("apply", "-f", "-", stdin=TEAM.replace("default", "nowhere"))
    assert ran.code == 1
    assert 'namespaces "nowhere" not found' in ran.err


async def test_client_side_apply_changes_and_removes(kubectl: Any) -> None:
    assert await kubectl("apply", "-f", "-", stdin=TEAM) == "agentteam.claude.amcheste.io/demo created\n"
    changed = TEAM.replace("1h", "2h")
    assert (
        await kubectl("apply", "-f", "-", stdin=changed) == "agentteam.claude.amcheste.io/demo configured\n"
    )
    found = await team_of(kubectl)
    assert found["spec"]["lifecycle"]["timeout"] == "2h"
    assert found["metadata"]["generation"] == 2
    await kubectl("apply", "-f", "-", stdin=CONFIG)
    assert await kubectl("apply", "-f", "-", stdin=CONFIG) == "configmap/settings unchanged\n"
    await kubectl("apply", "-f", "-", stdin=CONFIG.replace(', b: "2"', ""))
    config = json.loads(await kubectl("get", "configmap", "settings", "-o", "json"))
    assert config["data"] == {"a": "1"}


async def test_server_side_apply_conflicts_and_takes_over(kubectl: Any) -> None:
    apply = ("apply", "--server-side", "-f", "-")
    assert await kubectl(*apply, stdin=TEAM) == "agentteam.claude.amcheste.io/demo serverside-applied\n"
    other = TEAM.replace("1h", "3h")
    ran = await kubectl.run(*apply, "--field-manager", "other", stdin=other)
    assert ran.code == 1
    assert 'conflict with "kubectl": .spec.lifecycle.timeout' in ran.err
    await kubectl(*apply, "--field-manager", "other", "--force-conflicts", stdin=other)
    found = await team_of(kubectl)
    assert found["spec"]["lifecycle"]["timeout"] == "3h"
    assert [entry["manager"] for entry in found["metadata"]["managedFields"]] == ["kubectl", "other"]
    assert all(entry["operation"] == "Apply" for entry in found["metadata"]["managedFields"])


async def test_server_side_apply_removes_what_it_applied(kubectl: Any) -> None:
    labelled = TEAM.replace("name: demo,", "name: demo, labels: {a: one, b: two},")
    await kubectl("apply", "--server-side", "-f", "-", stdin=labelled)
    await kubectl("label", "agentteam", "demo", "c=z")
    await kubectl("apply", "--server-side", "-f", "-", stdin=labelled.replace("a: one, ", ""))
    assert (await team_of(kubectl))["metadata"]["labels"] == {"b": "two", "c": "z"}


async def test_diff_shows_the_change_and_writes_nothing(kubectl: Any) -> None:
    await kubectl("apply", "-f", "-", stdin=TEAM)
    assert (await kubectl.run("diff", "-f", "-", stdin=TEAM)).code == 0
    for flags in ([], ["--server-side", "--force-conflicts"]):
        ran = await kubectl.run("diff", *flags, "-f", "-", stdin=TEAM.replace("1h", "5h"))
        assert ran.code == 1, ran.err
        assert "-    timeout: 1h" in ran.out
        assert "+    timeout: 5h" in ran.out
    assert (await team_of(kubectl))["spec"]["lifecycle"]["timeout"] == "1h"
    new = TEAM.replace("name: demo", "name: fresh")
    assert "created (server dry run)" in await kubectl("apply", "--dry-run=server", "-f", "-", stdin=new)
    assert (await kubectl.run("get", "agentteam", "fresh")).code == 1


async def test_annotate_and_label(kubectl: Any) -> None:
    await kubectl("apply", "-f", "-", stdin=TEAM)
    await kubectl("annotate", "agentteam", "demo", "approved.claude.amcheste.io/spawn-one=true")
    found = await team_of(kubectl)
    assert found["metadata"]["annotations"]["approved.claude.amcheste.io/spawn-one"] == "true"
    assert found["metadata"]["generation"] == 1
    ran = await kubectl.run("annotate", "agentteam", "demo", "approved.claude.amcheste.io/spawn-one=false")
    assert "already has a value" in ran.err
    await kubectl("annotate", "agentteam", "demo", "approved.claude.amcheste.io/spawn-one-")
    await kubectl("label", "agentteam", "demo", "tier=gold")
    assert "gold" in await kubectl("get", "agentteam", "--show-labels")
    ran = await kubectl.run("label", "agentteam", "demo", "bad=not a value")
    assert ran.code == 1


async def test_patches(kubectl: Any) -> None:
    await kubectl("apply", "-f", "-", stdin=TEAM)
    merge = '{"spec": {"lifecycle": {"timeout": "7h"}}}'
    await kubectl("patch", "agentteam", "demo", "--type=merge", "-p", merge)
    test = '{"op": "test", "path": "/spec/lifecycle/timeout", "value": "7h"}'
    operations = f'[{test}, {{"op": "add", "path": "/spec/suspend", "value": true}}]'
    await kubectl("patch", "agentteam", "demo", "--type=json", "-p", operations)
    found = await team_of(kubectl)
    assert (found["spec"]["lifecycle"]["timeout"], found["spec"]["suspend"]) == ("7h", True)
    ran = await kubectl.run(
        "patch", "agentteam", "demo", "--type=json", "-p", operations.replace('"7h"', '"8h"')
    )
    assert ran.code == 1
    assert "testing value /spec/lifecycle/timeout failed" in ran.err
    status = ("patch", "agentteam", "demo", "--subresource=status", "--type=merge", "-p")
    await kubectl(*status, '{"status": {"phase": "Running"}, "spec": {"suspend": false}}')
    found = await team_of(kubectl)
    assert (found["status"]["phase"], found["spec"]["suspend"]) == ("Running", True)
    await kubectl("apply", "-f", "-", stdin=CONFIG)
    await kubectl("patch", "configmap", "settings", "-p", '{"data": {"b": null, "c": "3"}}')
    config = json.loads(await kubectl("get", "configmap", "settings", "-o", "json"))
    assert config["data"] == {"a": "1", "c": "3"}


async def test_edit_round_trip(kubectl: Any, tmp_path: Path) -> None:
    await kubectl("apply", "-f", "-", stdin=TEAM)
    edit = ("edit", "agentteam", "demo")
    assert "cancelled, no changes made" in (await kubectl.run(*edit, KUBE_EDITOR="true")).err.lower()
    sed = "sed -i s/timeout:.*1h/timeout:\\ 9h/"
    assert "edited" in await kubectl(*edit, KUBE_EDITOR=sed)
    assert (await team_of(kubectl))["spec"]["lifecycle"]["timeout"] == "9h"


@pytest.mark.parametrize("flags", [[], ["--server-side"]])
async def test_wrong_input_is_refused_with_its_field(kubectl: Any, flags: list[str]) -> None:
    async def refused(text: str) -> str:
        ran = await kubectl.run("apply", *flags, "-f", "-", stdin=text)
        assert ran.code == 1, ran.out
        return str(ran.err)

    said = await refused(TEAM.replace("1h", '"2 hours"'))
    assert 'The AgentTeam "demo" is invalid' in said
    assert "spec.lifecycle.timeout: Invalid value" in said
    said = await refused(TEAM.replace("timeout: 1h", "timeOut: 1h"))
    assert 'unknown field "spec.lifecycle.timeOut"' in said
    said = await refused(TEAM.replace("name: one,", "name: one, dependsOn: [nobody],"))
    assert "spec.teammates[0].dependsOn[0]" in said
    said = await refused(TEAM.replace("simulated", "abacus"))
    assert "spec.harness" in said
    assert "simulated" in said
    unchecked = TEAM.replace("timeout: 1h", "timeOut: 1h")
    assert "demo" in await kubectl("apply", "--validate=ignore", *flags, "-f", "-", stdin=unchecked)


async def test_create_secret_configmap_and_namespace(kubectl: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("figures\n")
    await kubectl("create", "secret", "generic", "key", "--from-literal=ANTHROPIC_API_KEY=abc")
    await kubectl("create", "configmap", "data", f"--from-file={tmp_path / 'notes.txt'}")
    assert await kubectl("get", "secret", "key", "-o", "jsonpath={.data.ANTHROPIC_API_KEY}") == "YWJj"
    assert await kubectl("get", "configmap", "data", "-o", "jsonpath={.data.notes\\.txt}") == "figures\n"
    assert "Opaque" in await kubectl("get", "secrets")
    assert "notes.txt" in await kubectl("describe", "configmap", "data")
    await kubectl("create", "namespace", "extra")
    await kubectl("create", "secret", "generic", "other", "-n", "extra")
    assert "Active" in await kubectl("get", "namespace", "extra")
    await kubectl("delete", "namespace", "extra", "--timeout=30s")
    assert (await kubectl.run("get", "secret", "other", "-n", "extra")).code == 1
    again = await kubectl.run("create", "secret", "generic", "key")
    assert 'secrets "key" already exists' in again.err


async def test_replace_and_recreate(kubectl: Any) -> None:
    await kubectl("create", "-f", "-", stdin=CONFIG)
    await kubectl("replace", "-f", "-", stdin=CONFIG.replace('"2"', '"3"'))
    assert await kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.b}") == "3"
    await kubectl("replace", "--force", "-f", "-", stdin=CONFIG)
    assert await kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.b}") == "2"


async def make_child(client: Client, owner: dict[str, Any], name: str) -> None:
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": "demo", "controller": True}
    reference |= {"uid": owner["metadata"]["uid"], "blockOwnerDeletion": True}
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "ownerReferences": [reference]},
    }
    await client.create(CONFIG_MAPS, "default", body)


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
async def test_delete_cascades(kubectl: Any, client: Client, cascade: str) -> None:
    await kubectl("apply", "-f", "-", stdin=TEAM)
    await make_child(client, await client.get(AGENT_TEAMS, "default", "demo"), "child")
    await kubectl("delete", "agentteam", "demo", f"--cascade={cascade}", "--timeout=30s")
    assert (await kubectl.run("get", "agentteam", "demo")).code == 1
    left = (await kubectl("get", "configmap", "-o", "name")).splitlines()
    assert left == (["configmap/child"] if cascade == "orphan" else [])
    if cascade == "orphan":
        child = await client.get(CONFIG_MAPS, "default", "child")
        assert "ownerReferences" not in child["metadata"]


async def test_a_finalizer_holds_a_deletion(kubectl: Any) -> None:
    await kubectl(
        "apply", "-f", "-", stdin=TEAM.replace("name: demo,", "name: demo, finalizers: [x.io/hold],")
    )
    await kubectl("delete", "agentteam", "demo", "--wait=false")
    found = await team_of(kubectl)
    assert found["metadata"]["deletionTimestamp"]
    await kubectl("patch", "agentteam", "demo", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    assert (await kubectl.run("get", "agentteam", "demo")).code == 1


async def test_a_pod_is_deleted_gracefully_or_at_once(kubectl: Any, client: Client) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    }
    await client.create(PODS, "default", pod)
    await kubectl("delete", "pod", "p", "--wait=false", "--grace-period=7")
    found = await client.get(PODS, "default", "p")
    assert found["metadata"]["deletionGracePeriodSeconds"] == 7
    header, row = (await kubectl("get", "pods")).splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row.split()[:4] == ["p", "0/1", "Terminating", "0"]
    assert "Terminating" in await kubectl("describe", "pod", "p")
    await kubectl("delete", "pod", "p", "--force", "--grace-period=0")
    assert (await kubectl.run("get", "pod", "p")).code == 1


async def test_claims_are_bound_at_once(kubectl: Any) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "5Gi"}}},
    }
    await kubectl("apply", "-f", "-", stdin=yaml.safe_dump(claim))
    row = (await kubectl("get", "pvc", "--no-headers")).split()
    assert (row[:2], row[3:5]) == (["disk", "Bound"], ["5Gi", "RWX"])


async def test_manifests_of_roles_and_definitions_apply(kubectl: Any) -> None:
    crds = Path(__file__).parents[2] / "charts" / "kagents" / "files" / "crds"
    assert "agentteams" in await kubectl("apply", "--server-side", "--force-conflicts", "-f", str(crds))
    assert "Established" in await kubectl("get", "crd", "agentteams.claude.amcheste.io", "-o", "yaml")
    await kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    await kubectl("create", "rolebinding", "read", "--role=reader", "--serviceaccount=default:kagents-hub")
    assert "Role/reader" in await kubectl("get", "rolebinding")
