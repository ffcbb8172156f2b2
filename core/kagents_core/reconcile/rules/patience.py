"""Troubles that healthy pods pass through, such as an unbound volume: only what lasts is told."""

from dataclasses import replace
from datetime import datetime, timedelta

from kagents_core.reconcile.plan import Observed, PodView

PATIENCE = timedelta(seconds=15)


def calm(observed: Observed) -> tuple[Observed, datetime | None]:
    """The snapshot without troubles that are young, and when the next of them is old enough to be told."""
    due: list[datetime] = []
    pods: list[PodView] = []
    for pod in observed.children.pods:
        since = pod.problem.since if pod.problem else None
        if since is not None and observed.now < since + PATIENCE:
            due.append(since + PATIENCE)
            pod = replace(pod, problem=None)
        pods.append(pod)
    if not due:
        return observed, None
    return replace(observed, children=replace(observed.children, pods=tuple(pods))), min(due)
