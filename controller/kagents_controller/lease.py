"""Leader election by a Lease: one controller of several works, another takes over when it falls silent.

Times as client-go's: a lease lasts 15 s, its holder renews it every 2 s, with jitter, and gives up after 10 s
without success. Only this process's own monotonic clock decides whether a lease has run out: the holder's
clock is never trusted. The lease is given back at exit, and whoever waits watches it: a successor takes it at
once and asks for nothing meanwhile. Where the watch breaks or is refused, it asks every second.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from kagents_core.api.resources import LEASES
from kagents_core.kube.client import Client
from kagents_core.kube.errors import ApiError, Conflict, KubeError, NotFound

_log = logging.getLogger(__name__)


class LeaseLost(Exception):  # noqa: N818  (it says what happened)
    """Another controller may be working now: this one has to stop at once."""


class Election:
    """Enter it to become the leader, however long that takes; then keep ``hold`` running."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        lease_seconds: float = 15.0,
        renew_seconds: float = 10.0,
        retry_seconds: float = 2.0,
    ) -> None:
        self.leading = False
        self.held = False
        """Taken, and not given back yet."""
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._retry_seconds = retry_seconds
        self._clock: Callable[[], float] = lambda: asyncio.get_running_loop().time()
        self._seen: tuple[str, float] | None = None
        """The record's version and when it was first seen."""
        self._lasts = lease_seconds
        self._free = False
        """Nobody else held it when it was last seen."""
        self._version = ""
        self._renewed = 0.0

    async def __aenter__(self) -> Self:
        _log.info("waiting for the lease", extra={"lease": self._name, "identity": self._identity})
        while not await self._attempt():
            await self._until_it_may_be_free()
        self.leading = self.held = True
        _log.info("leading", extra={"lease": self._name, "identity": self._identity})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        was_leading, self.leading = self.leading, False
        if was_leading and not isinstance(error, LeaseLost):
            try:
                async with asyncio.timeout(3.0):
                    await self._give_back()
            except (ApiError, TimeoutError):
                _log.warning("the lease was not given back; a successor waits for its end")
        self.held = False

    async def _give_back(self) -> None:
        """Say that nobody leads, unless somebody else already does."""
        nobody = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
        try:
            await self._write(nobody)
        except Conflict:  # perhaps our own last renewal, cut off before its answer came
            lease = await self._client.get(LEASES, self._namespace, self._name)
            if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                self._version = lease["metadata"]["resourceVersion"]
                await self._write(nobody)

    async def hold(self) -> None:
        """Renew until cancelled. Raises LeaseLost."""
        while True:
            await asyncio.sleep(self._retry_seconds * random.uniform(0.9, 1.1))  # noqa: S311
            try:
                left = self._renewed + self._renew_seconds - self._clock()
                async with asyncio.timeout(max(0.0, left)):
                    await self._renew()
            except Conflict:
                self.leading = False
                raise LeaseLost(f"another controller took the lease {self._name}") from None
            except (ApiError, TimeoutError) as error:
                if self._clock() >= self._renewed + self._renew_seconds:
                    self.leading = False
                    message = f"the lease {self._name} could not be renewed for {self._renew_seconds:g} s"
                    raise LeaseLost(message) from error

    async def _attempt(self) -> bool:
        """Try to become the holder once."""
        try:
            async with asyncio.timeout(self._renew_seconds):
                return await self._take()
        except Conflict:
            return False  # somebody else was faster
        except (ApiError, TimeoutError) as error:
            _log.warning("the lease cannot be read", extra={"lease": self._name, "error": str(error)})
            return False

    async def _until_it_may_be_free(self) -> None:
        """Until the lease is given back or has run out; half a retry period when it cannot be watched."""
        if self._seen is not None and self._clock() < self._runs_out_at():
            try:
                async with asyncio.timeout_at(self._runs_out_at()) as limit:
                    await self._watch(self._seen[0], limit)
            except TimeoutError:
                return
            except KubeError as error:
                _log.debug("the lease cannot be watched", extra={"lease": self._name, "error": str(error)})
            else:
                if self._free:
                    return
        await asyncio.sleep(self._retry_seconds * random.uniform(0.4, 0.5))  # noqa: S311

    async def _watch(self, version: str, limit: asyncio.Timeout) -> None:
        """Follow the lease from this version on; every renewal moves the limit."""
        one = f"metadata.name={self._name}"
        events = self._client.watch(LEASES, self._namespace, resource_version=version, fields=one)
        async with aclosing(events):
            async for event in events:
                if event.type == "BOOKMARK":
                    continue
                self._notice(event.object, gone=event.type == "DELETED")
                if self._free:
                    return
                limit.reschedule(self._runs_out_at())

    def _notice(self, lease: dict[str, Any], *, gone: bool = False) -> None:
        """Remember the record, and when it became as it is."""
        spec, version = lease.get("spec") or {}, lease["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._clock())
        self._lasts = float(spec.get("leaseDurationSeconds") or self._lease_seconds)
        self._free = gone or (spec.get("holderIdentity") or "") in ("", self._identity)

    def _runs_out_at(self) -> float:
        """When the lease may be taken if nobody renews it."""
        return self._clock() if self._seen is None else self._seen[1] + self._lasts

    async def _take(self) -> bool:
        try:
            lease = await self._client.get(LEASES, self._namespace, self._name)
        except NotFound:
            body = {
                "apiVersion": LEASES.api_version,
                "kind": LEASES.kind,
                "metadata": {"name": self._name, "namespace": self._namespace},
                "spec": self._record(transitions=0),
            }
            started = self._clock()
            self._remember(await self._client.create(LEASES, self._namespace, body), started)
            return True
        self._notice(lease)
        if not self._free and self._clock() < self._runs_out_at():
            return False
        self._version = lease["metadata"]["resourceVersion"]
        transitions = int((lease.get("spec") or {}).get("leaseTransitions") or 0) + 1
        await self._write(self._record(transitions))
        return True

    async def _renew(self) -> None:
        await self._write({"renewTime": _now()})

    async def _write(self, spec: dict[str, Any]) -> None:
        """Change the record, unless somebody else did (Conflict)."""
        started = self._clock()
        patch = {"metadata": {"resourceVersion": self._version}, "spec": spec}
        self._remember(await self._client.patch_merge(LEASES, self._namespace, self._name, patch), started)

    def _remember(self, lease: dict[str, Any], started: float) -> None:
        self._version = lease["metadata"]["resourceVersion"]
        self._renewed = started

    def _record(self, transitions: int) -> dict[str, Any]:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(max(1, self._lease_seconds)),
            "acquireTime": _now(),
            "renewTime": _now(),
            "leaseTransitions": transitions,
        }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
