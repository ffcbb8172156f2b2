"""The Kubernetes resources that kagents touches: what a URL needs to know of each kind."""

from dataclasses import dataclass
from typing import Final

from kagents_core.api.constants import GROUP, VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API server addresses it; the core group is the empty string."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The name that people and error messages use for one object."""
        return self.kind.lower()

    @property
    def root(self) -> str:
        """The path below which the resource is served: ``/api/v1`` or ``/apis/<group>/<version>``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


AGENT_TEAMS: Final = Resource(GROUP, VERSION, "agentteams", "AgentTeam")
AGENT_TEAM_TEMPLATES: Final = Resource(GROUP, VERSION, "agentteamtemplates", "AgentTeamTemplate")
AGENT_TEAM_RUNS: Final = Resource(GROUP, VERSION, "agentteamruns", "AgentTeamRun")
AGENT_BUDGETS: Final = Resource(GROUP, VERSION, "agentbudgets", "AgentBudget")
AGENT_USAGES: Final = Resource(GROUP, VERSION, "agentusages", "AgentUsage")
PODS: Final = Resource("", "v1", "pods", "Pod")
CLAIMS: Final = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
SECRETS: Final = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
EVENTS: Final = Resource("", "v1", "events", "Event")
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
ROLE_BINDINGS: Final = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
NETWORK_POLICIES: Final = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")
CRDS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
