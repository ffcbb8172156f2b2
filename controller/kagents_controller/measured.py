"""What a controller measures of itself and of its teams, by the registry in ``kagents_core.metrics``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from kagents_controller.team_numbers import TeamNumbers
from kagents_core.metrics import CONTROLLER, Metrics

if TYPE_CHECKING:
    from kagents_controller.controller import Controller


def metrics_of_controller() -> Metrics:
    """Nothing measured yet."""
    return Metrics(CONTROLLER)


def measure(controller: Controller, clock: Callable[[], datetime]) -> None:
    """Have everything that can be looked up read when the page is."""
    metrics, queue, caches = controller.metrics, controller.queue, controller.caches
    TeamNumbers(caches.teams, metrics, lambda: clock().timestamp())
    metrics.gauge("build_info", lambda: 1, version=_installed())
    metrics.gauge("leader", lambda: controller.leading)
    metrics.gauge("caches_synced", controller.synced.is_set)
    metrics.gauge("watches_broken", lambda: sum(not each.state.connected for each in controller.reflectors))
    metrics.gauge("pods", lambda: len(caches.pods))
    metrics.gauge("workqueue_depth", lambda: len(queue), queue="kagents")
    metrics.gauge("workqueue_adds_total", lambda: queue.adds, queue="kagents")
    metrics.gauge("workqueue_retries_total", lambda: queue.retries, queue="kagents")
    metrics.gauge("controller_runtime_active_workers", lambda: queue.processing)
    metrics.gauge("controller_runtime_max_concurrent_reconciles", lambda: controller.workers)
    queue.on_taken = lambda seconds: metrics.observe(
        "workqueue_queue_duration_seconds", seconds, queue="kagents"
    )


@cache
def _installed() -> str:
    """Read once: its file is as long as the whole list of what is installed with it."""
    return version("kagents")
