"""A pod's status as Kubernetes words it: a pure function of the pod, its runs and what they wait for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kagents_local.kubelet.decide import Decision, Observed, init_names, initialized, main_names
from kagents_local.kubelet.records import Attempt, timestamp

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container has no process: a Kubernetes reason and one sentence."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the status shows beside the runs themselves."""

    waiting: Mapping[str, Waiting]
    """By container; wins over the reason that follows from the runs."""

    previous: Mapping[str, Attempt]
    """By container: the run before the latest one."""

    identities: Mapping[str, str]
    """By container: the id of its latest run."""

    reason: str = ""
    message: str = ""
    """Of the pod as a whole."""


def pod_status(observed: Observed, decision: Decision, shown: Shown) -> dict[str, Any]:
    """The whole status. Times of conditions that did not change are those of the pod's present status."""
    pod, before = observed.pod, observed.pod.get("status") or {}
    inits = [_container(observed, decision, shown, name, init=True) for name in init_names(pod)]
    mains = [_container(observed, decision, shown, name, init=False) for name in main_names(pod)]
    now = timestamp(observed.now)
    status: dict[str, Any] = {
        "phase": decision.phase,
        "conditions": _conditions(observed, decision, mains, before.get("conditions") or (), now),
        "startTime": before.get("startTime") or now,
        "hostIP": "127.0.0.1",
        "podIP": "127.0.0.1",
        "podIPs": [{"ip": "127.0.0.1"}],
        "qosClass": before.get("qosClass") or "BestEffort",
        "containerStatuses": mains,
    }
    if inits:
        status["initContainerStatuses"] = inits
    for key, value in (("reason", shown.reason), ("message", shown.message)):
        if value:
            status[key] = value
    return status


def _container(
    observed: Observed, decision: Decision, shown: Shown, name: str, *, init: bool
) -> dict[str, Any]:
    attempt, previous = observed.latest.get(name), shown.previous.get(name)
    waiting = shown.waiting.get(name) or _backing_off(observed, decision, name)
    starting = any(start.container == name for start in decision.start)
    running = attempt is not None and attempt.ending is None
    if attempt is None:
        state = _waiting(waiting or _not_yet(observed, init=init))
        last: dict[str, Any] = {}
    elif running:
        state = {"running": {"startedAt": attempt.started_at}}
        last = _terminated(previous)
    elif waiting or starting:
        state = _waiting(waiting or Waiting("ContainerCreating"))
        last = _terminated(attempt)
    else:
        state, last = _terminated(attempt), _terminated(previous)
    done = init and "terminated" in state and state["terminated"]["exitCode"] == 0
    image = _image(observed.pod, name, init=init)
    return {
        "name": name,
        "image": image,
        "imageID": image if attempt is not None else "",
        "containerID": f"kagents://{shown.identities[name]}" if name in shown.identities else "",
        "ready": done if init else running,
        "started": running,
        "restartCount": attempt.number if attempt else 0,
        "state": state,
        "lastState": last,
    }


def _image(pod: Object, name: str, *, init: bool) -> str:
    containers = pod["spec"].get("initContainers" if init else "containers") or ()
    return next(str(container.get("image", "")) for container in containers if container["name"] == name)


def _not_yet(observed: Observed, *, init: bool) -> Waiting:
    if init or initialized(observed):
        first = next((name for name in init_names(observed.pod) if name not in observed.latest), None)
        return Waiting("ContainerCreating" if first is None or not observed.latest else "PodInitializing")
    return Waiting("PodInitializing")


def _backing_off(observed: Observed, decision: Decision, name: str) -> Waiting | None:
    seconds = decision.backing_off.get(name)
    if seconds is None:
        return None
    metadata = observed.pod["metadata"]
    where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
    return Waiting(
        "CrashLoopBackOff", f"back-off {seconds:g}s restarting failed container={name} pod={where}"
    )


def _waiting(waiting: Waiting) -> dict[str, Any]:
    state = {"reason": waiting.reason}
    if waiting.message:
        state["message"] = waiting.message
    return {"waiting": state}


def _terminated(attempt: Attempt | None) -> dict[str, Any]:
    if attempt is None or attempt.ending is None:
        return {}
    ending = attempt.ending
    state: dict[str, Any] = {
        "exitCode": ending.code,
        "reason": ending.reason or ("Completed" if ending.code == 0 else "Error"),
        "startedAt": _whole_seconds(ending.started_at) or attempt.started_at,
        "finishedAt": _whole_seconds(ending.finished_at) or attempt.started_at,
    }
    if ending.signal:
        state["signal"] = ending.signal
    if ending.message:
        state["message"] = ending.message
    return {"terminated": state}


def _whole_seconds(text: str | None) -> str | None:
    return None if text is None else f"{text[:19]}Z"


def _conditions(
    observed: Observed, decision: Decision, mains: list[dict[str, Any]], before: Any, now: str
) -> list[dict[str, Any]]:
    started = {condition["type"]: condition for condition in before}
    unready = [container["name"] for container in mains if not container["ready"]]
    incomplete = [name for name in init_names(observed.pod) if not _done(observed.latest.get(name))]
    not_ready = (
        ("PodCompleted", "")
        if decision.phase == "Succeeded"
        else ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    )
    not_initialized = (
        "ContainersNotInitialized",
        f"containers with incomplete status: [{' '.join(incomplete)}]",
    )
    wanted: list[tuple[str, bool, tuple[str, str]]] = [
        ("PodScheduled", True, ("", "")),
        ("Initialized", not incomplete, not_initialized),
        ("ContainersReady", not unready, not_ready),
        ("Ready", not unready, not_ready),
    ]
    return [_condition(kind, holds, why, started.get(kind), now) for kind, holds, why in wanted]


def _done(attempt: Attempt | None) -> bool:
    ending = attempt.ending if attempt else None
    return ending is not None and ending.code == 0 and not ending.interrupted


def _condition(
    kind: str, holds: bool, why: tuple[str, str], before: Object | None, now: str
) -> dict[str, Any]:
    status = "True" if holds else "False"
    same = before is not None and before.get("status") == status
    condition: dict[str, Any] = {
        "type": kind,
        "status": status,
        "lastTransitionTime": before["lastTransitionTime"] if same and before is not None else now,
    }
    reason, message = ("", "") if holds else why
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition
