"""Who a team is: the parts of its metadata that rules use, and what its children carry of them."""

from dataclasses import dataclass
from typing import Any

from kagents_core.api.constants import (
    ANNOTATION_ATTEMPT,
    ANNOTATION_RESTARTS,
    API_VERSION,
    CONTROLLER_MANAGER,
    LABEL_AGENT,
    LABEL_HARNESS,
    LABEL_ROLE,
    LABEL_TEAM,
)
from kagents_core.api.team import AgentTeam


@dataclass(frozen=True, slots=True)
class Identity:
    """Name, namespace, UID and generation of a team."""

    name: str
    namespace: str
    uid: str
    generation: int

    @classmethod
    def of(cls, team: AgentTeam) -> "Identity":
        """Read it from the object's metadata."""
        metadata = team.metadata
        return cls(
            metadata["name"], metadata.get("namespace", ""), metadata["uid"], metadata.get("generation", 0)
        )

    def metadata(self, name: str, agent: str, role: str, harness: str | None = None) -> dict[str, Any]:
        """``metadata`` of a child."""
        labels = {
            "app.kubernetes.io/name": "kagents",
            "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/component": agent,
            "app.kubernetes.io/managed-by": CONTROLLER_MANAGER,
            LABEL_TEAM: self.name,
            LABEL_AGENT: agent,
            LABEL_ROLE: role,
        }
        if harness:
            labels[LABEL_HARNESS] = harness
        owner = {
            "apiVersion": API_VERSION,
            "kind": "AgentTeam",
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
        return {"name": name, "namespace": self.namespace, "labels": labels, "ownerReferences": [owner]}


def numbered(metadata: dict[str, Any], attempt: int, restarts: int) -> dict[str, Any]:
    """The same metadata with an attempt's numbers."""
    return metadata | {"annotations": {ANNOTATION_ATTEMPT: str(attempt), ANNOTATION_RESTARTS: str(restarts)}}
