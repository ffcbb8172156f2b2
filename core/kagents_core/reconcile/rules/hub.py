"""The hub: one live pod while the team is not finished, replaced only when the old one is surely gone."""

from dataclasses import dataclass

from kagents_core.api.constants import HUB
from kagents_core.reconcile.children.hub import hub_pod
from kagents_core.reconcile.plan import Manifest, PodView
from kagents_core.reconcile.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class HubState:
    """The hub as it is, and the pod that is missing."""

    pod: PodView | None
    create: Manifest | None = None

    @property
    def prepared(self) -> bool:
        """Whether ``prepare`` has succeeded."""
        return self.pod is not None and self.pod.prepared


def assess_hub(snapshot: Snapshot) -> HubState:
    """Look for the hub. The journal has one writer, so a pod being deleted is waited for."""
    pods = snapshot.pods_of(HUB)
    if any(pod.live for pod in pods):
        return HubState(next(pod for pod in reversed(pods) if pod.live))
    attempt = pods[-1].attempt + 1 if pods else 0
    manifest = hub_pod(snapshot.identity, snapshot.spec, snapshot.observed.settings, attempt)
    return HubState(pods[-1] if pods else None, manifest)
