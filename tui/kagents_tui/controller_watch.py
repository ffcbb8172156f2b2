"""Is a controller at work? Told by the teams themselves: a spec that nobody has looked at for a while.

That needs no right beyond listing teams, and no request while all is well. Only when teams are left waiting
is the controller's Lease read, where that is allowed, for a better sentence.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
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
LEASE: Final = "kagents"
"""The chart's name for the Lease."""


class ControllerWatch:
    """Remembers since when which specs wait. ``clock`` gives seconds that only go on."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since: dict[tuple[str, int], float] = {}
        self._late = 0
        self._lease = ""

    def look(self, teams: Iterable[Team]) -> bool:
        """Counts the teams that wait too long; called every second. Whether they have just begun to."""
        now, before = self._clock(), self._late
        waiting = [(team.uid, team.generation) for team in teams if team.unseen]
        self._since = {each: self._since.get(each, now) for each in waiting}
        self._late = sum(1 for since in self._since.values() if now - since >= PATIENCE)
        return self._late > 0 and before == 0

    def forget(self) -> None:
        """The connection was lost or is another one: what was waited for says nothing any more."""
        self._since.clear()
        self._late = 0

    async def ask(self, client: "Client") -> None:
        """Reads the controller's Lease, if that is allowed, for the banner."""
        self._lease = await lease_words(client)

    def banner(self) -> list[SafeText]:
        """What a person should know of the controller; nothing when it seems to work."""
        if not self._late:
            return []
        teams = "1 team waits" if self._late == 1 else f"{self._late} teams wait"
        hint = self._lease or "; is kagents-controller running?"
        return [line(f"no controller seems to be at work: {teams} for it{hint}")]


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
