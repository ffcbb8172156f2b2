"""The controller: reflectors fill the caches, changes fill the queue, workers plan and carry out.

Nothing polls. An idle controller sends nothing; deadlines are moments in a heap.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kagents_controller.budgets import Budgets
from kagents_controller.caches import Caches
from kagents_controller.changes import Changes
from kagents_controller.events import EventRecorder
from kagents_controller.executor import CreationRefused, Executor
from kagents_controller.expectations import Expectations, Owner
from kagents_controller.first_lists import filled
from kagents_controller.lease import Election
from kagents_controller.measured import measure, metrics_of_controller
from kagents_controller.namespace_contents import contents
from kagents_controller.namespace_setup import NamespaceSetup
from kagents_controller.notifications import Notifier
from kagents_controller.pacing import Pacing
from kagents_controller.planning import Decision, Planner
from kagents_controller.pod_events import PodEvents
from kagents_controller.staleness import caught_up, goes_on_with_the_living, replaces_only_the_dead
from kagents_controller.team_network import TeamNetwork
from kagents_controller.usage_records import UsageRecords
from kagents_controller.wakes import Wakes
from kagents_controller.workqueue import QueueClosed, WorkQueue
from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import ApiError, Conflict
from kagents_core.kube.garbage import Relief
from kagents_core.kube.reflector import Reflector
from kagents_core.reconcile import Settings, held_up

_log = logging.getLogger(__name__)

_RECONCILE_SECONDS = 120.0
_STALE_SECONDS = 1.0
_REFUSED_SECONDS = 15.0
"""How often refused children and stuck pods are looked at again: who repairs the cause sees it work soon."""

_DRAIN_SECONDS = 10.0
_HANDOVER_SECONDS = 3.0


class Controller:
    """Reconciles teams, runs and templates of some namespaces, or of all."""

    def __init__(
        self,
        client: Client,
        *,
        settings: Settings,
        namespaces: Sequence[str] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        workers: int = 16,
        lease: Election | None = None,
        on_synced: Callable[[], None] | None = None,
        notifier: Notifier | None = None,
        hub_cluster_role: str | None = None,
        network: TeamNetwork | None = None,
        usage_days: int = 400,
    ) -> None:
        """Without ``lease`` it works at once; with it, only as the leader. The client must be open.

        Where teams are, ``hub_cluster_role`` makes the hubs' service account, bound to that role, and
        ``network`` the network policies. Records of usage are deleted after ``usage_days``; 0 keeps them.
        """
        self.caches = Caches()
        self.metrics = metrics_of_controller()
        self.synced = asyncio.Event()
        """Set once every cache is filled."""
        self.queue: WorkQueue[Owner] = WorkQueue()
        self._client = client
        self._clock = clock
        self._workers = workers
        self._lease = lease
        self._on_synced = on_synced
        self._reflectors = self.caches.reflectors(client, namespaces)
        self._expectations = Expectations(lambda: asyncio.get_running_loop().time())
        self._pacing = Pacing(lambda: asyncio.get_running_loop().time())
        self._events = EventRecorder(client, self.metrics)
        account = settings.hub_service_account
        made = NamespaceSetup(client, lambda name: contents(name, account, hub_cluster_role, network))
        self._executor = Executor(
            client, self._expectations, self._events, self.metrics, self.caches.version, made
        )
        self._pod_events = PodEvents(client)
        self._budgets = Budgets(
            self.caches,
            clock,
            lambda key: self.queue.add(("AgentBudget", *key)),
            lambda key: self.queue.add(("AgentTeam", *key)),
        )
        self._planner = Planner(self.caches, settings, self._pod_events, self._budgets)
        self._notifier = notifier or Notifier(clock=clock)
        self._notifier.on_outcome = self._notified
        self._wakes = Wakes(clock, self.queue.add)
        self._records = UsageRecords(
            client,
            self.caches,
            self.metrics,
            clock,
            timedelta(days=usage_days) if usage_days else None,
            add=self.queue.add,
            add_after=self.queue.add_after,
            wake=self._wakes.set,
        )
        self._relief = Relief()
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        Changes(self.caches, self.queue, self._expectations, self._gone)
        measure(self, clock)

    async def run(self) -> None:
        """Work until cancelled or stopped.

        Raises an ExceptionGroup with LeaseLost when another controller may have taken over.
        """
        async with self._notifier, asyncio.TaskGroup() as group:
            background = [group.create_task(self._events.run()), group.create_task(self._wakes.run())]
            background += await self._sync(group)
            leading = group.create_task(self._lead())
            await self._stopping.wait()
            if self._lease is None or self._lease.held:  # cancelled, it might not be given back
                await asyncio.wait({leading}, timeout=_HANDOVER_SECONDS)
            await self._events.drain(2.0)
            for task in (*background, leading):
                task.cancel()

    async def stop(self) -> None:
        """Take nothing new, finish what is in work (at most 10 s), tell the last events, and end ``run``."""
        self.queue.close()
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.queue.idle()
        except TimeoutError:
            _log.warning("stopped in the middle of work", extra={"keys": self.queue.processing})
        self._stopping.set()

    @property
    def workers(self) -> int:
        """How many objects may be in work at once."""
        return self._workers

    @property
    def leading(self) -> bool:
        """Whether this controller is the one that works."""
        return self._lease is None or self._lease.held

    @property
    def reflectors(self) -> tuple[Reflector[Any], ...]:
        """All reflectors, for whoever shows the state of the connection."""
        return tuple(reflector for group in self._reflectors for reflector in group)

    async def _sync(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        tasks: list[asyncio.Task[None]] = []
        for reflectors in self._reflectors:
            tasks += [group.create_task(reflector.run()) for reflector in reflectors]
            for reflector in reflectors:
                await filled(reflector)
        self.synced.set()
        _log.info("caches are filled", extra={"teams": len(self.caches.teams), "pods": len(self.caches.pods)})
        if self._on_synced is not None:
            self._on_synced()
        return tasks

    async def _lead(self) -> None:
        """The workers, for as long as the lease is ours."""
        if self._lease is None:
            await self._work_all()
            return
        async with self._lease as lease, asyncio.TaskGroup() as group:
            holding = group.create_task(lease.hold())
            await self._work_all()
            holding.cancel()

    async def _work_all(self) -> None:
        # What changed while nobody worked comes first: an approval need not wait for a thousand quiet teams.
        self.queue.arrange(lambda owner: -self.caches.changed(owner))
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    # ── work ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # Looking needs no answer, making does: between two looks, whoever waits for an answer may go on.
            async with self._turn:
                await asyncio.sleep(0)
            try:
                owner = await self.queue.get()
            except QueueClosed:
                return
            started, result = loop.time(), "success"
            try:
                async with asyncio.timeout(_RECONCILE_SECONDS):
                    again = await self.reconcile(owner)
                self.queue.forget(owner)
                if again is not None:
                    result = "requeue_after"
                    self.queue.add_after(owner, again)
            except Exception as error:
                result = "error"
                self._failed(owner, error)
            finally:
                self.queue.done(owner)
                self._relief.worked(len(self.queue))
                self.metrics.count("controller_runtime_reconcile_total", controller=owner[0], result=result)
                seconds = loop.time() - started
                self.metrics.observe(
                    "controller_runtime_reconcile_time_seconds", seconds, controller=owner[0]
                )

    def _failed(self, owner: Owner, error: Exception) -> None:
        """One object's trouble is logged and tried again; it never ends the controller."""
        seconds = self.queue.retry(owner)
        kind, namespace, name = owner
        where = {
            "controller": kind,
            "namespace": namespace,
            "object": name,
            "retryInSeconds": round(seconds, 3),
        }
        self.metrics.count("controller_runtime_reconcile_errors_total", controller=kind)
        if isinstance(error, Conflict):  # the recorder wrote its part of the status at the same moment
            _log.debug("written by somebody else meanwhile", extra=where)
        elif isinstance(error, ApiError | TimeoutError):
            _log.warning("reconcile failed", extra={**where, "error": str(error) or type(error).__name__})
        else:
            _log.error("reconcile failed unexpectedly", extra=where, exc_info=error)

    async def reconcile(self, owner: Owner) -> float | None:
        """Look at one object and do what its plan says; seconds until the next look, or None."""
        if owner[0] == "AgentUsage":
            return await self._records.look(owner)
        waiting = self._expectations.waiting(owner)
        if waiting is not None and waiting > 0:
            return waiting
        if waiting == 0 and not await caught_up(self._client, self.caches, self._expectations, owner):
            return _STALE_SECONDS
        stuck = await self._ask_about_pods(owner)
        decision = self._decide(owner)
        if decision is None:
            self._forget(owner)
            return None
        plan = decision.plan
        for unharmed in (replaces_only_the_dead, goes_on_with_the_living):
            if not await unharmed(self._client, self.caches, decision.subject, plan):
                return _STALE_SECONDS
        self._notifier.recorded(owner, decision.sent)
        self._wakes.set(owner, plan.wake_at)
        if plan.usage_known:
            self._records.ended((owner[1], owner[2]), decision.subject.body["metadata"]["uid"])
        if (later := self._may_wait(decision)) > 0:
            return later
        try:
            await self._executor.carry_out(decision.subject, plan)
            self._pacing.settled(owner)
        except CreationRefused as refused:
            await self._tell_refused(decision, refused)
            stuck = True
        # Last: what is told to the outside stands in the status before, whenever this process may die.
        self._notifier.ask(owner, plan.effects, decision.attempts)
        return _REFUSED_SECONDS if stuck else None

    def _may_wait(self, decision: Decision) -> float:
        """Seconds that carrying out may wait: for a team of which only small steps are to be told."""
        subject, plan = decision.subject, decision.plan
        if subject.resource not in (AGENT_TEAMS, AGENT_BUDGETS) or plan.apply or plan.delete:
            return 0.0
        return self._pacing.wait(subject.owner, subject.own_status(), plan.status)

    async def _ask_about_pods(self, owner: Owner) -> bool:
        """Whether some pod of this team is stuck; why, is known afterwards."""
        kind, namespace, name = owner
        packed = self.caches.teams.get((namespace, name)) if kind == "AgentTeam" else None
        if packed is None:
            return False
        children = self.caches.children(packed.uid)
        return await self._pod_events.ask(packed.uid, namespace, children, self._clock())

    async def _tell_refused(self, decision: Decision, refused: CreationRefused) -> None:
        """The team says why its children are not there; what did happen is told as ever."""
        subject, planned = decision.subject, decision.plan.status or {}
        previous = subject.body.get("status") or {}
        status = held_up(planned, previous, refused.unmade, refused.messages, self._clock())
        moved = planned.get("phase") != previous.get("phase")
        told = [event for event in decision.plan.events if moved and event.reason == planned.get("phase")]
        await self._executor.report(subject, status, told)

    def _decide(self, owner: Owner) -> Decision | None:
        kind, *key = owner
        place, now = (key[0], key[1]), self._clock()
        if kind == "AgentTeam":
            return self._planner.team(place, now, self._notifier.outcomes(owner))
        if kind == "AgentBudget":
            return self._planner.budget(place, now)
        if kind == "AgentTeamRun":
            return self._planner.run(place, now)
        return self._planner.template(place, now)

    def _notified(self, owner: Owner, state: str) -> None:
        """An attempt at a webhook has ended."""
        self.metrics.count("webhook_attempts_total", outcome=state)
        self.queue.add(owner)

    def _gone(self, uid: str) -> None:
        """The team of this UID is no more."""
        self._planner.forget(uid)
        self._pod_events.forget(uid)

    def _forget(self, owner: Owner) -> None:
        self._expectations.forget(owner)
        self._pacing.settled(owner)
        self._notifier.forget(owner)
        self._wakes.set(owner, None)
