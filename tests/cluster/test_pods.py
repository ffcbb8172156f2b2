"""Pods in namespaces as real clusters have them: quotas, volumes of other owners, network policies."""

import os
from collections.abc import Callable

import pytest
from testcluster.cluster import HOME, SYSTEM, Cluster
from testcluster.commands import Kubectl, Object
from testcluster.team import Team, simulated
from testcluster.volumes import RUNNER_USER
from testcluster.waiting import until

QUICK = {"lead": [{"dismiss": "a"}, {"finish": "done"}], "a": [{"say": "here"}]}


def selected(kubectl: Kubectl, policy: Object) -> set[str]:
    """The agents whose pods a policy is for."""
    of = policy["spec"]["podSelector"]
    terms = [f"{key}={value}" for key, value in of["matchLabels"].items()]
    terms += [f"{each['key']} in ({','.join(each['values'])})" for each in of["matchExpressions"]]
    pods = kubectl.list("pods", "-l", ",".join(terms))
    return {pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in pods}


def selector(*roles: str) -> Object:
    """Of pods with one of these roles."""
    role = {"key": "claude.amcheste.io/role", "operator": "In", "values": list(roles)}
    return {"matchLabels": {"app.kubernetes.io/name": "kagents"}, "matchExpressions": [role]}


def test_every_pod_of_a_team_is_fenced(kubectl: Kubectl, namespace: str, team: Callable[..., Team]) -> None:
    """What is made; that it is enforced is the business of the cluster's network, and this one's does not."""
    running = team(simulated("fenced", QUICK))
    until(lambda: len(running.pods()) == 3, 60, explain=running.explain)
    here = kubectl.within(namespace)
    policies = {each["metadata"]["name"]: each for each in here.list("networkpolicies")}
    assert set(policies) == {"kagents-agents", "kagents-hubs"}
    assert selected(here, policies["kagents-agents"]) == {"lead", "a"}
    assert selected(here, policies["kagents-hubs"]) == {"hub"}, "this team delivers nothing"
    made = min(each["metadata"]["creationTimestamp"] for each in running.pods())
    servers = [{"port": port, "protocol": "TCP"} for port in (8418, 8419)]
    agents, hubs = selector("lead", "teammate"), selector("hub")
    metrics = {"ports": [{"port": "metrics", "protocol": "TCP"}]}
    for name, ports, comes_in, inside in (
        ("kagents-agents", [53, 443], [], [{"to": [{"podSelector": hubs}], "ports": servers}]),
        (
            "kagents-hubs",
            [22, 53, 443, 6443],
            [metrics, {"from": [{"podSelector": agents}], "ports": servers}],
            [],
        ),
    ):
        spec = policies[name]["spec"]
        assert spec.get("ingress", []) == comes_in
        assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
        anywhere, *others = spec["egress"]
        assert sorted({port["port"] for port in anywhere["ports"]}) == ports
        assert others == inside
        assert policies[name]["metadata"]["creationTimestamp"] <= made
    running.wait_phase("Completed", seconds=120)


def test_pods_are_admitted_where_requests_and_limits_are_demanded(
    kubectl: Kubectl, namespace: str, team: Callable[..., Team]
) -> None:
    here = kubectl.within(namespace)
    amounts = "requests.cpu=10,requests.memory=20Gi,limits.cpu=100,limits.memory=200Gi"
    here("create", "quota", "everything", f"--hard={amounts}")
    bounds = {"type": "Container", "min": {"memory": "8Mi"}, "max": {"cpu": "8", "memory": "16Gi"}}
    here.apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "sane"}, "spec": {"limits": [bounds]}}
    )
    until(lambda: "hard" in ((here.get("resourcequota", "everything") or {}).get("status") or {}), 20)
    manifest = simulated("counted", QUICK)
    manifest["spec"]["lead"]["resources"] = {"requests": {"memory": "24Mi"}, "limits": {"memory": "300Mi"}}
    running = team(manifest)
    running.wait_phase("Completed", seconds=120)
    used = {
        pod["metadata"]["labels"]["claude.amcheste.io/agent"]: pod["spec"]["containers"][0]["resources"]
        for pod in running.pods()
    }
    assert used["lead"]["requests"]["memory"] == "24Mi"
    assert used["lead"]["limits"]["memory"] == "300Mi"
    assert used["lead"]["limits"]["cpu"] == used["a"]["limits"]["cpu"]
    assert used["a"]["limits"]["memory"] == "4Gi"
    assert used["hub"]["limits"]["memory"] == "1Gi"


