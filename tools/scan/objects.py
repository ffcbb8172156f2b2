"""What the scanners look at: the rendered chart, and pods as the controller makes them of ordinary teams."""

import copy
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from kagents_core.api.agents import Resources
from kagents_core.api.team import AgentTeam
from kagents_core.reconcile import Children, Observed, Settings, pod_view, reconcile_team

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts/kagents"
CLUSTER_HELM: Final = Path.home() / ".cache/kagents-cluster/bin/helm"
EVERYTHING: Final = (
    "namespaces={team-a}",
    "metrics.alerts.enabled=true",
    "metrics.dashboard.enabled=true",
    "metrics.serviceMonitor.enabled=true",
    "webhooks.signingKeysSecret=keys",
    "tracing.endpoint=http://collector:4318",
)
"""The second rendering: what the first one, of the values as they are, leaves out."""
VALUES: Final = yaml.safe_load((CHART / "values.yaml").read_text())
SETTINGS: Final = Settings(
    runner_image="kagents-runner:0.1.0",
    agent_resources=Resources.model_validate(VALUES["agents"]["resources"]),
    hub_resources=Resources.model_validate(VALUES["hub"]["resources"]),
)
"""As the chart sets them."""
STEPS: Final = 8


def helm() -> str | None:
    """The Helm of the test cluster, or of the machine."""
    return str(CLUSTER_HELM) if CLUSTER_HELM.exists() else shutil.which("helm")


def rendered(program: str) -> dict[str, str]:
    """The chart as YAML: by its own values, and with all that they switch off."""
    command = [program, "template", "kagents", str(CHART), "--namespace", "kagents-system"]
    more = [f"--set={each}" for each in EVERYTHING]
    return {
        name: subprocess.run([*command, *extra], check=True, capture_output=True, text=True).stdout
        for name, extra in (("chart", []), ("chart-everything", more))
    }


def team_pods() -> dict[str, str]:
    """Hub, agents, delivery and export of the described system's teams, as YAML."""
    manifests = sorted((ROOT / "tests/fixtures/seed-manifests").glob("*.yaml"))
    found = {}
    for path in manifests:
        for raw in yaml.safe_load_all(path.read_text()):
            if raw and raw["kind"] == "AgentTeam":
                found[f"team-{path.stem}"] = yaml.safe_dump_all(_life(raw))
    return found


def _life(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every pod from the first to the delivery: each has succeeded as soon as it is there."""
    metadata = {"uid": "u", "generation": 1, "namespace": "default", **raw["metadata"]}
    gates = raw["spec"].get("lifecycle", {}).get("approvalGates", [])
    approved = {f"approved.claude.amcheste.io/{gate['event']}": "true" for gate in gates}
    raw |= {"metadata": metadata | {"annotations": approved | {"claude.amcheste.io/export": "once"}}}
    pods: dict[str, dict[str, Any]] = {}
    status: Mapping[str, Any] = {}
    for _ in range(STEPS):
        team = AgentTeam.model_validate(copy.deepcopy(raw) | {"status": dict(status)})
        children = Children(tuple(pod_view(pod | {"status": _status(pod)}) for pod in pods.values()))
        now = datetime(2026, 11, 22, tzinfo=UTC)
        plan = reconcile_team(Observed(team, children, now, SETTINGS, {}))
        status = plan.status if plan.status is not None else status
        for manifest in plan.apply:
            if manifest["kind"] == "Pod":
                made = copy.deepcopy(dict(manifest))
                made["metadata"]["uid"] = f"uid-{made['metadata']['name']}"
                pods[made["metadata"]["name"]] = made
    yield from pods.values()


def _status(pod: Mapping[str, Any]) -> dict[str, Any]:
    stays = pod["metadata"]["labels"]["claude.amcheste.io/agent"] in ("hub", "export")
    ready = [{"type": "Initialized", "status": "True"}]
    return {"phase": "Running", "conditions": ready} if stays else {"phase": "Succeeded"}
