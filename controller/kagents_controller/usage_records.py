"""Writes the record of what a team has cost, once, and deletes records that have become old.

A team that ends is recorded when its hub has ended too, a team that is deleted before from what was last
known of it. A standby remembers what it would write until it sees that the leader has written it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from kagents_controller.caches import Caches, Packed, Recorded
from kagents_controller.expectations import Owner
from kagents_core.api.constants import CONTROLLER_MANAGER
from kagents_core.api.resources import AGENT_USAGES
from kagents_core.kube.client import Client
from kagents_core.kube.errors import AlreadyExists, Conflict, Forbidden, NotFound
from kagents_core.kube.store import Change, Key
from kagents_core.metrics import Metrics
from kagents_core.reconcile.names import record_name
from kagents_core.reconcile.usage_record import usage_record

SETTLE_SECONDS = 5.0
"""Between the hub's end, as the watch of pods tells it, and the record: the watch of teams may be behind."""

_STEP_SECONDS = 0.05
"""Between two deletions of old records."""


class UsageRecords:
    """Records to be made and to be deleted, each in its turn of the controller's queue."""

    def __init__(
        self,
        client: Client,
        caches: Caches,
        metrics: Metrics,
        clock: Callable[[], datetime],
        keep: timedelta | None,
        *,
        add: Callable[[Owner], None],
        add_after: Callable[[Owner, float], None],
        wake: Callable[[Owner, datetime | None], None],
    ) -> None:
        """``keep``: how long after its team's end a record is deleted; never when None."""
        self._client = client
        self._caches = caches
        self._metrics = metrics
        self._clock = clock
        self._keep = keep
        self._add, self._add_after, self._wake = add, add_after, wake
        self._ended: dict[Key, Key] = {}
        """By record: the team that has ended."""
        self._gone: dict[Key, bytes] = {}
        """By record: the record of a team that is gone, as JSON."""
        self._turns: dict[Key, float] = {}
        self._last_turn = 0.0
        caches.usages.subscribe(self._usages_changed)
        caches.teams.subscribe(self._teams_changed)

    def ended(self, team: Key, uid: str) -> None:
        """All of this team's usage is known."""
        record = (team[0], record_name(team[1], uid))
        if record in self._caches.usages or record in self._ended or record in self._gone:
            return
        self._ended[record] = team
        self._add_after(_owner(record), SETTLE_SECONDS)

    async def look(self, owner: Owner) -> float | None:
        """Make the record, or delete it when it is old; seconds until the next look. Raises ApiError."""
        record = owner[1], owner[2]
        recorded = self._caches.usages.get(record)
        if recorded is not None:
            return await self._expire(record, recorded)
        body = self._body(record)
        if body is not None:
            await self._make(record, body)
        self._ended.pop(record, None)
        return None

    def _body(self, record: Key) -> dict[str, Any] | None:
        if record in self._gone:
            kept: dict[str, Any] = orjson.loads(self._gone[record])
            return kept
        team = self._ended.get(record)
        packed = None if team is None else self._caches.teams.get(team)
        if team is None or packed is None or record != (team[0], record_name(team[1], packed.uid)):
            return None
        made = usage_record(packed.unpack(), self._clock())
        return None if made is None else dict(made)

    async def _make(self, record: Key, body: dict[str, Any]) -> None:
        self._metrics.count("writes_total", verb="create", resource=AGENT_USAGES.plural)
        try:
            await self._client.create(AGENT_USAGES, record[0], body, manager=CONTROLLER_MANAGER)
        except AlreadyExists:
            pass
        except (NotFound, Forbidden) as error:
            if isinstance(error, Forbidden) and "because it is being terminated" not in error.message:
                raise
            self._gone.pop(record, None)  # its namespace is gone, and all records with it

    async def _expire(self, record: Key, recorded: Recorded) -> float | None:
        due = self._due(recorded)
        if due is None or self._clock() < due:
            return None
        now = asyncio.get_running_loop().time()
        turn = self._turns.setdefault(record, max(now, self._last_turn + _STEP_SECONDS))
        self._last_turn = max(self._last_turn, turn)
        if turn > now:
            return turn - now
        self._turns.pop(record)
        self._metrics.count("writes_total", verb="delete", resource=AGENT_USAGES.plural)
        with suppress(NotFound, Conflict):
            await self._client.delete(AGENT_USAGES, *record, uid=self._caches.usages.uid(record))
        return None

    def _due(self, recorded: Recorded) -> datetime | None:
        return None if self._keep is None else datetime.fromtimestamp(recorded.ended, UTC) + self._keep

    def _usages_changed(self, changes: Sequence[Change[Recorded]]) -> None:
        for change in changes:
            self._gone.pop(change.key, None)
            self._wake(_owner(change.key), self._due(change.new) if change.new else None)

    def _teams_changed(self, changes: Sequence[Change[Packed]]) -> None:
        for change in changes:
            if change.old is None or change.kind == "modified":
                continue
            record = (change.key[0], record_name(change.key[1], change.old.uid))
            self._ended.pop(record, None)
            if record in self._caches.usages:
                continue
            body = usage_record(change.old.unpack(), self._clock())
            if body is not None:
                self._gone[record] = orjson.dumps(body)
                self._add(_owner(record))


def _owner(record: Key) -> Owner:
    return AGENT_USAGES.kind, *record
