"""The branch that is delivered keeps clear of those that agents push: git has no ``a`` beside ``a/b``.

With ``agentAccess: push`` an agent pushes ``kagents/TEAM/AGENT``; in a shared worktree it is ``…/shared``.
"""

from collections.abc import Iterator
from typing import Final

from kagents_core.api.constants import LEAD, SHARED_WORKTREE
from kagents_core.api.fielderrors import FieldError
from kagents_core.api.fields import filled
from kagents_core.api.team import AgentTeamSpec
from kagents_core.api.teamrules import BRANCH_BESIDE

_WHERE: Final = "spec.lifecycle.consolidatedBranchTemplate"


def branch_problems(spec: AgentTeamSpec, team: str, namespace: str) -> Iterator[FieldError]:
    """The refusal of a branch that is, or would be above or below, one that this team's agents push."""
    template, repository = spec.lifecycle.consolidated_branch_template, spec.repository
    if template is None or repository is None or repository.agent_access != "push":
        return
    agents = {mate.name for mate in spec.teammates} | ({LEAD} if spec.lead else set())
    if repository.worktree_strategy == "shared":
        agents = {SHARED_WORKTREE}
    branch = filled(template, team=team, namespace=namespace).split("/")
    for agent in agents:
        pushed = ["kagents", team, agent]
        shorter = min(len(pushed), len(branch))
        if pushed[:shorter] == branch[:shorter]:
            yield FieldError(_WHERE, template, BRANCH_BESIDE)
            return
