"""The pod that delivers a coding team's work: ``merge`` sees no credential, ``finish`` no file of an agent.

Only ``finish`` mounts Secrets, and of the team volume it sees a folder that no agent's pod mounts.
"""

import json
from collections.abc import Sequence
from typing import Any

from kagents_core.api.constants import ANNOTATION_RETRY_FINISH, CHECKS, FINISH, SHARED_WORKTREE
from kagents_core.api.fields import filled
from kagents_core.api.quantities import parse_duration
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.documents import literal, scope_of, team_document
from kagents_core.reconcile.children.hub import GIT_CREDENTIALS_DIR
from kagents_core.reconcile.children.pods import (
    FINISH_DIR,
    TEAM_DIR,
    WORK_DIR,
    container,
    pod,
    whole_volume,
)
from kagents_core.reconcile.identity import Identity, numbered
from kagents_core.reconcile.names import child_name
from kagents_core.reconcile.plan import Settings
from kagents_core.reconcile.roster import Agent

FORGE_CREDENTIALS_DIR = "/forge-credentials"
GLANCE_SECONDS = 10
"""How long a delivery that waits for no checks looks for them: a forge needs a moment to have any."""
_TITLE_LIMIT = 255


def finish_pod(
    identity: Identity,
    spec: AgentTeamSpec,
    settings: Settings,
    agents: Sequence[Agent],
    attempt: int,
    retry: str,
) -> dict[str, Any]:
    """The pod of one attempt to deliver."""
    own = {"name": "team", "mountPath": FINISH_DIR, "subPath": FINISH}
    temporary = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - an emptyDir of the pod's own
    told = [
        {"name": "KAGENTS_FINISH_DIR", "value": FINISH_DIR},
        {"name": "KAGENTS_TEAM", "value": literal(team_document(identity, spec))},
        {"name": "KAGENTS_FINISH", "value": literal(finish_document(identity, spec, agents, retry))},
    ]
    places = [
        {"name": "KAGENTS_TEAM_DIR", "value": TEAM_DIR},
        {"name": "KAGENTS_WORK_DIR", "value": WORK_DIR},
    ]
    secrets, mounts, volumes = _secrets(spec)
    resources = settings.hub_resources
    merge = container(
        "merge",
        "merge",
        settings,
        env=[*places, *told],
        mounts=whole_volume(read_only=False),
        resources=resources,
    )
    finish = container(
        FINISH,
        "finish",
        settings,
        env=[*told, *secrets],
        mounts=[own, temporary, *mounts],
        resources=resources,
    )
    steps = [merge, finish]
    if _waits(spec):
        # It has what `finish` has, and is a container of its own so that what is delivered shows at once.
        steps.append(finish | {"name": CHECKS, "command": ["kagents-runner", CHECKS]})
    body = {"restartPolicy": "Never", "initContainers": steps[:-1], "containers": steps[-1:]}
    name = child_name(identity.name, identity.uid, FINISH, attempt)
    metadata = numbered(identity.metadata(name, FINISH, FINISH), attempt, 0)
    if retry:
        metadata["annotations"] |= {ANNOTATION_RETRY_FINISH: retry}
    return pod(metadata, identity, spec, settings, body, volumes=volumes)


def _waits(spec: AgentTeamSpec) -> float:
    """Seconds that the checks of the request are waited for."""
    lifecycle = spec.lifecycle
    if lifecycle.on_complete != "create-pr" or not (
        lifecycle.pull_request and lifecycle.pull_request.wait_for_checks
    ):
        return 0
    return parse_duration(lifecycle.pull_request.wait_for_checks).total_seconds()


def _secrets(spec: AgentTeamSpec) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Variables, mounts and volumes of the two Secrets, for the container ``finish`` alone."""
    lifecycle = spec.lifecycle
    git = lifecycle.git_credentials_secret or (
        spec.repository.credentials_secret if spec.repository else None
    )
    forge = lifecycle.github_token_secret if lifecycle.on_complete == "create-pr" else None
    env, mounts, volumes = [], [], []
    for name, variable, path, secret in (
        ("git-credentials", "KAGENTS_GIT_CREDENTIALS_DIR", GIT_CREDENTIALS_DIR, git),
        ("forge-credentials", "KAGENTS_FORGE_CREDENTIALS_DIR", FORGE_CREDENTIALS_DIR, forge),
    ):
        if secret:
            env.append({"name": variable, "value": path})
            mounts.append({"name": name, "mountPath": path, "readOnly": True})
            volumes.append({"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}})
    return env, mounts, volumes


def finish_document(identity: Identity, spec: AgentTeamSpec, agents: Sequence[Agent], retry: str) -> str:
    """``KAGENTS_FINISH``."""
    lifecycle = spec.lifecycle

    def fill(template: str) -> str:
        return filled(template, team=identity.name, namespace=identity.namespace)

    branch = fill(lifecycle.consolidated_branch_template or default_branch(spec))
    shared = spec.repository is not None and spec.repository.worktree_strategy == "shared"
    order = [SHARED_WORKTREE] if shared else merge_order(agents)
    document: dict[str, Any] = {"branch": branch, "order": order, "retry": retry}
    document["scopes"] = {agent.name: scope for agent in agents if (scope := scope_of(agent))}
    if lifecycle.on_complete == "create-pr":
        wanted = lifecycle.pull_request
        template = (wanted.title_template if wanted else None) or lifecycle.pr_title_template
        title = " ".join(fill(template or "Work of the agent team {{ .TeamName }}").split())[:_TITLE_LIMIT]
        document["pullRequest"] = {
            "title": title,
            "target": wanted.target_branch if wanted else "main",
            "reviewers": list(wanted.reviewers) if wanted else [],
            "labels": list(wanted.labels) if wanted else [],
            "draft": wanted.draft if wanted else False,
            "provider": wanted.provider if wanted else None,
            "apiUrl": wanted.api_url if wanted else None,
            "glanceSeconds": 0 if _waits(spec) else GLANCE_SECONDS,
            "waitSeconds": _waits(spec),
        }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def default_branch(spec: AgentTeamSpec) -> str:
    """Template of the branch that is delivered. Git cannot have ``a`` beside ``a/b``: where agents push
    their own branches to the repository, the delivered one lies beside them.
    """
    pushed = spec.repository is not None and spec.repository.agent_access == "push"
    return "kagents/{{ .TeamName }}/finish" if pushed else "kagents/{{ .TeamName }}"


def merge_order(agents: Sequence[Agent]) -> list[str]:
    """Agents in the order of their dependencies, otherwise as declared; the lead, who saw it all, is last."""
    waiting = [agent for agent in agents if agent.role != "lead"]
    order: list[str] = []
    while waiting:
        ready = [agent for agent in waiting if all(name in order for name in agent.depends_on)] or waiting
        order += [agent.name for agent in ready]
        waiting = [agent for agent in waiting if agent.name not in order]
    return order + [agent.name for agent in agents if agent.role == "lead"]
