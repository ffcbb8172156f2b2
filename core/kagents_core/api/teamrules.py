"""The CEL rules of a whole spec: what the API server refuses on a cluster, beside the checks in Python.

The sentences are shared with :mod:`kagents_core.api.crosschecks`, which states the same rules in Python.
"""

from typing import Final

from pydantic import BaseModel

from kagents_core.api.agents import LeadSpec, TeammateSpec
from kagents_core.api.model import wire_names

NEEDS_PLACE: Final = "a team works in exactly one of repository and workspace"
NEEDS_REPOSITORY: Final = (
    "onComplete create-pr and push-branch need a repository; a workspace has nothing to push"
)
BRANCH_BESIDE: Final = (
    "with agentAccess push agents push branches kagents/TEAM/AGENT, and this one is one of them, or above or "
    "below them, where git has none; choose another, or leave it out"
)
NEEDS_AGENT: Final = "a team needs a lead or at least one teammate"
UNKNOWN_DEPENDENCY: Final = "there is no teammate of this name"
UNKNOWN_GATE: Final = "there is no teammate of the name that follows spawn-"
UNKNOWN_ARTIFACT: Final = "no teammate declares this artifact; it is written AGENT/ARTIFACT"
CYCLE: Final = "teammates wait for each other in a circle"
SCRIPT_NEEDS_SIMULATED: Final = "only an agent with harness simulated takes a script"
NEEDS_CREDENTIAL: Final = "a claude-code agent needs apiKeySecret or oauthSecret"
SET_BY_GATEWAY: Final = (
    "with auth.mode gateway kagents sets this variable itself; give another address as auth.baseUrl, or "
    "choose auth.mode direct"
)
GATEWAY_VARIABLES: Final = (
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
)
"""How a real agent would be sent past the gateway; what holds a credential is refused in any mode."""
SCOPE_NEEDS_WORKTREE: Final = (
    "in a shared worktree nobody can tell who changed a file; use worktreeStrategy per-teammate, or no scope"
)
CONFLICT_NEEDS_LEAD: Final = (
    "onConflict: lead needs a lead, and branches that are joined: onComplete push-branch or create-pr, "
    "worktreeStrategy per-teammate"
)
SKILL_NEEDS_REPOSITORY: Final = (
    "the path of a skill or plugin is a folder of the repository, and this team has none"
)
SCOPE_NEEDS_REPOSITORY: Final = (
    "without a repository changes can be reported only: there is no delivery to stop"
)
CANCEL_IS_FINAL: Final = "cancel cannot be taken back"
IMMUTABLE: Final = (
    "this field cannot be changed after creation; delete the object and apply it again under the same name"
)

IMMUTABLE_TEAM_FIELDS: Final = (
    "repository",
    "workspace",
    "auth",
    "harness",
    "instructions",
    "plugins",
    "coordination",
    "qualityGates",
    "observability",
    "storage",
)
IMMUTABLE_RUN_FIELDS: Final = (
    "templateRef",
    "repository",
    "workspace",
    "auth",
    "harness",
    "observability",
)
CHANGEABLE_AGENT_FIELDS: Final = ("budget",)
"""What may change in the lead and in teammates."""
IMMUTABLE_LIFECYCLE_FIELDS: Final = (
    "onComplete",
    "onConflict",
    "pullRequest",
    "githubTokenSecret",
    "prTitleTemplate",
    "gitCredentialsSecret",
    "consolidatedBranchTemplate",
)

_HAS_AUTH: Final = "(has(self.auth) && (has(self.auth.apiKeySecret) || has(self.auth.oauthSecret)))"


def _has_own_token(agent: str) -> str:
    """CEL: the agent brings a credential of its own through its environment."""
    return (
        f"(has({agent}.env) && {agent}.env.exists(e, e.name == 'ANTHROPIC_AUTH_TOKEN' && has(e.valueFrom)))"
    )


def _harness(agent: str) -> str:
    """CEL: the harness that the agent gets, its own or the team's."""
    return f"(has({agent}.harness) ? {agent}.harness : self.harness)"


def _agent_rules(agent: str, where: str) -> tuple[tuple[str, str], ...]:
    """What holds for one agent of a team: pairs of (CEL over the agent and ``self``, sentence)."""
    return (
        (f"(!has({agent}.script) || {_harness(agent)} == 'simulated')", SCRIPT_NEEDS_SIMULATED),
        (
            f"(!{_HAS_AUTH} || self.auth.mode == 'direct' || {_harness(agent)} == 'simulated'"
            f" || !has({agent}.env) || !{agent}.env.exists(e, e.name in {list(GATEWAY_VARIABLES)}))",
            f"{where}.env.name: {SET_BY_GATEWAY}",
        ),
        (
            f"({_HAS_AUTH} || {_harness(agent)} == 'simulated' || {_has_own_token(agent)})",
            f"spec.auth: {NEEDS_CREDENTIAL}",
        ),
    )


