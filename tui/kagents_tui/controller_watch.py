"""Is a controller at work, and as new as the definitions? Told by the teams themselves.

A spec that nobody has looked at for a while: none is at work. A team that was refused for a field that the
API server knows: it is older than the definitions. That needs no right beyond listing teams, and no request
while all is well. Only when teams are left waiting is the controller's Lease read, where that is allowed, for
a better sentence.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import age
from kagents_tui.rows.fields import line, mapping, moment
from kagents_tui.rows.teams import Team

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

PATIENCE: Final = 20.0
"""Seconds that a controller may take to look at a spec: it takes milliseconds, a change of leaders 15 s."""
REMEMBERED: Final = timedelta(hours=1)
"""How long a refused team tells of an old controller: it stays when the controller has been upgraded."""
_UNKNOWN: Final = re.compile(r"(\S+): there is no such field")
LEASE: Final = "kagents"
"""The chart's name for the Lease."""


class ControllerWatch:
    """Remembers since when which specs wait. ``clock`` gives seconds that only go on."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[tuple[str, int], float] = {}
        self._late = 0
        self._lease = ""
        self._refused: list[str] = []

    def look(self, teams: Iterable[Team], today: datetime | None = None) -> bool:
        """Counts the teams that wait too long; called every second. Whether they have just begun to."""
        now, before = self._clock(), self._late
        known = list(teams)
        self._refused = list(unknown_fields(known, (today or datetime.now(UTC)) - REMEMBERED))
        waiting = [(team.uid, team.generation) for team in known if team.unseen]
        self._since = {each: self._since.get(each, now) for each in waiting}
        self._late = sum(1 for since in self._since.values() if now - since >= PATIENCE)
        return self._late > 0 and before == 0

    def forget(self) -> None:
        """The connection was lost or is another one: what was waited for says nothing any more."""
        self._since.clear()
        self._late = 0
        self._refused = []

    async def ask(self, client: "Client") -> None:
        """Reads the controller's Lease, if that is allowed, for the banner."""
        self._lease = await lease_words(client)

    def banner(self) -> list[SafeText]:
        """What a person should know of the controller; nothing when it seems to work."""
        return [*self._too_old(), *self._absent()]

    def _too_old(self) -> list[SafeText]:
        if not self._refused:
            return []
        names = ", ".join(dict.fromkeys(self._refused))
        return [
            line(f"the controller is older than the definitions: it does not know {names}; upgrade it", 300)
        ]

    def _absent(self) -> list[SafeText]:
        if not self._late:
            return []
        teams = "1 team waits" if self._late == 1 else f"{self._late} teams wait"
        hint = self._lease or "; is kagents-controller running?"
        return [line(f"no controller seems to be at work: {teams} for it{hint}")]


def unknown_fields(teams: Iterable[Team], since: datetime) -> Iterator[str]:
    """Fields for which new teams were refused although the API server took them."""
    for team in teams:
        if team.phase == "Failed" and team.created is not None and team.created >= since:
            for need in team.needs:
                yield from _UNKNOWN.findall(need.text) if need.kind == "failed" else ()


async def lease_words(client: "Client", now: datetime | None = None) -> str:
    """Who held the controller's Lease last and when, as the end of a sentence; empty when unknown."""
    from kagents_core.api.resources import LEASES
    from kagents_core.kube.errors import KubeError

    try:
        found = (await client.list(LEASES, fields=f"metadata.name={LEASE}")).items
    except KubeError:
        return ""
    if not found:
        return ""
    lease = found[0]
    spec, place = mapping(lease.get("spec")), mapping(lease.get("metadata")).get("namespace")
    renewed = moment(spec.get("renewTime"))
    if not spec.get("holderIdentity"):
        return f"; in {place} nobody holds its lease"
    ago = age(now or datetime.now(UTC), renewed)
    return f"; {spec['holderIdentity']} in {place} renewed its lease {ago} ago"
