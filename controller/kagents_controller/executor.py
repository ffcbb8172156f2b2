"""Carries a plan out: children first, then the status, what is worth telling, and at last deletions.

The order matters. Status names the attempt of each agent, so it must not be written before the pod of that
attempt exists: a controller that dies in between would otherwise take the missing pod for a lost one. And it
says why pods are deleted before they are, or their end would look like a failure to whoever comes after; as
it is refused to a controller whose view is old, that one deletes nothing either.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kagents_controller.events import EventRecorder
from kagents_controller.expectations import Child, Expectations, Owner, older
from kagents_controller.hub_account import account_of, says_missing_account
from kagents_controller.namespace_setup import NamespaceSetup
from kagents_core.api.constants import CONTROLLER_MANAGER, LABEL_AGENT
from kagents_core.api.resources import AGENT_TEAMS, CLAIMS, PODS, Resource
from kagents_core.kube.client import Client
from kagents_core.kube.errors import AlreadyExists, ApiError, Conflict, Forbidden, Invalid, NotFound
from kagents_core.metrics import Metrics
from kagents_core.reconcile import Event, Plan, Ref

_RESOURCES: dict[str, Resource] = {"Pod": PODS, "PersistentVolumeClaim": CLAIMS, "AgentTeam": AGENT_TEAMS}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being reconciled: its kind, and the object as the cache has it."""

    resource: Resource
    body: Mapping[str, Any]
    status_fields: frozenset[str] | None = None
    """The top-level status fields whose writer is the controller; None for all of them."""

    @property
    def owner(self) -> Owner:
        """Its key among expectations."""
        metadata = self.body["metadata"]
        return self.resource.kind, metadata.get("namespace", ""), metadata["name"]

    def own_status(self) -> dict[str, Any]:
        """The controller's part of its status, as it was last written."""
        current = self.body.get("status") or {}
        fields = self.status_fields
        return {key: value for key, value in current.items() if fields is None or key in fields}


class CreationRefused(Exception):  # noqa: N818  (it says what happened)
    """The API server refused some children of a team: a quota, a policy, a missing account."""

    def __init__(self, messages: Sequence[str], unmade: frozenset[str]) -> None:
        """``unmade`` names the agents whose pod should be there now and is not."""
        super().__init__("; ".join(messages))
        self.messages = tuple(messages)
        self.unmade = unmade