def _agent_unchanged(agent: type[BaseModel], new: str, old: str) -> str:
    """CEL: an agent is as it was, but for what may change in it."""
    fields = (name for name in wire_names(agent) if name not in CHANGEABLE_AGENT_FIELDS)
    return " && ".join(f"({_unchanged(field, new, old)})" for field in fields)


def _unchanged(field: str, new: str = "self", old: str = "oldSelf") -> str:
    """CEL: an optional field is as it was."""
    now, then = f"{new}.{field}", f"{old}.{field}"
    return f"has({now}) == has({then}) && (!has({now}) || {now} == {then})"


def _frozen(fields: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((_unchanged(field), f"spec.{field}: {IMMUTABLE}") for field in fields)


def _needs(agent: str, other: str) -> str:
    """CEL: the agent waits for the other, or takes what it makes."""
    return (
        f"((has({agent}.dependsOn) && {other}.name in {agent}.dependsOn) || (has({agent}.inputs)"
        f" && {agent}.inputs.exists(i, i.from.startsWith({other}.name + '/'))))"
    )


GATES_UNCHANGED: Final = (
    "(has(self.lifecycle.approvalGates) ? size(self.lifecycle.approvalGates) : 0) =="
    " (has(oldSelf.lifecycle.approvalGates) ? size(oldSelf.lifecycle.approvalGates) : 0)"
    " && (!has(self.lifecycle.approvalGates) || self.lifecycle.approvalGates.all(g,"
    " oldSelf.lifecycle.approvalGates.exists(o, o.event == g.event && o.channel == g.channel)))"
)

_LIFECYCLE_RULES: Final = (
    *_frozen(tuple(f"lifecycle.{field}" for field in IMMUTABLE_LIFECYCLE_FIELDS)),
    (GATES_UNCHANGED, f"spec.lifecycle.approvalGates: {IMMUTABLE}"),
)

_LEAD_UNCHANGED: Final = (
    f"has(self.lead) == has(oldSelf.lead) && (!has(self.lead)"
    f" || ({_agent_unchanged(LeadSpec, 'self.lead', 'oldSelf.lead')}))",
    f"spec.lead: {IMMUTABLE}",
)
_SAME_TEAMMATES: Final = (
    "(has(self.teammates) ? size(self.teammates) : 0) =="
    " (has(oldSelf.teammates) ? size(oldSelf.teammates) : 0)"
    # Whoever has the same name is bound once: looked for in every field, the cost would be too high.
    " && (!has(self.teammates) || self.teammates.all(t, [oldSelf.teammates.filter(o, o.name == t.name)]"
    f".all(o, size(o) == 1 && {_agent_unchanged(TeammateSpec, 't', 'o[0]')})))",
    f"spec.teammates: {IMMUTABLE}",
)

_CANCEL: Final = (("!oldSelf.cancel || self.cancel", CANCEL_IS_FINAL),)

_PLACE: Final = (("has(self.repository) != has(self.workspace)", NEEDS_PLACE),)

TEAMMATE_RULES: Final = (
    (
        "!has(self.teammates) || self.teammates.all(t, !has(t.dependsOn)"
        " || t.dependsOn.all(d, self.teammates.exists(o, o.name == d)))",
        f"spec.teammates.dependsOn: {UNKNOWN_DEPENDENCY}",
    ),
    (
        # The names are made once: made anew for every input they would exceed the cost that is allowed.
        "!has(self.teammates) || [self.teammates.map(o, has(o.artifacts) ? o.artifacts.map(a,"
        " o.name + '/' + a.name) : [])].exists(made, self.teammates.all(t, !has(t.inputs)"
        " || t.inputs.all(i, made.exists(names, i.from in names))))",
        f"spec.teammates.inputs.from: {UNKNOWN_ARTIFACT}",
    ),
    (
        "!has(self.teammates) || self.teammates.all(t, !(has(t.dependsOn) || has(t.inputs))"
        f" || self.teammates.all(o, !({_needs('t', 'o')} && {_needs('o', 't')})))",
        f"spec.teammates.dependsOn: {CYCLE}",
    ),
    (
        "!has(self.lifecycle.approvalGates) || self.lifecycle.approvalGates.all(g, g.event == 'finish'"
        " || (has(self.teammates) && self.teammates.exists(t, 'spawn-' + t.name == g.event)))",
        f"spec.lifecycle.approvalGates.event: {UNKNOWN_GATE}",
    ),
)

_NO_PATHS: Final = (
    "(!has({agent}.skills) || {agent}.skills.all(k, !has(k.source.path)))"
    " && (!has({agent}.plugins) || {agent}.plugins.all(k, !has(k.source.path)))"
)

_CONFLICT_TO_LEAD: Final = (
    "self.lifecycle.onConflict == 'report' || (has(self.lead) && has(self.repository)"
    " && self.lifecycle.onComplete in ['create-pr', 'push-branch']"
    " && self.repository.worktreeStrategy == 'per-teammate')"
)

TEAM_RULES: Final = (
    (_CONFLICT_TO_LEAD, f"spec.lifecycle.onConflict: {CONFLICT_NEEDS_LEAD}"),
    *_PLACE,
    ("has(self.lead) || (has(self.teammates) && size(self.teammates) > 0)", NEEDS_AGENT),
    (
        "has(self.repository) || !(self.lifecycle.onComplete in ['create-pr', 'push-branch'])",
        f"spec.lifecycle.onComplete: {NEEDS_REPOSITORY}",
    ),
    (
        "!has(self.repository) || self.repository.worktreeStrategy != 'shared' || !has(self.teammates)"
        " || self.teammates.all(t, !has(t.scope))",
        f"spec.teammates.scope: {SCOPE_NEEDS_WORKTREE}",
    ),
    (
        "has(self.repository) || !has(self.teammates)"
        " || self.teammates.all(t, !has(t.scope) || t.scope.onViolation == 'report')",
        f"spec.teammates.scope.onViolation: {SCOPE_NEEDS_REPOSITORY}",
    ),
    (
        "has(self.repository) || ((!has(self.plugins) || self.plugins.all(k, !has(k.source.path))) && "
        f"(!has(self.lead) || {_NO_PATHS.format(agent='self.lead')}) && "
        f"(!has(self.teammates) || self.teammates.all(t, {_NO_PATHS.format(agent='t')})))",
        f"spec: {SKILL_NEEDS_REPOSITORY}",
    ),
    *TEAMMATE_RULES,
    *((f"!has(self.lead) || {rule}", sentence) for rule, sentence in _agent_rules("self.lead", "spec.lead")),
    *(
        (f"!has(self.teammates) || self.teammates.all(t, {rule})", sentence)
        for rule, sentence in _agent_rules("t", "spec.teammates")
    ),
    *_CANCEL,
    *_frozen(IMMUTABLE_TEAM_FIELDS),
    _LEAD_UNCHANGED,
    _SAME_TEAMMATES,
    *_LIFECYCLE_RULES,
)

_PUSHES: Final = (
    "self.spec.repository.worktreeStrategy == 'shared' ? p[2] == 'shared' :"
    " (has(self.spec.lead) && p[2] == 'lead')"
    " || (has(self.spec.teammates) && self.spec.teammates.exists(t, t.name == p[2]))"
)

OBJECT_RULES: Final = (
    (
        "!has(self.spec.repository) || self.spec.repository.agentAccess != 'push'"
        " || !has(self.spec.lifecycle.consolidatedBranchTemplate)"
        " || [self.spec.lifecycle.consolidatedBranchTemplate.split('/')].all(p, p[0] != 'kagents'"
        " || (size(p) > 1 && (!(p[1] in [self.metadata.name, '{{ .TeamName }}', '{{.TeamName}}'])"
        f" || (size(p) > 2 && !({_PUSHES})))))",
        f"spec.lifecycle.consolidatedBranchTemplate: {BRANCH_BESIDE}",
    ),
)
"""What needs the name of the team."""

TEMPLATE_RULES: Final = TEAMMATE_RULES

RUN_RULES: Final = (
    *_PLACE,
    (
        f"!has(self.lead) || {_HAS_AUTH} || {_has_own_token('self.lead')} || (has(self.lead.harness) ?"
        " self.lead.harness : (has(self.harness) ? self.harness : 'claude-code')) == 'simulated'",
        f"spec.auth: {NEEDS_CREDENTIAL}",
    ),
    *_CANCEL,
    *_frozen(IMMUTABLE_RUN_FIELDS),
    _LEAD_UNCHANGED,
    ("has(self.lifecycle) == has(oldSelf.lifecycle)", f"spec.lifecycle: {IMMUTABLE}"),
    *(
        (f"!has(self.lifecycle) || !has(oldSelf.lifecycle) || ({rule})", sentence)
        for rule, sentence in _LIFECYCLE_RULES
    ),
)
