"""What should happen to a pod's processes next: a pure function of the pod, its runs and the time.

Init containers run one after the other, then all containers together. A container that ended is started again
as the restart policy says, after a wait that doubles. A run that the engine or the machine interrupted is
started again at once and under every policy: nothing went wrong with it. (Kubernetes: kubelet's
``computePodActions`` and ``getPhase``.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from kagents_local.kubelet.records import Attempt, Ending, parse_timestamp
from kagents_local.kubelet.settings import KubeletSettings

Object = Mapping[str, Any]
Phase = Literal["Pending", "Running", "Succeeded", "Failed"]


@dataclass(frozen=True, slots=True)
class Start:
    """A container to be started: run ``number``, after ``failures`` restarts in a row."""

    container: str
    number: int
    failures: int


@dataclass(frozen=True, slots=True)
class Observed:
    """A pod and the latest run of each of its containers that has one; nothing else is known."""

    pod: Object
    latest: Mapping[str, Attempt]
    now: datetime
    stopping: str = ""
    """Why the pod has to end (``Deleted``, ``DeadlineExceeded``); empty while it may go on."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and what to call the pod."""

    phase: Phase
    start: tuple[Start, ...] = ()
    stop: tuple[str, ...] = ()
    """Containers whose process has to end."""

    backing_off: Mapping[str, float] = field(default_factory=dict)
    """Containers that wait before their next start, and how long that wait is in all, in seconds."""

    wake_at: datetime | None = None
    finished: bool = False
    """No process runs and none will."""


def decide(observed: Observed, settings: KubeletSettings) -> Decision:
    """The next step of a pod. Applying it and asking again, with nothing else changed, plans nothing new."""
    running = tuple(name for name, attempt in observed.latest.items() if attempt.ending is None)
    phase = _phase(observed)
    if observed.stopping:
        return Decision(_stopped_phase(observed), stop=running, finished=not running)
    if phase in ("Succeeded", "Failed"):
        # A failed init container ends the pod; nothing else can run by then.
        return Decision(phase, stop=running, finished=not running)
    starts: list[Start] = []
    waits: dict[str, float] = {}
    wake: list[datetime] = []
    for name in _eligible(observed):
        attempt = observed.latest.get(name)
        if attempt is None:
            starts.append(Start(name, 0, 0))
        elif attempt.ending is not None:
            wait, failures = _wait(attempt, attempt.ending, settings)
            due = _finished_at(attempt.ending, observed.now) + timedelta(seconds=wait)
            if due <= observed.now:
                starts.append(Start(name, attempt.number + 1, failures))
            else:
                waits[name] = wait
                wake.append(due)
    return Decision(phase, start=tuple(starts), backing_off=waits, wake_at=min(wake, default=None))


def init_names(pod: Object) -> list[str]:
    return [container["name"] for container in pod["spec"].get("initContainers") or ()]


def main_names(pod: Object) -> list[str]:
    return [container["name"] for container in pod["spec"]["containers"]]


def initialized(observed: Observed) -> bool:
    """Whether every init container has done its work."""
    return all(_succeeded(observed.latest.get(name)) for name in init_names(observed.pod))


def _eligible(observed: Observed) -> list[str]:
    """Containers that should have a process now, whether or not they have one."""
    for name in init_names(observed.pod):
        if not _succeeded(observed.latest.get(name)):
            return [name]
    return [name for name in main_names(observed.pod) if _goes_on(observed.pod, observed.latest.get(name))]


def _succeeded(attempt: Attempt | None) -> bool:
    ending = attempt.ending if attempt else None
    return ending is not None and ending.code == 0 and not ending.interrupted


def _goes_on(pod: Object, attempt: Attempt | None) -> bool:
    """Whether a container runs, or will run once more."""
    if attempt is None or attempt.ending is None or attempt.ending.interrupted:
        return True
    policy = pod["spec"].get("restartPolicy") or "Always"
    return policy == "Always" or (policy == "OnFailure" and attempt.ending.code != 0)


def _phase(observed: Observed) -> Phase:
    pod, latest = observed.pod, observed.latest
    never = pod["spec"].get("restartPolicy") == "Never"
    for name in init_names(pod):
        attempt = latest.get(name)
        if _succeeded(attempt):
            continue
        ending = attempt.ending if attempt else None
        return "Failed" if never and ending is not None and not ending.interrupted else "Pending"
    runs = [latest.get(name) for name in main_names(pod)]
    if any(attempt is None for attempt in runs):
        return "Pending"
    if any(_goes_on(pod, attempt) for attempt in runs):
        return "Running"
    return _ended_phase(runs)


def _ended_phase(runs: Sequence[Attempt | None]) -> Phase:
    return "Succeeded" if all(_succeeded(attempt) for attempt in runs) else "Failed"


def _stopped_phase(observed: Observed) -> Phase:
    if observed.stopping == "DeadlineExceeded":
        return "Failed"
    runs = [observed.latest.get(name) for name in main_names(observed.pod)]
    if any(attempt is not None and attempt.ending is None for attempt in observed.latest.values()):
        return _phase(observed)
    return _ended_phase(runs)


def _wait(attempt: Attempt, ending: Ending, settings: KubeletSettings) -> tuple[float, int]:
    """Seconds between the end of a run and the next start, and the count of restarts in a row after it."""
    if ending.interrupted:
        return 0.0, attempt.failures
    finished = _finished_at(ending, None)
    began = parse_timestamp(ending.started_at) if ending.started_at else None
    if began and finished and (finished - began).total_seconds() >= 2 * settings.backoff_limit:
        return 0.0, 1
    if attempt.failures == 0:
        return 0.0, 1
    doublings = min(attempt.failures - 1, 32)
    return min(settings.backoff_base * 2**doublings, settings.backoff_limit), attempt.failures + 1


def _finished_at(ending: Ending, otherwise: datetime | None) -> Any:
    return parse_timestamp(ending.finished_at) if ending.finished_at else otherwise
