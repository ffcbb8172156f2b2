"""What can go wrong with a request, and a schedule: a scenario, the faults in it, and the seed of its times.

A schedule is written ``scenario/PATCH agentteams/demo/status#2:crash-after,23:409@5``: at the second such
request and at the twenty-third of all, with the times of seed 5. That text is all it takes to play it again.
What was found is kept by verb and object: in another order of calls a number would be another schedule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

FAULTS: dict[str, str] = {
    "crash-before": "the controller dies before the request leaves, and is started again",
    "crash-after": "the request is carried out; the controller dies before the answer",
    "crash-stale": "the same, and the next controller's lists come from a replica that is behind",
    "reset-before": "the connection breaks, the request is not carried out",
    "reset-after": "the request is carried out, the connection breaks before the answer",
    "timeout-before": "no answer for 30 s, not carried out",
    "timeout-after": "no answer for 30 s, carried out",
    "late": "no answer for 30 s, carried out 20 s later",
    "slow": "carried out at once, answered after 8 s: every watch hears of it first",
    "409": "the object has been modified",
    "429": "too many requests, retry after 1 s",
    "429-long": "too many requests from everybody for 20 s",
    "500": "an internal error, once",
    "503-after": "carried out, and answered with 503 by a proxy",
    "outage": "the server cannot be reached for 45 s",
    "partition": "this controller cannot reach it for 45 s, others can",
    "lag-pods": "for 20 s the watch of pods is 12 s behind",
    "lag-teams": "for 20 s the watch of teams is 12 s behind",
    "lag-all": "for 20 s all watches are 4 s behind",
    "hang-up": "every watch breaks",
    "gone": "history is compacted and every watch breaks: 410",
    "silence": "every open watch falls silent and says so to nobody",
    "twice": "from now on every event is told twice",
    "clock-ahead": "the controller's clock is an hour ahead for 60 s",
    "clock-behind": "the controller's clock is an hour behind for 60 s",
}


@dataclass(frozen=True)
class Fault:
    """One fault at one request: its number, from 0 over all controllers of the run, or the request itself.

    As ``DELETE pods/demo-a-1#1``, the first one; renewals of leases have no number, as they never end.
    """

    call: int | str
    kind: str

    def __str__(self) -> str:
        return f"{self.call}:{self.kind}"


@dataclass(frozen=True)
class Schedule:
    """Everything that decides the course of a run."""

    scenario: str
    faults: tuple[Fault, ...] = ()
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.scenario}/{','.join(map(str, self.faults))}@{self.seed}"

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """The reverse of ``str``."""
        scenario, _, rest = text.partition("/")
        listed, _, seed = rest.partition("@")
        faults = []
        for part in filter(None, listed.split(",")):
            call, _, kind = part.rpartition(":")
            if kind not in FAULTS:
                raise ValueError(f"there is no fault {kind!r}; there are {', '.join(FAULTS)}")
            faults.append(Fault(int(call) if call.isdigit() else call, kind))
        return cls(scenario, in_order(faults), int(seed or 0))

    def pinned(self, calls: Sequence[str]) -> "Schedule":
        """The same faults by verb and object instead of by number; ``calls`` are those that were made."""
        pinned = [
            replace(each, call=calls[each.call])
            if isinstance(each.call, int) and each.call < len(calls)
            else each
            for each in self.faults
        ]
        return replace(self, faults=in_order(pinned))


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """By request."""
    return tuple(sorted(faults, key=lambda each: (isinstance(each.call, str), each.call, each.kind)))
