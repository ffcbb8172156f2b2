"""What else lives on a cluster: the kubelet with the programs in its pods, the garbage collector, recorders.

They write to the simulated server directly: faults are for the controller. Each does one thing some time
after something was written, so that what they do is decided by the course of the run alone.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kagents_core.api.constants import (
    ANNOTATION_ATTEMPT,
    EXPORT,
    FINISH,
    HUB,
    LABEL_AGENT,
    RECORDER_MANAGER,
)
from kagents_core.api.resources import AGENT_TEAMS, AGENT_USAGES, PODS
from kagents_core.api.status import TERMINAL_PHASES
from kagents_core.kube.client import path_of
from simulator.addresses import Object
from simulator.server import Change, Key, Server

POD = f"{PODS.root}/{PODS.plural}"
TEAM = f"{AGENT_TEAMS.root}/{AGENT_TEAMS.plural}"
RECORD = f"{AGENT_USAGES.root}/{AGENT_USAGES.plural}"
LATER = Callable[[float, Callable[[], None]], Any]


@dataclass(frozen=True)
class Ending:
    """How the program of one pod ends: after so many seconds, or never."""

    after: float | None
    code: int = 0
    message: str = ""
    container: str = "agent"


@dataclass(frozen=True)
class Life:
    """The programs of a scenario's agents: for each one the ending of each attempt, the last for all later.

    An agent that is not named works for five seconds and ends well.
    """

    endings: Mapping[str, tuple[Ending, ...]] = field(default_factory=dict)
    cost: tuple[tuple[float, str], ...] = ()
    """What the recorder says of the cost, so many seconds after the hub has started."""
    usage: tuple[tuple[float, str, int], ...] = ()
    """The same to the micro-dollar, by agent: the whole of what that agent has cost by then."""

    def ending(self, agent: str, attempt: int) -> Ending:
        """Of this attempt."""
        if agent == EXPORT:
            return Ending(None)
        if agent == FINISH and FINISH not in self.endings:
            return delivered(3.0)
        listed = self.endings.get(agent) or (Ending(5.0),)
        return listed[min(attempt, len(listed) - 1)]


def delivered(after: float) -> Ending:
    """A delivery that has made its pull request."""
    made = {
        "branch": "kagents/demo",
        "commit": "c0ffee",
        "url": "https://example.com/pull/7",
        "state": "open",
    }
    return Ending(after, 0, json.dumps(made), FINISH)


class Cluster:
    """Everything but the API server and the controllers."""

    def __init__(self, server: Server, later: LATER, life: Life) -> None:
        """``later`` calls something after so many seconds."""
        self.node_lost = False
        """Nothing on the node reports any more."""
        self._server = server
        self._later = later
        self._life = life
        self._waiting: dict[str, list[Key]] = {}
        server.listeners.append(self._hear)

    def _hear(self, change: Change) -> None:
        key, uid = change.key, change.metadata["uid"]
        if key[0] == POD and (change.type == "DELETED" or change.before is not None):
            owner = owner_of({"metadata": change.metadata})
            self._later(1.0, lambda: self._end_hub(owner))
        if change.type == "DELETED":
            self._later(0.5, lambda: self._collect(uid))
            return
        if change.type == "ADDED" and change.metadata.get("ownerReferences"):
            self._later(2.0, lambda: self._collect_orphan(key, uid))
        if key[0] == POD:
            self._hear_of_pod(change, key, uid)
        elif key[0] == TEAM:
            self._later(1.0, lambda: self._end_hub(uid))

    def _hear_of_pod(self, change: Change, key: Key, uid: str) -> None:
        if change.type == "ADDED":
            self._later(0.3, lambda: self._start(key, uid))
        before = change.before or {}
        if change.metadata.get("deletionTimestamp") and not before.get("deletionTimestamp"):
            self._later(0.6, lambda: self._stop(key, uid))

    # ── the kubelet ───────────────────────────────────────────────────────────────────────────────────────

    def _pod(self, key: Key, uid: str) -> Object | None:
        pod = self._server.look(key)
        return pod if pod is not None and pod["metadata"]["uid"] == uid and not self.node_lost else None

    def _start(self, key: Key, uid: str) -> None:
        pod = self._pod(key, uid)
        if pod is None or pod["status"]["phase"] != "Pending" or pod["metadata"].get("deletionTimestamp"):
            return
        agent, team = agent_of(pod), owner_of(pod)
        if agent not in (HUB, EXPORT) and not self._hub_is_ready(team):
            self._waiting.setdefault(team, []).append(key)
            return
        container = {"name": "agent", "ready": True, "state": {"running": {}}}
        self._say(key, pod, {"phase": "Running", "containerStatuses": [container]})
        if agent == HUB:
            self._later(0.4, lambda: self._report(team))
            for seconds, cost in self._life.cost:
                self._later(seconds, lambda cost=cost: self._report(team, estimatedCost=cost))
            for seconds, spender, micros in self._life.usage:
                spent = {spender: micros}
                self._later(seconds, lambda spent=spent: self._report(team, spent=spent))
            for waiting in self._waiting.pop(team, ()):
                self._later(0.1, lambda key=waiting: self._start_anew(key))
            return
        self._later(0.4, lambda: self._report(team))
        ending = self._life.ending(agent, attempt_of(pod))
        if ending.after is not None:
            self._later(ending.after, lambda: self._end(key, uid, ending))

    def _start_anew(self, key: Key) -> None:
        pod = self._server.look(key)
        if pod is not None:
            self._start(key, pod["metadata"]["uid"])

    def _hub_is_ready(self, team: str) -> bool:
        return any(
            agent_of(pod) == HUB and owner_of(pod) == team and pod["status"]["phase"] == "Running"
            for pod in self._server.all("pods")
        )

    def _end(self, key: Key, uid: str, ending: Ending) -> None:
        pod = self._pod(key, uid)
        if pod is None or pod["status"]["phase"] != "Running" or pod["metadata"].get("deletionTimestamp"):
            return
        ended = {"exitCode": ending.code, "message": ending.message, "finishedAt": self._server.moment()}
        status = {"name": ending.container, "state": {"terminated": ended}}
        phase = "Failed" if ending.code else "Succeeded"
        self._say(key, pod, {"phase": phase, "containerStatuses": [status]})

    def _stop(self, key: Key, uid: str) -> None:
        """What is being deleted has ended."""
        if self._pod(key, uid) is not None:
            self._server.remove(key)

    def _say(self, key: Key, pod: Object, status: Object) -> None:
        conditions = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}]
        said = {"metadata": {**pod["metadata"]}, "status": {"conditions": conditions, **status}}
        self._server.write(key, pod | said, status=True)

    def lose_node(self) -> None:
        """The node falls silent; after a while the control plane says so, and evicts what was on it."""
        self.node_lost = True
        self._later(40.0, self._call_not_ready)
        self._later(340.0, self._evict)

    def _call_not_ready(self) -> None:
        for pod in self._server.all("pods"):
            if pod["status"]["phase"] == "Running":
                status = pod["status"] | {"conditions": [{"type": "Ready", "status": "False"}]}
                said = {"metadata": {**pod["metadata"]}, "status": status}
                self._server.write(key_of(POD, pod), pod | said, status=True)

    def _evict(self) -> None:
        for pod in self._server.all("pods"):
            if pod["status"]["phase"] not in ("Succeeded", "Failed"):
                self._delete(key_of(POD, pod))

    def remove_node(self) -> None:
        """An administrator takes the node away for good: its pods go, and a new one takes its place."""
        self.node_lost = False
        for pod in self._server.all("pods"):
            key, uid = key_of(POD, pod), pod["metadata"]["uid"]
            if pod["metadata"].get("deletionTimestamp"):
                self._server.remove(key)
            else:
                self._later(0.3, lambda key=key, uid=uid: self._start(key, uid))

    # ── garbage collection ────────────────────────────────────────────────────────────────────────────────

    def _collect(self, owner: str) -> None:
        for key, body in self._everything():
            if any(each["uid"] == owner for each in body["metadata"].get("ownerReferences") or ()):
                self._delete(key)

    def _collect_orphan(self, key: Key, uid: str) -> None:
        body = self._server.look(key)
        if body is None or body["metadata"]["uid"] != uid:
            return
        owners = {each["uid"] for each in body["metadata"].get("ownerReferences") or ()}
        if not owners & {each["metadata"]["uid"] for _, each in self._everything()}:
            self._delete(key)

    def _everything(self) -> list[tuple[Key, Object]]:
        return self._server.everything()

    def _delete(self, key: Key) -> None:
        kind, namespace, name = key
        root, _, plural = kind.rpartition("/")
        self._server.handle("DELETE", f"{root}/namespaces/{namespace}/{plural}/{name}", {}, "", None)

    # ── the recorder ──────────────────────────────────────────────────────────────────────────────────────

    def _report(self, team: str, **numbers: Any) -> None:
        """The recorder writes its part of the status, as a whole."""
        found = next(
            (each for each in self._server.all("agentteams") if each["metadata"]["uid"] == team), None
        )
        if found is None:
            return
        status = found.get("status") or {}
        cost, usage = numbers.get("estimatedCost") or status.get("estimatedCost"), status.get("usage")
        if "spent" in numbers:
            usage = self._usage(usage or {}, numbers["spent"])
            cost = f"{usage['costMicros'] / 1_000_000:.2f}"
        mine = {"messages": int(status.get("messages") or 0) + 1} | ({"estimatedCost": cost} if cost else {})
        mine |= {"usage": usage} if usage else {}
        metadata = found["metadata"]
        body = {"apiVersion": AGENT_TEAMS.api_version, "kind": AGENT_TEAMS.kind, "status": mine}
        path = path_of(AGENT_TEAMS, metadata["namespace"], metadata["name"], "status")
        query = {"fieldManager": RECORDER_MANAGER, "force": "true"}
        self._server.handle("PATCH", path, query, "application/apply-patch+yaml", orjson.dumps(body))

    def _usage(self, before: Object, spent: dict[str, int]) -> Object:
        """All that was spent so far, which never becomes less; what is new falls into the present hour."""
        known = {each["agent"]: each["costMicros"] for each in before.get("byModel") or ()}
        costs = known | {agent: max(known.get(agent, 0), micros) for agent, micros in spent.items()}
        total, hours = sum(costs.values()), {each["hour"]: each for each in before.get("hours") or ()}
        hour = self._server.moment()[:13]
        earlier = sum(each["costMicros"] for at, each in hours.items() if at != hour)
        hours[hour] = {"hour": hour, "costMicros": total - earlier, "tokens": 10}
        return {
            "costMicros": total,
            "inputTokens": 10 * len(hours),
            "estimated": False,
            "byModel": [
                {"agent": agent, "model": "m", "costMicros": costs[agent]} for agent in sorted(costs)
            ],
            "hours": list(hours.values()),
        }

    def _end_hub(self, team: str) -> None:
        """The recorder of a team that has ended writes its last entries when its agents have, and exits."""
        found = next(
            (each for each in self._server.all("agentteams") if each["metadata"]["uid"] == team), None
        )
        if found is None or (found.get("status") or {}).get("phase") not in TERMINAL_PHASES:
            return
        running = [
            pod
            for pod in self._server.all("pods")
            if owner_of(pod) == team and pod["status"]["phase"] == "Running"
        ]
        if any(agent_of(pod) not in (HUB, FINISH, EXPORT) for pod in running):
            return
        for pod in running:
            if agent_of(pod) == HUB:
                self._report(team)
                self._end(key_of(POD, pod), pod["metadata"]["uid"], Ending(0.0, container="recorder"))


def key_of(kind: str, body: Object) -> Key:
    """Of an object."""
    return kind, body["metadata"].get("namespace", ""), body["metadata"]["name"]


def agent_of(pod: Object) -> str:
    """Whose pod it is."""
    return str((pod["metadata"].get("labels") or {}).get(LABEL_AGENT, ""))


def owner_of(pod: Object) -> str:
    """The UID of its team."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return str(owners[0]["uid"]) if owners else ""


def attempt_of(pod: Object) -> int:
    """Which of its agent's attempts it is."""
    return int((pod["metadata"].get("annotations") or {}).get(ANNOTATION_ATTEMPT, "0"))
