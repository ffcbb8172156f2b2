"""The network policies of a namespace with teams: one for hubs, deliveries, exports; one for agents.

Nobody may reach them over the network, but a hub's port named ``metrics`` where its team has one, and agents
its gateway to the model and its git proxy: else hub and agents speak through the team's volume, people
through the API server. What they may reach themselves are DNS and the ports that the installation allows. The
rules are the same for every team, so they cost no write a team; with a list of namespaces the chart makes the
same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kagents_controller.namespace_setup import Content
from kagents_core.api.constants import LABEL_ROLE
from kagents_core.api.resources import NETWORK_POLICIES
from kagents_core.reconcile.children.gateway import GATEWAY_PORT
from kagents_core.reconcile.children.git_proxy import GIT_PORT
from kagents_core.reconcile.children.hub import METRICS

Rule = dict[str, Any]

_AGENTS = ("lead", "teammate")
_DNS = ({"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53})


@dataclass(frozen=True, slots=True)
class TeamNetwork:
    """The TCP ports that pods of teams may reach, anywhere."""

    agent_ports: Sequence[int]
    """Of agents: what their tools need, and the model's API where they speak to it themselves."""
    hub_ports: Sequence[int]
    """Of hubs and of pods that deliver: the API server, repositories and their forges, the model's API."""


def network_policies(network: TeamNetwork) -> Iterator[Content]:
    """The policies of any namespace."""
    agents, hubs = _pods(_AGENTS), _pods(["hub"])
    servers = [{"protocol": "TCP", "port": port} for port in (GIT_PORT, GATEWAY_PORT)]
    entered: list[Rule] = [
        {"ports": [{"protocol": "TCP", "port": METRICS}]},
        {"from": [{"podSelector": agents}], "ports": servers},
    ]
    reached: list[Rule] = [_anywhere(network.agent_ports), {"to": [{"podSelector": hubs}], "ports": servers}]
    yield NETWORK_POLICIES, "kagents-agents", _policy(agents, [], reached)
    others = _pods(["hub", "finish", "export"])
    yield NETWORK_POLICIES, "kagents-hubs", _policy(others, entered, [_anywhere(network.hub_ports)])


def _pods(roles: Sequence[str]) -> dict[str, Any]:
    return {
        "matchLabels": {"app.kubernetes.io/name": "kagents"},
        "matchExpressions": [{"key": LABEL_ROLE, "operator": "In", "values": list(roles)}],
    }


def _anywhere(ports: Sequence[int]) -> dict[str, Any]:
    return {"ports": [*_DNS, *({"protocol": "TCP", "port": port} for port in dict.fromkeys(ports))]}


def _policy(selector: Rule, ingress: Sequence[Rule], egress: Sequence[Rule]) -> dict[str, Any]:
    return {
        "spec": {
            "podSelector": selector,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": list(ingress),
            "egress": list(egress),
        }
    }
