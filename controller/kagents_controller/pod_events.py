"""Why a scheduled pod does not start: a volume's failure is told in the pod's events and nowhere else.

Only pods that stay so for a while are asked about, each one list of its own events at a time.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from kagents_core.api.resources import EVENTS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import ApiError
from kagents_core.reconcile import Children, PodView
from kagents_core.reconcile.plan import Problem
from kagents_core.reconcile.rules.patience import PATIENCE
from kagents_core.reconcile.views import NOT_STARTED

_log = logging.getLogger(__name__)
_MESSAGE_LIMIT = 1024


class _Told(dict[str, tuple[datetime, Problem | None]]):
    """By pod UID: when its events were read, and what they said."""


class PodEvents:
    """The newest warning about each pod that does not start."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: dict[str, _Told] = {}

    async def ask(self, team: str, namespace: str, children: Children, now: datetime) -> bool:
        """Read the events of this team's pods that are stuck; True while some still are."""
        before, told = self._told.get(team, _Told()), _Told()
        for pod in children.pods:
            if _is_stuck(pod, now):
                asked = before.get(pod.uid)
                recent = asked is not None and now < asked[0] + PATIENCE
                told[pod.uid] = asked if asked and recent else (now, await self._newest(namespace, pod))
        if told:
            self._told[team] = told
        else:
            self.forget(team)
        return bool(told)

    def forget(self, team: str) -> None:
        """The team of this UID is gone, or none of its pods is stuck."""
        self._told.pop(team, None)

    def explain(self, team: str, children: Children) -> Children:
        """The same children; a stuck pod's problem is what its events say."""
        told = self._told.get(team)
        return replace(children, pods=tuple(_explained(children.pods, told))) if told else children

    async def _newest(self, namespace: str, pod: PodView) -> Problem | None:
        selector = f"involvedObject.uid={pod.uid}"
        try:
            events = (await self._client.list(EVENTS, namespace, fields=selector)).items
        except ApiError as error:
            _log.warning("events of a pod cannot be read", extra={"pod": pod.name, "error": str(error)})
            return None
        warnings = [event for event in events if event.get("type") == "Warning" and event.get("message")]
        mounts = [event for event in warnings if str(event.get("reason", "")).startswith("Failed")]
        newest = max(mounts, key=lambda event: str(event.get("lastTimestamp") or ""), default=None)
        if newest is None:
            return None
        return Problem(str(newest["reason"]), str(newest["message"])[:_MESSAGE_LIMIT])


def _explained(pods: Iterable[PodView], told: _Told) -> Iterable[PodView]:
    for pod in pods:
        problem = told[pod.uid][1] if pod.uid in told else None
        waits = pod.problem is not None and pod.problem.reason == NOT_STARTED
        yield replace(pod, problem=problem) if problem and waits else pod


def _is_stuck(pod: PodView, now: datetime) -> bool:
    problem = pod.problem
    if problem is None or problem.reason != NOT_STARTED or problem.since is None or pod.deleting:
        return False
    return now >= problem.since + PATIENCE
