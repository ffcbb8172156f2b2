"""One pod's life: look at it, decide, act, say how it is, sleep until something happens."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kagents_core.api.resources import PODS
from kagents_core.kube.errors import Conflict, Invalid, KubeError, NotFound
from kagents_local.kubelet.decide import Decision, Observed, Start, decide
from kagents_local.kubelet.keeper_client import KeeperUnreachableError
from kagents_local.kubelet.records import parse_timestamp
from kagents_local.kubelet.refusals import refusal, without_effect
from kagents_local.kubelet.runs import PodRuns, pod_containers
from kagents_local.kubelet.starting import (
    DEFAULT_GRACE,
    ConfigError,
    Starter,
    Surroundings,
    remove_short_links,
)
from kagents_local.kubelet.status import Shown, Waiting, pod_status
from kagents_local.kubelet.volumes import MountError

log = logging.getLogger(__name__)

Pod = dict[str, Any]

TERMINAL = ("Succeeded", "Failed")


class PodWorker:
    """Drives one pod until its object is gone and nothing of it is left."""

    def __init__(
        self, pod: Pod, around: Surroundings, running: Collection[str], *, gone: bool = False
    ) -> None:
        """``running`` are the keeper's runs; ``gone`` says that only the remains of a pod are to be
        cleared."""
        self.pod = pod
        self.gone = gone
        self.uid: str = pod["metadata"]["uid"]
        self._around = around
        self.runs = PodRuns(around.layout, self.uid, pod_containers(pod))
        self.starter = Starter(around, self.runs)
        self._waiting: dict[str, Waiting] = {}
        self._stopped: dict[str, float] = {}
        self._deadline_passed = False
        self._retry_at: float | None = None
        self._retries = 0
        self._wake = asyncio.Event()
        self._written: Pod = dict(pod.get("status") or {})
        self._running_runs = running

    # ---- what others tell it

    def update(self, pod: Pod) -> None:
        """The object has changed."""
        self.pod = pod
        self.runs.containers = pod_containers(pod)
        self._wake.set()

    def remove(self) -> None:
        """The object is gone, whatever still runs."""
        self.gone = True
        self._wake.set()

    def poke(self) -> None:
        """Something that a start waited for may be there now."""
        self._retry_at = None
        self._wake.set()

    def ended(self, container: str, number: int) -> None:
        """A run has ended."""
        self.runs.ended(container, number)
        self._wake.set()

    def adopt(self, running: Collection[str]) -> None:
        """There is a new keeper connection: what it does not run has ended or is lost."""
        self._running_runs = running
        self.runs.load(running)
        self._stopped.clear()
        self._wake.set()

    def used_directories(self) -> set[Path]:
        """Directories of volumes that this pod may still write to."""
        if self._terminal() and not self._running():
            return set()
        return set((self.starter.volumes or {}).values())

    # ---- the loop

    async def run(self) -> None:
        """Work until the object is gone and everything of it is cleared away."""
        if not self.gone:
            self.runs.remember(self.pod)
        self.runs.load(self._running_runs)
        while True:
            self._wake.clear()
            if self._retry_at is not None and self._retry_at <= self._clock():
                self._retry_at = None
            decision = self._decide()
            self._stop(decision)
            for start in decision.start:
                await self._start(start)
            if decision.start:
                decision = self._decide()
            saved = await self._publish(decision)
            if self.gone and decision.finished:
                break
            if self._deleting() and decision.finished and saved:
                await self._remove_object()
            await self._sleep(decision)
        await self._clear()

    def _decide(self) -> Decision:
        now = datetime.now(UTC)
        if self._terminal() and not self._stopping(now):
            return Decision(self._written["phase"], finished=True)
        decision = decide(self._observed(now), self._around.settings)
        if decision.start and self._retry_at is not None and self._retry_at > self._clock():
            return Decision(decision.phase, backing_off=decision.backing_off, wake_at=decision.wake_at)
        return decision

    def _observed(self, now: datetime) -> Observed:
        pod = {**self.pod, "status": self._written}
        return Observed(pod, dict(self.runs.latest), now, self._stopping(now))

    def _stopping(self, now: datetime) -> str:
        if self.gone or self._deleting():
            return "Deleted"
        due = self._deadline()
        if not self._terminal() and due is not None and now >= due:
            self._deadline_passed = True
        return "DeadlineExceeded" if self._deadline_passed and not self._terminal() else ""

    def _stop(self, decision: Decision) -> None:
        grace = self._grace()
        for name in decision.stop:
            identity = self.runs.identity(name, self.runs.latest[name].number)
            if self._stopped.get(identity, grace + 1) <= grace:
                continue
            if identity not in self._stopped:
                self._event("Normal", "Killing", f"Stopping container {name}", name)
            with contextlib.suppress(KeeperUnreachableError):
                self._around.keeper.stop(identity, grace)
                self._stopped[identity] = grace

    def _grace(self) -> float:
        if self.gone:
            return self._around.settings.force_grace
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is None:
            grace = self.pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)
        return max(float(grace), 0.0)

    # ---- acts

    async def _start(self, start: Start) -> None:
        name = start.container
        container = pod_containers(self.pod).get(name)
        if container is None:
            return
        refused = refusal(self.pod, self._around.settings.runner_image)
        if refused is not None:
            self._wait(refused.container, refused.waiting, "Failed", retry=False)
            return
        self._warn_of_ignored_fields()
        try:
            started = await self.starter.start(self.pod, container, start, lambda: not self._ending())
        except MountError as error:
            self._wait(name, Waiting("ContainerCreating", str(error)), "FailedMount")
        except ConfigError as error:
            self._wait(name, Waiting("CreateContainerConfigError", str(error)), "Failed", prefix="Error: ")
        except (KubeError, KeeperUnreachableError, OSError) as error:
            log.warning("container %s of pod %s is not started yet: %s", name, self._name(), error)
            self._wait(name, Waiting("ContainerCreating", str(error)), "FailedCreatePodSandBox")
        else:
            if started:
                self._waiting.pop(name, None)
                self._retries, self._retry_at = 0, None
                self._event("Normal", "Started", f"Started container {name}", name)

    def _warn_of_ignored_fields(self) -> None:
        ignored = [] if self.runs.latest else without_effect(self.pod)
        if ignored and not self._retries:
            sentence = f"the embedded engine does not act on {', '.join(ignored)}"
            self._event("Warning", "NotSupported", sentence, None)

    def _wait(
        self, name: str, waiting: Waiting, reason: str, *, prefix: str = "", retry: bool = True
    ) -> None:
        if self._waiting.get(name) != waiting:
            self._event("Warning", reason, prefix + waiting.message, name)
        self._waiting[name] = waiting
        settings = self._around.settings
        delay = min(settings.retry_base * 2 ** min(self._retries, 16), settings.retry_limit)
        self._retries += 1
        self._retry_at = self._clock() + delay if retry else float("inf")

    async def _publish(self, decision: Decision) -> bool:
        """Write the status if it says something new. False when that has to be tried again."""
        if self.gone or (self._terminal() and not decision.stop):
            return True
        now = datetime.now(UTC)
        late = self._deadline_passed and decision.phase == "Failed"
        shown = Shown(
            waiting=self._waiting,
            previous=self.runs.previous,
            identities=self.runs.identities(),
            reason="DeadlineExceeded" if late else "",
            message="Pod was active on the node longer than the specified deadline" if late else "",
        )
        status = pod_status(self._observed(now), decision, shown)
        if all(self._written.get(key) == value for key, value in status.items()):
            return True
        try:
            await self._patch_status(status)
        except (NotFound, Conflict):
            # It is gone, or another pod has its name; the watch tells.
            return True
        except KubeError as error:
            log.warning("status of pod %s is not written yet: %s", self._name(), error)
            self._retry_at = self._clock() + self._around.settings.retry_base
            return isinstance(error, Invalid)
        self._written = {**self._written, **status}
        return True

    async def _patch_status(self, status: Pod) -> None:
        metadata = self.pod["metadata"]
        patch = {"metadata": {"uid": self.uid}, "status": status}
        await self._around.client.patch_merge(
            PODS, metadata["namespace"], metadata["name"], patch, subresource="status"
        )

    async def _remove_object(self) -> None:
        metadata = self.pod["metadata"]
        try:
            await self._around.client.delete(
                PODS, metadata["namespace"], metadata["name"], uid=self.uid, grace_seconds=0
            )
        except (NotFound, Conflict):
            self.gone = True
            self._wake.set()
        except KubeError as error:
            log.warning("pod %s has ended but is not removed yet: %s", self._name(), error)
            self._retry_at = self._clock() + self._around.settings.retry_base

    async def _clear(self) -> None:
        remove_short_links(self._around.layout, self.runs.layout)
        await asyncio.to_thread(shutil.rmtree, self.runs.layout.root, True)

    async def _sleep(self, decision: Decision) -> None:
        now = datetime.now(UTC)
        moments = [decision.wake_at, None if decision.finished else self._deadline()]
        waits = [(moment - now).total_seconds() for moment in moments if moment is not None]
        if self._retry_at is not None:
            waits.append(self._retry_at - self._clock())
        limit = min(waits, default=float("inf"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if limit == float("inf") else max(limit, 0.001)):
                await self._wake.wait()

    # ---- small questions

    def _deadline(self) -> datetime | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        started = self._written.get("startTime")
        if seconds is None or not started or self._deadline_passed:
            return None
        return parse_timestamp(started) + timedelta(seconds=float(seconds))

    def _deleting(self) -> bool:
        return bool(self.pod["metadata"].get("deletionTimestamp"))

    def _ending(self) -> bool:
        return bool(self._stopping(datetime.now(UTC)))

    def _terminal(self) -> bool:
        return self._written.get("phase") in TERMINAL

    def _running(self) -> bool:
        return any(attempt.ending is None for attempt in self.runs.latest.values())

    def _name(self) -> str:
        return f"{self.pod['metadata']['namespace']}/{self.pod['metadata']['name']}"

    def _event(self, kind: Any, reason: str, message: str, container: str | None) -> None:
        self._around.events.record(self.pod, kind, reason, message, container=container)

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()