class Executor:
    """Turns plans into API calls. Every ApiError it does not know how to take reaches the caller.

    Conflict means that the status was written by somebody else meanwhile: look again.
    """

    def __init__(
        self,
        client: Client,
        expectations: Expectations,
        events: EventRecorder,
        metrics: Metrics,
        cached_version: Callable[[Child], str | None],
        namespaces: NamespaceSetup,
    ) -> None:
        """``cached_version`` tells the resourceVersion of a child as the cache has it."""
        self._client = client
        self._namespaces = namespaces
        self._cached_version = cached_version
        self._expectations = expectations
        self._events = events
        self._metrics = metrics

    async def carry_out(self, subject: Subject, plan: Plan) -> None:
        """Make the plan true; trying again is always safe.

        Raises ApiError when a part failed, CreationRefused when the server does not want some of the
        children: then all is done but the status, which would speak of pods that are not there.
        """
        # A pod that has ended meanwhile is kept, for its log: so it is deleted only as the plan saw it.
        seen = [self._cached_version(("Pod", ref.namespace, ref.name)) for ref in plan.delete]
        refused = await self._make_children(subject, plan)
        if refused is None:
            await self.report(subject, plan.status, plan.events)
        deleting = zip(plan.delete, seen, strict=True)
        await _all_done([self._delete(subject, ref, version) for ref, version in deleting])
        if refused is not None:
            raise refused

    async def report(
        self, subject: Subject, status: Mapping[str, Any] | None, events: Sequence[Event]
    ) -> None:
        """Write the status if it is another one, and tell the events. Raises ApiError."""
        if status is not None and differs(subject, status):
            await self._write_status(subject, status)
        for event in events:
            self._events.tell(subject.body, event)

    async def _make_children(self, subject: Subject, plan: Plan) -> CreationRefused | None:
        """Claims first, then pods, whose service account comes before them."""
        pods = [manifest for manifest in plan.apply if manifest["kind"] == "Pod"]
        others = [manifest for manifest in plan.apply if manifest["kind"] != "Pod"]
        try:
            await self._all(subject, others)
            await self._ensure_namespace(pods)
        except (Invalid, Forbidden) as error:
            if subject.resource is not AGENT_TEAMS:
                raise
            return CreationRefused([_plain(error)], _agents(pods))
        outcomes = await _settle([self._apply(subject, manifest) for manifest in pods])
        refused = []
        for manifest, outcome in zip(pods, outcomes, strict=True):
            if not isinstance(outcome, Invalid | Forbidden):
                _raise(outcome)
                continue
            refused.append((manifest, _plain(outcome)))
            if says_missing_account(outcome.message):
                self._namespaces.forget(manifest["metadata"]["namespace"])
        if not refused:
            return None
        messages = list(dict.fromkeys(message for _, message in refused))
        return CreationRefused(messages, _agents([manifest for manifest, _ in refused]))

    async def _ensure_namespace(self, pods: Sequence[Mapping[str, Any]]) -> None:
        namespace = account_of(pods)
        if namespace is not None:
            await self._namespaces.ensure(namespace)

    async def _all(self, subject: Subject, manifests: Sequence[Mapping[str, Any]]) -> None:
        await _all_done([self._apply(subject, manifest) for manifest in manifests])

    async def _apply(self, subject: Subject, manifest: Mapping[str, Any]) -> None:
        resource, metadata = _RESOURCES[manifest["kind"]], manifest["metadata"]
        child = (resource.kind, metadata["namespace"], metadata["name"])
        self._expectations.expect(subject.owner, child)
        try:
            made = await self._make(resource, child, manifest)
            if made["metadata"]["resourceVersion"] == self._cached_version(child):
                self._expectations.saw(child)  # nothing changed, so no event will come
        except (Invalid, Forbidden) as error:
            # A quota, a pod security rule, a full namespace: the person must see why nothing happens.
            self._expectations.saw(child)
            if "because it is being terminated" not in error.message:  # there no event may be made either
                message = f"{resource.kind} {metadata['name']} was refused: {error.message}"
                self._events.tell(subject.body, Event("Warning", "FailedCreate", message))
            raise
        except ApiError as error:
            if error.status:  # a definite no; without an answer the object may exist, so keep waiting for it
                self._expectations.saw(child)
            raise

    async def _make(self, resource: Resource, child: Child, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Pods and claims are created: that costs the server half of what an apply does, and nothing of them
        is ever changed afterwards. A pod that exists already without being seen is left as it is: the
        step that made it may have known less. Every other object that exists, and every team, is applied.
        """
        _, namespace, name = child
        if resource is not AGENT_TEAMS and self._cached_version(child) is None:
            try:
                with self._write("create", resource):
                    return await self._client.create(
                        resource, namespace, manifest, manager=CONTROLLER_MANAGER
                    )
            except AlreadyExists:  # the cache was behind, or an answer was lost
                if resource is PODS:
                    return await self._client.get(resource, namespace, name)
        with self._write("apply", resource):
            return await self._client.apply(resource, namespace, name, manifest, manager=CONTROLLER_MANAGER)

    @contextmanager
    def _write(self, verb: str, resource: Resource) -> Iterator[None]:
        """One request that writes, counted, and what it failed for."""
        labels = {"verb": verb, "resource": resource.plural}
        self._metrics.count("writes_total", 1, **labels)
        try:
            yield
        except ApiError as error:
            reason = "exists" if isinstance(error, AlreadyExists) else type(error).__name__.lower()
            self._metrics.count("write_failures_total", 1, reason=reason, **labels)
            raise

    async def _delete(self, subject: Subject, ref: Ref, seen: str | None) -> None:
        resource = _RESOURCES[ref.kind]
        child = (resource.kind, ref.namespace, ref.name)
        if child != subject.owner:
            self._expectations.expect(subject.owner, child)
        try:
            with self._write("delete", resource):
                await self._client.delete(
                    resource,
                    ref.namespace,
                    ref.name,
                    uid=ref.uid,
                    resource_version=seen if resource is PODS else None,
                    grace_seconds=ref.grace_seconds,
                    propagation="Background",
                )
        except NotFound:
            self._expectations.saw(child)  # that object is gone already
        except Conflict:
            self._expectations.saw(child)
            if resource is not PODS or seen is not None:
                raise  # it is another one now: look again
        except ApiError as error:
            if error.status:
                self._expectations.saw(child)
            raise

    async def _write_status(self, subject: Subject, status: Mapping[str, Any]) -> None:
        metadata = subject.body["metadata"]
        body = {
            "apiVersion": subject.resource.api_version,
            "kind": subject.resource.kind,
            # Without the version a new object of the same name could get its predecessor's status: the server
            # does not compare the uid in an apply to a custom resource's status (seen on 1.36).
            "metadata": {key: metadata[key] for key in ("name", "namespace", "resourceVersion")},
            "status": status,
        }
        try:
            with self._write("apply-status", subject.resource):
                written = await self._client.apply(
                    subject.resource,
                    metadata["namespace"],
                    metadata["name"],
                    body,
                    manager=CONTROLLER_MANAGER,
                    subresource="status",
                )
        except NotFound:  # deleted meanwhile: its deletion is on its way to the cache
            self._look_again(subject.owner, metadata["resourceVersion"])
            return
        except Conflict:
            self._look_again(subject.owner, metadata["resourceVersion"])
            raise
        version, cached = written["metadata"]["resourceVersion"], self._cached_version(subject.owner)
        if cached is not None and older(cached, version):
            self._expectations.expect_version(subject.owner, version)

    def _look_again(self, owner: Owner, refused: str) -> None:
        """Nothing more is done for a version that is the past, until the cache shows what came after it.

        A team that was deleted, and whose pods went with it, would otherwise get them anew.
        """
        cached = self._cached_version(owner)
        if cached is not None and not older(refused, cached):
            self._expectations.expect_newer(owner, refused)


def differs(subject: Subject, wanted: Mapping[str, Any]) -> bool:
    """Whether the controller's part of the status is not yet what is wanted."""
    return subject.own_status() != dict(wanted)


async def _settle(calls: Sequence[Awaitable[None]]) -> list[BaseException | None]:
    """All calls to their end: one refused pod does not hold back its siblings."""
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def _all_done(calls: Sequence[Awaitable[None]]) -> None:
    """All calls to their end, then the first failure."""
    for outcome in await _settle(calls):
        _raise(outcome)


def _raise(outcome: BaseException | None) -> None:
    if outcome is not None:
        raise outcome


def _agents(pods: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(pod["metadata"]["labels"][LABEL_AGENT] for pod in pods)


def _plain(error: ApiError) -> str:
    """The server's reason without what only a log needs."""
    return error.message.strip().rstrip(".")
