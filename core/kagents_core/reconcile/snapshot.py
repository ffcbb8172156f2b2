"""An observed team, read once for all rules: identity, agents, and the pods of each."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from kagents_core.api.constants import EXPORT, FINISH, HUB, LEAD
from kagents_core.api.status import LeadStatus, TeammateStatus, TeamStatus
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.identity import Identity
from kagents_core.reconcile.plan import ClaimView, Observed, PodView
from kagents_core.reconcile.roster import Agent, agents_of, has_gateway


@dataclass(frozen=True)
class Snapshot:
    """One team as the rules see it."""

    observed: Observed

    @property
    def now(self) -> datetime:
        """The time of this reconcile."""
        return self.observed.now

    @cached_property
    def spec(self) -> AgentTeamSpec:
        """What the person asks for; a team that was made without a gateway goes on without one."""
        spec = self.observed.team.spec
        if spec.auth is None or not has_gateway(spec) or self._made_for_gateway(spec):
            return spec
        return spec.model_copy(update={"auth": spec.auth.model_copy(update={"mode": "direct"})})

    def _made_for_gateway(self, spec: AgentTeamSpec) -> bool:
        """By the hub, or the last one there was; else by the agents that run.

        An earlier release made hubs without a gateway. An agent that starts at such a hub could not reach the
        model, and a hub with a gateway would not count what agents with a key of their own spend.
        """
        hubs = self.pods_of(HUB)
        live = [pod for pod in hubs if pod.live]
        if hubs:
            return (live or hubs)[-1].gateway
        real = {agent.name for agent in agents_of(spec) if agent.harness == "claude-code"}
        return all(pod.gateway for pod in self.agent_pods if pod.live and pod.agent in real)

    @property
    def status(self) -> TeamStatus:
        """What was written last."""
        return self.observed.team.status

    @cached_property
    def identity(self) -> Identity:
        """Who the team is."""
        return Identity.of(self.observed.team)

    @cached_property
    def agents(self) -> tuple[Agent, ...]:
        """Every declared agent, the lead first."""
        return tuple(agents_of(self.spec))

    @cached_property
    def annotations(self) -> dict[str, str]:
        """The object's annotations."""
        return self.observed.team.metadata.get("annotations") or {}

    @cached_property
    def agent_pods(self) -> tuple[PodView, ...]:
        """Pods of agents, declared or not; without the hub's and those that deliver or export."""
        return tuple(pod for pod in self.observed.children.pods if pod.agent not in (HUB, FINISH, EXPORT))

    @cached_property
    def working_pods(self) -> tuple[PodView, ...]:
        """Every pod but the hub's and those that export: what stands still when the team does."""
        return tuple(pod for pod in self.observed.children.pods if pod.agent not in (HUB, EXPORT))

    def pods_of(self, agent: str) -> list[PodView]:
        """Pods of one agent (or of the hub), the latest attempt last."""
        return sorted(
            (pod for pod in self.observed.children.pods if pod.agent == agent), key=lambda pod: pod.attempt
        )

    def claim(self, name: str) -> ClaimView | None:
        """The claim of this name, when it exists."""
        return next((claim for claim in self.observed.children.claims if claim.name == name), None)

    def previous(self, agent: str) -> LeadStatus | TeammateStatus | None:
        """What status says of this agent."""
        if agent == LEAD:
            return self.status.lead
        return next((mate for mate in self.status.teammates if mate.name == agent), None)