@pytest.mark.parametrize(
    ("owner", "mode"), [(0, 0o777), (RUNNER_USER, 0o755)], ids=["everybody's", "the runner's"]
)
def test_a_volume_that_knows_no_fs_group(
    cluster: Cluster, namespace: str, team: Callable[..., Team], owner: int, mode: int
) -> None:
    """hostPath volumes: the kubelet changes no owner there, and makes missing subPaths as root."""
    if cluster.provisioner is None:
        pytest.skip("the volumes of this cluster are made elsewhere")
    cluster.provisioner.roots[namespace] = (owner, mode)
    running = team(simulated("others-volume", QUICK))
    running.wait_phase("Completed", seconds=120)
    root = running.volume(HOME / "volumes")
    assert (root.stat().st_uid, root.stat().st_mode & 0o7777) == (owner, mode)
    folders = [path for path in root.rglob("*") if path.is_dir()]
    assert {str(path.relative_to(root)) for path in folders} >= {"team", "work", "home/lead", "home/a"}
    assert {path.stat().st_uid for path in folders} == {RUNNER_USER}


def test_a_volume_of_root_is_named_and_can_be_mended(
    cluster: Cluster, namespace: str, team: Callable[..., Team]
) -> None:
    if cluster.provisioner is None:
        pytest.skip("the volumes of this cluster are made elsewhere")
    cluster.provisioner.roots[namespace] = (0, 0o755)
    running = team(simulated("roots-volume", QUICK))
    said = running.wait_condition("Prepared", "PrepareFailed", "cannot be written", "10001", seconds=60)
    assert "/kagents/team" in said
    os.chown(running.volume(HOME / "volumes"), RUNNER_USER, RUNNER_USER)
    running.wait_phase("Completed", seconds=120)


def test_an_agent_sees_no_other_home(namespace: str, team: Callable[..., Team]) -> None:
    wait = [{"wait": {"seconds": 600}}]
    running = team(simulated("homes", {"lead": wait, "a": wait}))
    running.wait_phase("Running")
    until(lambda: running.pods("a")[0]["status"]["phase"] == "Running", 60, explain=running.explain)
    pod = running.pod("a")
    seen = running.kubectl("exec", pod, "-c", "agent", "--", "find", "/kagents", "-maxdepth", "2")
    assert "/kagents/home" in seen
    assert "/kagents/home/lead" not in seen
    assert "/kagents/home/a" not in seen
    owned = running.kubectl("exec", running.pod("hub"), "-c", "recorder", "--", "ls", "/kagents/home")
    assert set(owned.split()) >= {"lead", "a"}


def test_the_controller_needs_no_shell(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    """Its image, with a file that cannot be executed over every shell, gets as far as being ready."""
    here = kubectl.within(SYSTEM)
    name = f"shellless-{namespace[-4:]}"
    shells = [f"/usr/bin/{shell}" for shell in ("dash", "bash")]
    mounts = [{"name": "nothing", "mountPath": path, "subPath": "nothing"} for path in shells]
    container: Object = {
        "name": "controller",
        "image": f"{cluster.images.controller}:{cluster.images.tag}",
        "args": ["--runner-image=x", f"--namespace={namespace}", f"--lease-name={name}"],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8081}, "periodSeconds": 1},
        "volumeMounts": mounts,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec: Object = {
        "serviceAccountName": "kagents-controller",
        "securityContext": security,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "nothing", "configMap": {"name": name}}],
    }
    here("create", "configmap", name, "--from-literal=nothing=no shell")
    here.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    try:
        ready = ("get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].ready}")
        until(lambda: here(*ready) == "true", 60, explain=lambda: here("logs", name))
        for shell in ("sh", "bash"):
            said = here.refused("exec", name, "--", f"/bin/{shell}", "-c", "true")
            assert "permission denied" in said
    finally:
        here(
            "delete",
            f"pod/{name}",
            f"configmap/{name}",
            f"lease/{name}",
            "--ignore-not-found",
            "--wait=false",
        )
