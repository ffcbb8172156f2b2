"""The network policies of a namespace with teams: one for hubs, deliveries, exports; one for agents.

Nobody may reach them over the network, but a hub's port named ``metrics`` where its team has one: hub and
agents speak through the team's volume, people through the API server. What they may reach themselves are DNS
and the ports that the installation allows. The rules are the same for every team, so they cost no write a
team; with a list of namespaces the chart makes the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kagents_controller.namespace_setup import Content
from kagents_core.api.constants import LABEL_ROLE
from kagents_core.api.resources import NETWORK_POLICIES
from kagents_core.reconcile.children.hub import METRICS

_DNS = ({"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53})


@dataclass(frozen=True, slots=True)
class TeamNetwork:
    """The TCP ports that pods of teams may reach, anywhere."""

    agent_ports: Sequence[int]
    """Of agents: the model's API."""
    hub_ports: Sequence[int]
    """Of hubs and of pods that deliver: the API server, the repositories and their forges."""


def network_policies(network: TeamNetwork) -> Iterator[Content]:
    """The policies of any namespace."""
    metrics = [{"ports": [{"protocol": "TCP", "port": METRICS}]}]
    yield NETWORK_POLICIES, "kagents-agents", _policy(["lead", "teammate"], [], network.agent_ports)
    yield NETWORK_POLICIES, "kagents-hubs", _policy(["hub", "finish", "export"], metrics, network.hub_ports)


def _policy(roles: Sequence[str], ingress: list[dict[str, Any]], ports: Sequence[int]) -> dict[str, Any]:
    selector = {
        "matchLabels": {"app.kubernetes.io/name": "kagents"},
        "matchExpressions": [{"key": LABEL_ROLE, "operator": "In", "values": list(roles)}],
    }
    reached = [*_DNS, *({"protocol": "TCP", "port": port} for port in dict.fromkeys(ports))]
    return {
        "spec": {
            "podSelector": selector,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": [{"ports": reached}],
        }
    }
