"""Every value of the chart has an effect, and no other value is taken. Needs Helm, not a running release."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from testcluster.commands import CHART, CommandFailed, Helm, Object

from kagents_controller.team_network import TeamNetwork, network_policies

Documents = list[Object]


def render(helm: Helm, *sets: str, json_sets: tuple[str, ...] = ()) -> Documents:
    arguments = [*(f"--set={each}" for each in sets), *(f"--set-json={each}" for each in json_sets)]
    text = helm("template", "kagents", str(CHART), "--namespace", "kagents-system", *arguments)
    return [document for document in yaml.safe_load_all(text) if document]


def of(documents: Documents, kind: str, name: str | None = None) -> Documents:
    return [
        document
        for document in documents
        if document["kind"] == kind and name in (None, document["metadata"]["name"])
    ]


def pod(documents: Documents) -> Object:
    [deployment] = of(documents, "Deployment")
    template: Object = deployment["spec"]["template"]
    return template


def container(documents: Documents) -> Object:
    found: Object = pod(documents)["spec"]["containers"][0]
    return found


def argument(documents: Documents, name: str) -> list[str]:
    prefix = f"--{name}="
    return [each.removeprefix(prefix) for each in container(documents)["args"] if each.startswith(prefix)]


def policy_ports(documents: Documents, name: str = "kagents-controller") -> set[int]:
    [policy] = of(documents, "NetworkPolicy", name)
    return {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}


def alert(documents: Documents, name: str) -> str:
    [rules] = of(documents, "PrometheusRule")
    [found] = [each["expr"] for each in rules["spec"]["groups"][0]["rules"] if each["alert"] == name]
    return str(found)


def kept(documents: Documents) -> set[Any]:
    definitions = of(documents, "CustomResourceDefinition")
    return {crd["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for crd in definitions}


EFFECTS: dict[str, tuple[str, Callable[[Documents], Any], Any]] = {
    "crds.install": ("false", lambda d: len(of(d, "CustomResourceDefinition")), 0),
    "crds.keep": ("false", kept, {None}),
    "namespaces": ('["a","b"]', lambda d: argument(d, "namespace"), ["a", "b"]),
    "images.controller.repository": ('"x/c"', lambda d: container(d)["image"], "x/c:0.1.0"),
    "images.controller.tag": ('"t"', lambda d: container(d)["image"].rpartition(":")[2], "t"),
    "images.runner.repository": ('"x/r"', lambda d: argument(d, "runner-image"), ["x/r:0.1.0"]),
    "images.runner.tag": ('"t"', lambda d: argument(d, "runner-image")[0].rpartition(":")[2], "t"),
    "images.pullPolicy": (
        '"Always"',
        lambda d: (container(d)["imagePullPolicy"], *argument(d, "image-pull-policy")),
        ("Always", "Always"),
    ),
    "images.pullSecrets": (
        '[{"name":"s"}]',
        lambda d: pod(d)["spec"].get("imagePullSecrets"),
        [{"name": "s"}],
    ),
    "controller.replicas": ("3", lambda d: of(d, "Deployment")[0]["spec"]["replicas"], 3),
    "controller.workers": ("4", lambda d: argument(d, "workers"), ["4"]),
    "controller.logLevel": ('"debug"', lambda d: argument(d, "log-level"), ["debug"]),
    "controller.resources": (
        '{"limits":{"cpu":"2"}}',
        lambda d: container(d)["resources"]["limits"].get("cpu"),
        "2",
    ),
    "controller.nodeSelector": ('{"a":"b"}', lambda d: pod(d)["spec"].get("nodeSelector"), {"a": "b"}),
    "controller.tolerations": ('[{"key":"k"}]', lambda d: pod(d)["spec"].get("tolerations"), [{"key": "k"}]),
    "controller.podAnnotations": ('{"a":"b"}', lambda d: pod(d)["metadata"].get("annotations"), {"a": "b"}),
    "controller.spread": ("false", lambda d: "topologySpreadConstraints" in pod(d)["spec"], False),
    "podDisruptionBudget.enabled": ("false", lambda d: len(of(d, "PodDisruptionBudget")), 0),
    "hub.serviceAccount": ('"other"', lambda d: argument(d, "hub-service-account"), ["other"]),
    "usage.retentionDays": ("30", lambda d: argument(d, "usage-days"), ["30"]),
    "rbac.userRoles": ("false", lambda d: len(of(d, "ClusterRole", "kagents-viewer")), 0),
    "approvals.requireVerb": (
        "false",
        lambda d: len(of(d, "ValidatingAdmissionPolicy") + of(d, "ValidatingAdmissionPolicyBinding")),
        0,
    ),
    "metrics.service": ("false", lambda d: len(of(d, "Service")), 0),
    "metrics.serviceMonitor.enabled": ("true", lambda d: len(of(d, "ServiceMonitor")), 1),
    "metrics.serviceMonitor.labels": (
        '{"release":"p"}',
        lambda d: [each["metadata"]["labels"].get("release") for each in of(d, "ServiceMonitor")],
        ["p"],
    ),
    "metrics.serviceMonitor.interval": (
        '"7s"',
        lambda d: [each["spec"]["endpoints"][0]["interval"] for each in of(d, "ServiceMonitor")],
        ["7s"],
    ),
    "metrics.dashboard.enabled": ("true", lambda d: len(of(d, "ConfigMap")), 1),
    "metrics.dashboard.labels": (
        '{"grafana_dashboard":"x"}',
        lambda d: [each["metadata"]["labels"]["grafana_dashboard"] for each in of(d, "ConfigMap")],
        ["x"],
    ),
    "metrics.dashboard.annotations": (
        '{"grafana_folder":"x"}',
        lambda d: [each["metadata"].get("annotations") for each in of(d, "ConfigMap")],
        [{"grafana_folder": "x"}],
    ),
    "metrics.alerts.enabled": ("true", lambda d: len(of(d, "PrometheusRule")), 1),
    "metrics.alerts.labels": (
        '{"release":"p"}',
        lambda d: [each["metadata"]["labels"].get("release") for each in of(d, "PrometheusRule")],
        ["p"],
    ),
    "metrics.alerts.budgetShare": ("0.5", lambda d: alert(d, "KagentsBudgetNearlySpent")[-6:], ">= 0.5"),
    "metrics.alerts.waitingSeconds": ("60", lambda d: alert(d, "KagentsPersonNeeded")[-4:], "> 60"),
    "agents.resources": (
        '{"limits":{"cpu":"3"}}',
        lambda d: json.loads(*argument(d, "agent-resources"))["limits"]["cpu"],
        "3",
    ),
    "hub.resources": (
        '{"requests":{"memory":"1Gi"}}',
        lambda d: json.loads(*argument(d, "hub-resources"))["requests"]["memory"],
        "1Gi",
    ),
    "webhooks.signingKeysSecret": (
        '"keys"',
        lambda d: (
            argument(d, "webhook-keys"),
            [each.get("secret", {}).get("secretName") for each in pod(d)["spec"].get("volumes", ())],
        ),
        (["/webhook-keys"], ["keys"]),
    ),
    "webhooks.allowedNetworks": (
        '["10.96.0.0/12"]',
        lambda d: argument(d, "webhook-network"),
        ["10.96.0.0/12"],
    ),
    "tracing.endpoint": (
        '"http://collector.observability:4318"',
        lambda d: (argument(d, "tracing-endpoint"), "4318" in argument(d, "hub-port")),
        (["http://collector.observability:4318"], True),
    ),
    "tracing.headersSecret": ('"otel"', lambda d: argument(d, "tracing-headers-secret"), ["otel"]),
    "networkPolicy.teams.tracingPorts": ("[4317]", lambda d: "4317" in argument(d, "hub-port"), True),
    "skills.allowedNetworks": (
        '["10.96.0.0/12"]',
        lambda d: argument(d, "registry-network"),
        ["10.96.0.0/12"],
    ),
    "networkPolicy.enabled": ("false", lambda d: len(of(d, "NetworkPolicy")), 0),
    "networkPolicy.teams.enabled": (
        "false",
        lambda d: (argument(d, "agent-port"), argument(d, "hub-port"), "networkpolicies" in json.dumps(d)),
        ([], [], False),
    ),
    "networkPolicy.teams.agentPorts": ("[443,8080]", lambda d: argument(d, "agent-port"), ["443", "8080"]),
    "networkPolicy.teams.repositoryPorts": (
        "[7999]",
        lambda d: argument(d, "hub-port"),
        ["443", "6443", "7999"],
    ),
    "networkPolicy.apiServerPorts": ("[9443]", lambda d: {9443, 443} <= policy_ports(d), True),
    "networkPolicy.webhookPorts": ("[8443]", lambda d: 8443 in policy_ports(d), True),
}


def paths(values: Object, prefix: str = "") -> set[str]:
    found = set()
    for key, value in values.items():
        path = f"{prefix}{key}"
        deeper = isinstance(value, dict) and value and not path.endswith(".resources")
        found |= paths(value, f"{path}.") if deeper else {path}
    return found


def test_every_value_is_looked_at() -> None:
    assert paths(yaml.safe_load((CHART / "values.yaml").read_text())) == set(EFFECTS)


@pytest.mark.parametrize("value", EFFECTS)
def test_every_value_has_an_effect(helm: Helm, value: str) -> None:
    given, look, expected = EFFECTS[value]
    part = value.rpartition(".")[0]
    others = (f"{part}.enabled=true",) if part.startswith("metrics.") and "enabled" not in value else ()
    assert look(render(helm, *others)) != expected
    assert look(render(helm, *others, json_sets=(f"{value}={given}",))) == expected


@pytest.mark.parametrize(
    ("given", "blamed"),
    [
        ("controler.replicas=3", "controler"),
        ("controller.replica=3", "replica"),
        ('controller.replicas="two"', "replicas"),
        ('images.pullPolicy="Sometimes"', "pullPolicy"),
        ('namespaces=["A_b"]', "namespaces"),
        ('hub.serviceAccount=""', "serviceAccount"),
        ('agents.resources={"request":{"cpu":1}}', "request"),
        ("networkPolicy.teams.agentPorts=[0]", "agentPorts"),
    ],
)
def test_other_values_are_refused(helm: Helm, given: str, blamed: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        render(helm, json_sets=(given,))
    assert blamed in refused.value.output


def test_some_namespaces_need_no_rights_outside_them(helm: Helm) -> None:
    documents = render(helm, json_sets=('namespaces=["a","b"]', "rbac.userRoles=false"))
    assert not of(documents, "ClusterRole")
    assert not of(documents, "ClusterRoleBinding")
    rules = json.dumps([role["rules"] for role in of(documents, "Role")])
    for word in ("bind", "serviceaccounts", "rolebindings", "networkpolicies", "secrets", "pods/exec"):
        assert f'"{word}"' not in rules
    for namespace in ("a", "b"):
        accounts = {
            account["metadata"]["name"]
            for account in of(documents, "ServiceAccount")
            if account["metadata"]["namespace"] == namespace
        }
        assert accounts == {"kagents-hub"}
    assert argument(documents, "hub-cluster-role") == []


def test_the_policy_of_approvals_judges_the_chosen_namespaces_alone(helm: Helm) -> None:
    [everywhere] = of(render(helm), "ValidatingAdmissionPolicyBinding")
    assert "matchResources" not in everywhere["spec"]
    [some] = of(render(helm, json_sets=('namespaces=["a","b"]',)), "ValidatingAdmissionPolicyBinding")
    [chosen] = some["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert chosen == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}


def test_a_release_that_goes_on_with_its_old_values_is_asked_for_no_verb(helm: Helm) -> None:
    """``--reuse-values`` knows no new value: who approves today approves tomorrow."""
    assert not of(render(helm, "approvals=null"), "ValidatingAdmissionPolicy")


def test_the_chart_and_the_controller_make_the_same_network_policies(helm: Helm) -> None:
    sets = ("networkPolicy.teams.agentPorts=[443,8443]", "networkPolicy.teams.repositoryPorts=[7999]")
    whole = render(helm, json_sets=sets)
    network = TeamNetwork(
        [int(port) for port in argument(whole, "agent-port")],
        [int(port) for port in argument(whole, "hub-port")],
    )
    listed = render(helm, json_sets=(*sets, 'namespaces=["a","b"]'))
    assert not argument(listed, "agent-port") + argument(listed, "hub-port")
    for namespace in ("a", "b"):
        rendered = {
            policy["metadata"]["name"]: policy["spec"]
            for policy in of(listed, "NetworkPolicy")
            if policy["metadata"]["namespace"] == namespace
        }
        assert rendered == {name: content["spec"] for _, name, content in network_policies(network)}
