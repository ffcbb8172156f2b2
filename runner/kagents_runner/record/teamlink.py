"""The recorder's line to the API server: watches its own team, writes its part of the status.

The server being away, slow or unwilling never stops the recording: both sides wait and try again.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from kagents_core.api.constants import RECORDER_MANAGER
from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.backoff import Backoff
from kagents_core.kube.client import Client
from kagents_core.kube.errors import KubeError, NotFound
from kagents_runner.record.status import Throttle, manifest

LAST_WRITE_SECONDS: Final = 30.0
"""How long the last status is tried before the recorder gives up."""
_FAILURES: Final = (KubeError, OSError, TypeError, ValueError)
"""What a server, or something in between, may cause: none of it ends the recording."""


class TeamLink:
    """One team on one API server."""

    def __init__(
        self,
        client: Client,
        name: str,
        namespace: str,
        uid: str,
        *,
        urgent: Callable[[Mapping[str, Any]], object] = lambda _: None,
    ) -> None:
        """``urgent``: what of a status, beside its states, does not wait with the numbers when it changes."""
        self._client = client
        self._name, self._namespace, self._uid = name, namespace, uid
        self._throttle = Throttle(urgent)

    async def watch(self, observed: Callable[[Mapping[str, Any]], None], deleted: Callable[[], None]) -> None:
        """Reports the team's object whenever it changes; returns once it is gone."""
        backoff = Backoff(0.5, 30.0)
        while True:
            try:
                if not await self._follow(observed, backoff):
                    deleted()
                    return
            except NotFound:
                deleted()
                return
            except _FAILURES:  # Gone too: a server that keeps no version is not asked for lists all the time
                await asyncio.sleep(backoff.next())

    async def _follow(self, observed: Callable[[Mapping[str, Any]], None], backoff: Backoff) -> bool:
        """One list and the watches after it; False when the object is gone."""
        fields = f"metadata.name={self._name}"
        found = await self._client.list(AGENT_TEAMS, self._namespace, fields=fields)
        teams = [team for team in found.items if self._is_own(team)]
        if not teams:
            return False
        observed(teams[0])
        version = found.resource_version
        while True:
            events = self._client.watch(AGENT_TEAMS, self._namespace, resource_version=version, fields=fields)
            async for event in events:
                backoff.reset()
                version = event.object.get("metadata", {}).get("resourceVersion", version)
                if event.type == "BOOKMARK" or not self._is_own(event.object):
                    continue
                if event.type == "DELETED":
                    return False
                observed(event.object)
            await asyncio.sleep(backoff.next())

    def _is_own(self, team: Mapping[str, Any]) -> bool:
        return bool(team.get("metadata", {}).get("uid") == self._uid)

    async def publish(self, status: Callable[[], Mapping[str, Any]], changed: asyncio.Event) -> None:
        """Writes the status whenever it has changed and its time has come; for ever."""
        backoff, loop = Backoff(1.0, 60.0), asyncio.get_running_loop()
        while True:
            current = status()
            due = self._throttle.due(current)
            wait = None if due is None else due - loop.time()
            if wait is not None and wait <= 0:
                try:
                    await self._write(current)
                    backoff.reset()
                except _FAILURES:
                    self._throttle.tried(loop.time())
                    await asyncio.sleep(backoff.next())
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await changed.wait()
            changed.clear()
            if wait is not None:
                await asyncio.sleep(min(wait, 0.05))  # a burst of changes is one look

    async def write_last(self, status: Mapping[str, Any]) -> None:
        """The last status before the recorder exits; given up after a while, or when the team is gone."""
        backoff = Backoff(0.5, 5.0)
        if self._throttle.complete(status):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WRITE_SECONDS):
                while True:
                    try:
                        await self._write(status)
                        return
                    except NotFound:
                        return
                    except _FAILURES:
                        await asyncio.sleep(backoff.next())

    async def _write(self, status: Mapping[str, Any]) -> None:
        body = manifest(self._name, self._namespace, self._uid, status)
        await self._client.apply(
            AGENT_TEAMS, self._namespace, self._name, body, manager=RECORDER_MANAGER, subresource="status"
        )
        self._throttle.written(status, asyncio.get_running_loop().time())
