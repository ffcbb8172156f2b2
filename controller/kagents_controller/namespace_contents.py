"""What the controller makes in every namespace with teams: the hubs' account and the network policies."""

from collections.abc import Iterator

from kagents_controller.hub_account import hub_account
from kagents_controller.namespace_setup import Content
from kagents_controller.team_network import TeamNetwork, network_policies


def contents(
    namespace: str, hub_service_account: str, hub_cluster_role: str | None, network: TeamNetwork | None
) -> Iterator[Content]:
    """The objects of one namespace; without a role no account, without a network no policies."""
    if network is not None:
        yield from network_policies(network)
    if hub_cluster_role is not None:
        yield from hub_account(namespace, hub_service_account, hub_cluster_role)
