"""A ServiceMonitor that a real definition takes leads to the metrics; too old definitions are told."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from testcluster.cluster import SYSTEM
from testcluster.commands import CHART, Helm, Kubectl, Object
from testcluster.waiting import until

DEFINITION = "servicemonitors.monitoring.coreos.com"


@pytest.fixture
def definition(kubectl: Kubectl, install: Callable[..., None]) -> Iterator[None]:
    """The definition of ServiceMonitors, as far as charts use it; unknown fields are refused."""
    if kubectl.get("crd", DEFINITION) is not None:
        pytest.skip("this cluster has ServiceMonitors of its own")
    kubectl("apply", "-f", str(Path(__file__).parent / "manifests" / "servicemonitor-crd.yaml"))
    kubectl("wait", "--for=condition=Established", f"crd/{DEFINITION}", "--timeout=30s")
    try:
        yield
    finally:
        install()
        kubectl("delete", "crd", DEFINITION)


def test_a_service_monitor_leads_to_the_metrics(
    kubectl: Kubectl, definition: None, install: Callable[..., None]
) -> None:
    install("metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.labels.release=p")
    system = kubectl.within(SYSTEM)
    monitor = system.get("servicemonitor", "kagents-controller")
    assert monitor is not None
    assert monitor["metadata"]["labels"]["release"] == "p"
    labels = monitor["spec"]["selector"]["matchLabels"]
    terms = ",".join(f"{key}={value}" for key, value in labels.items())
    [service] = system.list("services", "-l", terms)
    [endpoint] = monitor["spec"]["endpoints"]
    [port] = [port for port in service["spec"]["ports"] if port["name"] == endpoint["port"]]
    assert port["port"] == 8081
    slices = system.list("endpointslices", "-l", f"kubernetes.io/service-name={service['metadata']['name']}")
    ready = [each for part in slices for each in part["endpoints"] if each["conditions"]["ready"]]
    assert len(ready) == 2, "both controllers are read, the standby as well"
    place = f"services/{service['metadata']['name']}:{endpoint['port']}/proxy{endpoint['path']}"
    text = kubectl("get", "--raw", f"/api/v1/namespaces/{SYSTEM}/{place}")
    assert "workqueue_depth" in text


def test_without_the_definition_helm_says_what_is_missing(cluster: object, helm: Helm, chart: None) -> None:
    said = helm.refused(
        "upgrade",
        "kagents",
        str(CHART),
        "--namespace",
        SYSTEM,
        "--reuse-values",
        "--set=metrics.serviceMonitor.enabled=true",
    )
    assert "ServiceMonitor" in said


def test_the_controller_warns_of_definitions_older_than_itself(
    kubectl: Kubectl, chart: None, install: Callable[..., None], tmp_path: Path
) -> None:
    older = tmp_path / "kagents"
    shutil.copytree(CHART, older)
    path = older / "files" / "crds" / "agentteams.yaml"
    definition = yaml.safe_load(path.read_text())
    for version in definition["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        del spec["lifecycle"]["properties"]["idleTimeout"]
    path.write_text(yaml.safe_dump(definition))
    system = kubectl.within(SYSTEM)

    def warnings() -> list[Object]:
        lines = system("logs", "-l", "app.kubernetes.io/name=kagents-controller", "--tail=-1").splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in entries if "older than this controller" in each["msg"]]

    try:
        install(chart=older)
        system("rollout", "restart", "deployment/kagents-controller")
        system("rollout", "status", "deployment/kagents-controller", "--timeout=90s")
        found = until(warnings, 60)
        assert {(each["level"].lower(), each["kind"]) for each in found} == {("warning", "AgentTeam")}
        assert found[0]["missing"] == ["spec.lifecycle.idleTimeout"]
    finally:
        install()
