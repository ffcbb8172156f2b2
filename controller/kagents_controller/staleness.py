"""Asking the API server itself, in the few cases where a cache that is behind would do harm."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kagents_controller.caches import Caches
from kagents_controller.executor import Subject
from kagents_controller.expectations import Child, Expectations, Owner
from kagents_core.api.constants import ANNOTATION_ATTEMPT, HUB, LABEL_TEAM, LEAD
from kagents_core.api.resources import (
    AGENT_BUDGETS,
    AGENT_TEAM_RUNS,
    AGENT_TEAM_TEMPLATES,
    AGENT_TEAMS,
    CLAIMS,
    PODS,
    Resource,
)
from kagents_core.api.validation import without_nulls
from kagents_core.kube.client import Client
from kagents_core.kube.errors import NotFound
from kagents_core.reconcile import Plan, owner_uid, waits_for_budget

_RESOURCES: dict[str, Resource] = {
    each.kind: each
    for each in (AGENT_BUDGETS, AGENT_TEAM_RUNS, AGENT_TEAM_TEMPLATES, AGENT_TEAMS, CLAIMS, PODS)
}


async def caught_up(client: Client, caches: Caches, expectations: Expectations, owner: Owner) -> bool:
    """Whether everything awaited for this owner, past the time limit, turns out to be in the caches.

    What is not makes the wait start anew. Raises ApiError.
    """
    for child in expectations.missing(owner):
        if await _live_version(client, child) == caches.version(child):
            expectations.saw(child)
    if await _live_version(client, owner) == caches.version(owner):
        expectations.saw_all_of(owner)
    if expectations.waiting(owner) is None:
        return True
    expectations.renew(owner)
    return False


async def _live_version(client: Client, child: Child) -> str | None:
    kind, namespace, name = child
    try:
        found = await client.get(_RESOURCES[kind], namespace, name)
    except NotFound:
        return None
    return str(found["metadata"]["resourceVersion"])


async def replaces_only_the_dead(client: Client, caches: Caches, subject: Subject, plan: Plan) -> bool:
    """Whether no agent that the plan gives a further pod, or gives up, has one that the cache does not show:
    it may be alive, or have ended well.

    Only restarts and failures ask, and they are rare: the team and a list of its pods each. Raises ApiError.
    """
    again = {
        manifest["metadata"]["labels"]["app.kubernetes.io/component"]
        for manifest in plan.apply
        if manifest["kind"] == "Pod"
        and manifest["metadata"].get("annotations", {}).get(ANNOTATION_ATTEMPT, "0") != "0"
    }
    again |= _given_up(subject, plan)
    if not again:
        return True
    metadata = subject.body["metadata"]
    # What the plan was made from: the cache may catch up while the server is asked, and the plan does not.
    known = {pod.name for pod in caches.children(metadata["uid"]).pods}
    if not await _is_as_seen(client, subject):
        return False
    listed = await client.list(PODS, metadata["namespace"], labels=f"{LABEL_TEAM}={metadata['name']}")
    for pod in listed.items:
        agent = pod["metadata"].get("labels", {}).get("app.kubernetes.io/component")
        unseen = pod["metadata"]["name"] not in known
        if owner_uid(pod) == metadata["uid"] and agent in again and unseen:
            return False
    return True


async def goes_on_with_the_living(client: Client, caches: Caches, subject: Subject, plan: Plan) -> bool:
    """Whether the live pods are there that a team goes on with after it stood still, or a stopped agent.

    A pod that the suspension has ended, and that the cache still shows, would be missed later as if it had
    failed, and be counted as one of its agent's restarts. Only resumptions ask: one list. Raises ApiError.
    """
    metadata, before, after = subject.body["metadata"], subject.body.get("status") or {}, plan.status or {}
    if subject.resource is not AGENT_TEAMS or not after:
        return True
    agents = _agents(after)
    on = {
        name
        for name, agent in _agents(before).items()
        if waits_for_budget(agent.get("waitingFor"))
        and not waits_for_budget(agents.get(name, {}).get("waitingFor"))
    }
    resumed = before.get("phase") == "Suspended" != after.get("phase")
    kept = {
        pod.name
        for pod in caches.children(metadata["uid"]).pods
        if pod.live and pod.agent != HUB and (resumed or pod.agent in on)
    }
    if not kept:
        return True
    listed = await client.list(PODS, metadata["namespace"], labels=f"{LABEL_TEAM}={metadata['name']}")
    return kept <= {pod["metadata"]["name"] for pod in listed.items}


def _agents(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {LEAD: status.get("lead") or {}} | {mate["name"]: mate for mate in status.get("teammates") or ()}


async def _is_as_seen(client: Client, subject: Subject) -> bool:
    """Whether the server has this very object, and the controller's own word in it is the one of the cache.

    A team that is gone took its pods with it; one that has ended, was suspended or was resumed meanwhile is
    not to be acted upon as it was before.
    """
    metadata = subject.body["metadata"]
    try:
        found = await client.get(subject.resource, metadata["namespace"], metadata["name"])
    except NotFound:
        return False
    same = found["metadata"]["uid"] == metadata["uid"]
    return same and replace(subject, body=without_nulls(found)).own_status() == subject.own_status()


def _given_up(subject: Subject, plan: Plan) -> set[str]:
    """The agents whose failure ends the team now."""
    status = plan.status or {}
    before = (subject.body.get("status") or {}).get("phase")
    if subject.resource is not AGENT_TEAMS or status.get("phase") != "Failed" or before == "Failed":
        return set()
    return {name for name, agent in _agents(status).items() if agent.get("phase") == "Failed"}
