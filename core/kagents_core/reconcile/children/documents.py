"""The JSON documents that tell the runner what it needs to know (docs/internals.md, section 1)."""

import json
from typing import Any

from kagents_core.api.agents import TeammateSpec
from kagents_core.api.quality import QualityGates
from kagents_core.api.quantities import parse_duration, parse_money
from kagents_core.api.repository import Repository
from kagents_core.api.team import AgentTeamSpec
from kagents_core.instructions import layered
from kagents_core.reconcile.children.artifacts import artifacts_of
from kagents_core.reconcile.children.equipment import equipment_of
from kagents_core.reconcile.identity import Identity
from kagents_core.reconcile.names import session_id
from kagents_core.reconcile.roster import Agent, agents_of, has_gateway

ROSTER_PROMPT_LIMIT = 2000
"""Characters of a prompt in the roster, which stands in every pod's environment (128 KiB a value at most)."""


def literal(text: str) -> str:
    """The text as an environment value that arrives unchanged: Kubernetes expands ``$(NAME)``."""
    return text.replace("$", "$$")


def _seconds(duration: str | None) -> float | None:
    return parse_duration(duration).total_seconds() if duration else None


def _micros(amount: str | None) -> int | None:
    return parse_money(amount) if amount else None


def _roster_entry(agent: Agent) -> dict[str, Any]:
    return {
        "name": agent.name,
        "role": agent.role,
        "model": agent.spec.model,
        "harness": agent.harness,
        "dependsOn": list(agent.depends_on),
        "gate": agent.gate.event if agent.gate else None,
        "artifacts": [each.name for each in agent.spec.artifacts],
        "budgetMicros": _micros(agent.spec.budget),
        "prompt": agent.spec.prompt[:ROSTER_PROMPT_LIMIT],
    }


def scope_of(agent: Agent) -> dict[str, Any] | None:
    """The paths that an agent may change; None when it may change all."""
    scope = agent.spec.scope if isinstance(agent.spec, TeammateSpec) else None
    if scope is None or not (scope.include_paths or scope.exclude_paths):
        return None
    return {
        "include": list(scope.include_paths),
        "exclude": list(scope.exclude_paths),
        "onViolation": scope.on_violation,
    }


def repository_document(repository: Repository) -> dict[str, Any]:
    """The repository as every part of the team may know it: no credential."""
    return {
        "url": repository.url,
        "branch": repository.branch,
        "worktreeStrategy": repository.worktree_strategy,
        "depth": repository.depth,
        "remotes": [{"name": remote.name, "url": remote.url} for remote in repository.remotes],
        "submodules": repository.submodules,
        "lfs": repository.lfs,
        "agentAccess": repository.agent_access,
        "setupCommand": list(repository.setup_command),
    }


def gateway_document(spec: AgentTeamSpec) -> dict[str, Any] | None:
    """How the model is reached for this team's agents; None when they do it themselves."""
    if spec.auth is None or not has_gateway(spec):
        return None
    auth = spec.auth
    return {
        "provider": auth.provider,
        "baseUrl": auth.base_url,
        "region": auth.region,
        "project": auth.project,
    }


def team_document(identity: Identity, spec: AgentTeamSpec, *, prompts: bool = True) -> str:
    """``KAGENTS_TEAM``; without ``prompts`` for who only waits: they would be in every pod twice."""
    repository = spec.repository
    workspace = spec.workspace
    document = {
        "name": identity.name,
        "namespace": identity.namespace,
        "uid": identity.uid,
        "mode": "coding" if repository else "cowork",
        "repository": repository_document(repository) if repository else None,
        "outputDir": workspace.output.mount_path if workspace and workspace.output else None,
        "inputs": [source.mount_path for source in workspace.inputs] if workspace else [],
        "idleTimeoutSeconds": _seconds(spec.lifecycle.idle_timeout),
        "gateway": gateway_document(spec),
        "budgetMicros": _micros(spec.lifecycle.budget_limit),
        "agents": [_roster_entry(agent) | ({} if prompts else {"prompt": ""}) for agent in agents_of(spec)],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def quality_document(gates: QualityGates | None) -> dict[str, Any] | None:
    """The checks that an agent's work has to pass."""
    if gates is None:
        return None
    return {
        "tests": gates.require_tests,
        "lint": gates.require_lint,
        "testCommand": gates.test_command,
        "lintCommand": gates.lint_command,
        "script": gates.validation_script,
        "rounds": gates.max_rounds,
        "seconds": _seconds(gates.timeout),
    }


def agent_document(
    identity: Identity,
    spec: AgentTeamSpec,
    agent: Agent,
    attempt: int,
    *,
    conflict: str | None = None,
    prompts: bool = True,
) -> str:
    """``KAGENTS_AGENT``; without ``prompts`` for who only waits."""
    document = {
        "name": agent.name,
        "role": agent.role,
        "model": agent.spec.model,
        "prompt": agent.spec.prompt if prompts else "",
        "instructions": layered(spec.instructions, agent.spec.instructions) if prompts else "",
        "harness": agent.harness,
        "permissionMode": agent.spec.permission_mode,
        "effort": agent.spec.effort,
        "script": agent.spec.script,
        "scope": scope_of(agent),
        **artifacts_of(spec, agent),
        **equipment_of(spec, agent),
        "quality": quality_document(spec.quality_gates),
        "attempt": attempt,
        "conflict": conflict,
        "sessionId": session_id(identity.uid, agent.name),
        "timeoutSeconds": _seconds(agent.spec.timeout),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
