"""A world for the reconciler: it carries plans out as a cluster would, on a clock of its own."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kagents_core.api.constants import HUB
from kagents_core.api.status import TERMINAL_PHASES
from kagents_core.api.team import AgentTeam
from kagents_core.reconcile import (
    Children,
    Hold,
    NotificationOutcome,
    Observed,
    Plan,
    Settings,
    claim_view,
    pod_view,
    reconcile_team,
)

SETTINGS = Settings(runner_image="kagents-runner:test")


def team(spec: dict[str, Any], name: str = "demo") -> dict[str, Any]:
    return {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": "11111111-aaaa",
            "generation": 1,
            "annotations": {},
        },
        "spec": spec,
        "status": {},
    }


def simple_spec(*mates: dict[str, Any], gates: tuple[str, ...] = (), **lifecycle: Any) -> dict[str, Any]:
    return {
        "workspace": {"output": {"size": "1Gi"}},
        "harness": "simulated",
        "lead": {"prompt": "lead"},
        "teammates": [{"prompt": "work", **mate} for mate in mates],
        "lifecycle": {"approvalGates": [{"event": gate} for gate in gates], **lifecycle},
    }


@dataclass
class World:
    raw: dict[str, Any]
    now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, NotificationOutcome] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    events: list[Any] = field(default_factory=list)
    effects: list[Any] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    gone: bool = False

    def plan(self) -> Plan:
        children = Children(
            tuple(pod_view(pod) for pod in self.pods.values()),
            tuple(claim_view(claim) for claim in self.claims.values()),
        )
        observed = Observed(
            AgentTeam.model_validate(copy.deepcopy(self.raw)),
            children,
            self.now,
            SETTINGS,
            self.outcomes,
            self.holds,
        )
        return reconcile_team(observed)

    def carry_out(self, plan: Plan) -> None:
        for manifest in plan.apply:
            self._apply(copy.deepcopy(dict(manifest)))
        for ref in plan.delete:
            if ref.kind == "AgentTeam":
                self.gone = True
            elif ref.name in self.pods:
                assert self.pods[ref.name]["metadata"]["uid"] == ref.uid
                self.pods[ref.name]["metadata"]["deletionTimestamp"] = "now"
        if plan.status is not None:
            foreign = {k: v for k, v in self.raw["status"].items() if k in RECORDER_FIELDS}
            self.raw["status"] = foreign | copy.deepcopy(dict(plan.status))
        self.events += plan.events
        self.effects += plan.effects

    def _apply(self, manifest: dict[str, Any]) -> None:
        name = manifest["metadata"]["name"]
        store = self.pods if manifest["kind"] == "Pod" else self.claims
        assert name not in store, f"{name} applied twice"
        manifest["metadata"]["uid"] = f"uid-{name}"
        manifest["status"] = {"phase": "Pending"}
        store[name] = manifest
        self.created.append(name)

    def step(self) -> Plan:
        plan = self.plan()
        self.carry_out(plan)
        return plan

    def settle(self) -> None:
        """Reconcile until nothing is planned any more; a second look at the same world must plan nothing."""
        for _ in range(5):
            plan = self.step()
            if self.quiet(plan):
                return
        raise AssertionError(f"does not come to rest: {plan}")

    def quiet(self, plan: Plan) -> bool:
        status = {k: v for k, v in self.raw["status"].items() if k not in RECORDER_FIELDS}
        same = plan.status is None or dict(plan.status) == status
        return not plan.apply and not plan.delete and not plan.events and same

    # -- what the world does ---------------------------------------------------------------------------------

    def agent_pods(self, agent: str) -> list[dict[str, Any]]:
        return [p for p in self.pods.values() if p["metadata"]["labels"]["claude.amcheste.io/agent"] == agent]

    def live(self, agent: str) -> list[dict[str, Any]]:
        return [p for p in self.agent_pods(agent) if p["status"]["phase"] not in ("Succeeded", "Failed")]

    def run(self, agent: str) -> None:
        for pod in self.live(agent):
            pod["status"] = {"phase": "Running", "conditions": [{"type": "Initialized", "status": "True"}]}

    def succeed(self, agent: str) -> None:
        for pod in self.live(agent):
            pod["status"] = {"phase": "Succeeded"}

    def fail(self, agent: str, message: str = "it broke") -> None:
        for pod in self.live(agent):
            ended = {"exitCode": 1, "message": message, "finishedAt": self.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
            pod["status"] = {
                "phase": "Failed",
                "containerStatuses": [{"name": "agent", "state": {"terminated": ended}}],
            }

    def deliver(self, **outcome: Any) -> None:
        """The delivery's pod has done its work and says so."""
        for pod in self.live("finish"):
            ended = {"exitCode": 0, "message": json.dumps(outcome)}
            statuses = [{"name": "finish", "state": {"terminated": ended}}]
            pod["status"] = {"phase": "Succeeded", "containerStatuses": statuses}

    def deliver_and_await_checks(self, **outcome: Any) -> None:
        """The delivery's pod has done its work, and waits for the checks."""
        for pod in self.live("finish"):
            ended = {"exitCode": 0, "message": json.dumps(outcome)}
            steps = [{"name": "merge", "state": {"terminated": {"exitCode": 0}}}]
            steps.append({"name": "finish", "state": {"terminated": ended}})
            pod["status"] = {"phase": "Running", "initContainerStatuses": steps}

    def end_checks(self, code: int = 0, **told: Any) -> None:
        """The wait for them is over."""
        for pod in self.live("finish"):
            ended = {"exitCode": code, "message": json.dumps(told) if told else ""}
            statuses = [{"name": "checks", "state": {"terminated": ended}}]
            pod["status"] |= {"phase": "Failed" if code else "Succeeded", "containerStatuses": statuses}

    def fail_delivery(self, code: int, message: str = "it broke") -> None:
        for pod in self.live("finish"):
            ended = {"exitCode": code, "message": message}
            ended["finishedAt"] = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            statuses = [{"name": "finish", "state": {"terminated": ended}}]
            pod["status"] = {"phase": "Failed", "containerStatuses": statuses}

    def retry(self, value: str) -> None:
        self.raw["metadata"]["annotations"]["claude.amcheste.io/retry-finish"] = value

    def vanish(self, agent: str) -> None:
        for pod in self.agent_pods(agent):
            del self.pods[pod["metadata"]["name"]]

    def collect(self) -> None:
        """The kubelet ends what is being deleted."""
        for name in [n for n, p in self.pods.items() if p["metadata"].get("deletionTimestamp")]:
            del self.pods[name]

    def start_all(self) -> None:
        for agent in {p["metadata"]["labels"]["claude.amcheste.io/agent"] for p in self.pods.values()}:
            self.run(agent)

    def annotate(self, event: str, value: str) -> None:
        self.raw["metadata"]["annotations"][f"approved.claude.amcheste.io/{event}"] = value

    def pass_time(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    # -- what can be asked -----------------------------------------------------------------------------------

    @property
    def phase(self) -> str | None:
        return self.raw["status"].get("phase")

    @property
    def terminal(self) -> bool:
        return self.phase in TERMINAL_PHASES

    def mate(self, name: str) -> dict[str, Any]:
        return next(m for m in self.raw["status"]["teammates"] if m["name"] == name)

    def condition(self, kind: str) -> dict[str, Any]:
        return next(c for c in self.raw["status"]["conditions"] if c["type"] == kind)

    def running(self, agent: str = HUB) -> bool:
        return any(not p["metadata"].get("deletionTimestamp") for p in self.live(agent))


RECORDER_FIELDS = {
    "tasks",
    "usage",
    "messages",
    "estimatedCost",
    "activity",
    "result",
    "results",
    "artifacts",
}
