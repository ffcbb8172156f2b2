"""A team in a namespace of the cluster, looked at through kubectl."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testcluster.commands import REPOSITORY, Kubectl, Object
from testcluster.waiting import until

SEED = REPOSITORY / "tests" / "fixtures" / "seed-manifests"


def seed(name: str, **spec: Any) -> Object:
    """A manifest of the described system with simulated agents, and other spec fields replaced."""
    manifest: Object = yaml.safe_load((SEED / name).read_text())
    manifest["spec"] |= {"harness": "simulated", **_storage(), **spec}
    return manifest


def _storage() -> Object:
    """``KAGENTS_TEST_ACCESS_MODE=ReadWriteOnce`` for clusters whose default class has no shared volumes."""
    mode = os.environ.get("KAGENTS_TEST_ACCESS_MODE")
    return {"storage": {"accessMode": mode}} if mode else {}


def simulated(name: str, agents: Mapping[str, Sequence[Any]], **spec: Any) -> Object:
    """A cowork team of scripted agents: name -> steps; ``lead`` is the lead."""

    def agent(steps: Sequence[Any]) -> Object:
        return {"prompt": "Play your script.", "script": yaml.safe_dump(list(steps))}

    mates = [{"name": mate, **agent(steps)} for mate, steps in agents.items() if mate != "lead"]
    body: Object = {"harness": "simulated", "lead": agent(agents["lead"]), "teammates": mates, **_storage()}
    if "repository" not in spec:
        body["workspace"] = {"output": {"size": "1Gi"}}
    return {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": name},
        "spec": body | spec,
    }


@dataclass(frozen=True)
class Team:
    """One AgentTeam."""

    kubectl: Kubectl
    name: str

    def object(self) -> Object:
        """The team; empty when it is gone."""
        return self.kubectl.get("agentteam", self.name) or {}

    def status(self) -> Object:
        """Its status."""
        found: Object = self.object().get("status") or {}
        return found

    def phase(self) -> str:
        """Its phase."""
        return str(self.status().get("phase"))

    def condition(self, kind: str) -> Object:
        """One condition; empty while there is none."""
        entries = self.status().get("conditions") or []
        return next((entry for entry in entries if entry["type"] == kind), {})

    def wait_phase(self, *phases: str, seconds: float = 90.0) -> None:
        """Wait for one of these phases."""
        until(lambda: self.phase() in phases, seconds, explain=self.explain)

    def wait_condition(self, kind: str, reason: str, *words: str, seconds: float = 60.0) -> str:
        """Wait until a condition has this reason and names these words; its message."""

        def said() -> bool:
            found = self.condition(kind)
            return found.get("reason") == reason and all(word in found["message"] for word in words)

        until(said, seconds, explain=self.explain)
        return str(self.condition(kind)["message"])

    def approve(self, event: str) -> None:
        """Approve a gate as the described system does."""
        self.kubectl("annotate", "agentteam", self.name, f"approved.claude.amcheste.io/{event}=true")

    def pods(self, agent: str | None = None) -> list[Object]:
        """Its pods, or those of one agent."""
        selector = f"claude.amcheste.io/team={self.name}"
        if agent:
            selector += f",claude.amcheste.io/agent={agent}"
        return self.kubectl.list("pods", "-l", selector)

    def pod(self, agent: str) -> str:
        """Name of the newest pod of an agent."""
        pods = sorted(self.pods(agent), key=lambda pod: int(pod["metadata"]["annotations"][ATTEMPT]))
        return str(pods[-1]["metadata"]["name"]) if pods else ""

    def journal(self) -> list[Object]:
        """The journal, over exec in the recorder (the hub runs while the team does)."""
        text = self.kubectl("exec", self.pod("hub"), "-c", "recorder", "--", "kagents-runner", "tail")
        return [json.loads(line) for line in text.splitlines()]

    def volume(self, root: Path) -> Path:
        """The directory of its claim on the test cluster."""
        [found] = root.glob(f"{self.kubectl.namespace}--{self.name}-team-*")
        return found

    def explain(self) -> str:
        """Everything a failed test needs to be understood."""
        parts = [json.dumps(self.status(), indent=1), self.kubectl("get", "pods,pvc,events", "-o", "wide")]
        for pod in self.pods():
            name = pod["metadata"]["name"]
            try:
                parts.append(f"== {name}\n" + self.kubectl("logs", name, "--all-containers", "--tail=15"))
            except AssertionError as error:
                parts.append(str(error))
        return "\n".join(parts)


ATTEMPT = "claude.amcheste.io/attempt"
