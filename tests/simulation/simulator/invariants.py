"""What must be true at every single write, whatever goes wrong."""

from typing import Any

from kagents_core.api.constants import APPROVAL_PREFIX, EXPORT, FINISH, HUB
from kagents_core.api.status import TERMINAL_PHASES
from simulator.addresses import Object
from simulator.cluster import POD, RECORD, TEAM, agent_of, attempt_of, owner_of
from simulator.server import Change, Server


class Broken(Exception):  # noqa: N818  (it says what happened)
    """An invariant of the design."""


class Invariants:
    """Looks at every write; what is broken is kept, so that the run can go on to where it would have gone."""

    def __init__(self, server: Server) -> None:
        self.broken: list[str] = []
        self.created: list[tuple[str, str, int]] = []
        """Pods ever created: name of the team, agent, attempt."""
        self.delivered = 0
        self.exempt = False
        """The write in progress left its controller long ago: only its consequences are judged."""
        self._server = server
        self._approved: set[tuple[str, str]] = set()
        self._succeeded: set[tuple[str, str]] = set()
        self._teams: dict[str, Object] = {}
        self._recorded: set[str] = set()
        server.listeners.append(self._hear)

    def _hear(self, change: Change) -> None:
        if change.key[0] == TEAM:
            self._team(change)
        elif change.key[0] == POD:
            self._pod(change)
        elif change.key[0] == RECORD:
            self._record(change)

    def _say(self, sentence: str) -> None:
        self.broken.append(sentence)

    def _team(self, change: Change) -> None:
        uid = change.metadata["uid"]
        if change.type == "DELETED":
            return
        body = self._server.look(change.key) or {}
        for name, value in (body["metadata"].get("annotations") or {}).items():
            if name.startswith(APPROVAL_PREFIX) and value == "true":
                self._approved.add((uid, name.removeprefix(APPROVAL_PREFIX)))
        before = (self._teams.get(uid) or {}).get("status") or {}
        self._teams[uid] = body
        self._status(change.key[2], before, body.get("status") or {})

    def _status(self, team: str, before: Object, after: Object) -> None:
        phase = before.get("phase")
        if phase in TERMINAL_PHASES and after.get("phase") != phase:
            self._say(f"{team}: from {phase}, which is an end, to {after.get('phase')}")
        for name in ("startedAt", "completedAt"):
            if name in before and after.get(name) != before[name]:
                self._say(f"{team}: {name} from {before[name]} to {after.get(name)}")
        was = {each.get("name", "lead"): each for each in _agents(before)}
        for each in _agents(after):
            known = was.get(each.get("name", "lead"), {})
            if known.get("message") == "resolves a conflict":
                continue  # by a pod beside those that count
            for number in ("restartCount", "attempt"):
                if int(each.get(number) or 0) < int(known.get(number) or 0):
                    self._say(f"{team}/{each.get('name', 'lead')}: {number} goes back to {each.get(number)}")

    def _record(self, change: Change) -> None:
        """What a team has cost is written once, when nothing of it runs any more, and stays as it is."""
        spec = (self._server.look(change.key) or {}).get("spec") or {}
        uid = str(spec.get("uid"))
        if change.type != "ADDED":
            self._say(f"the record {change.key[2]} was {change.type.lower()}")
            return
        if uid in self._recorded:
            self._say(f"a second record of {spec.get('team')}")
        self._recorded.add(uid)
        for pod in self._server.all("pods"):
            if owner_of(pod) == uid and pod["status"]["phase"] not in ("Succeeded", "Failed"):
                self._say(f"{spec.get('team')} was recorded while {pod['metadata']['name']} still ran")

    def _pod(self, change: Change) -> None:
        pod = self._server.look(change.key)
        if pod is None:
            return
        agent, uid = agent_of(pod), owner_of(pod)
        if pod["status"]["phase"] == "Succeeded" and (uid, f"{agent} {change.key[2]}") not in self._succeeded:
            self._succeeded |= {(uid, agent), (uid, f"{agent} {change.key[2]}")}
            self.delivered += agent == FINISH
        if change.type == "ADDED":
            team = self._teams.get(uid)
            name = team["metadata"]["name"] if team else "?"
            self.created.append((name, agent, attempt_of(pod)))
            self._one_live_pod(change.key[2], agent, uid)
            if team is not None and agent not in (HUB, EXPORT):
                self._permitted(team, agent, uid)
        elif agent == HUB and _is_ending(pod["metadata"]) and not _is_ending(change.before or {}):
            self._last_to_end(change.key[2], uid)

    def _last_to_end(self, name: str, uid: str) -> None:
        """The hub of a team counts what its agents spend until they are stopped."""
        teams = [each for each in self._server.all("agentteams") if each["metadata"]["uid"] == uid]
        if not any((team.get("status") or {}).get("phase") in TERMINAL_PHASES for team in teams):
            return
        for other in self._server.all("pods"):
            works = other["status"]["phase"] == "Running" and agent_of(other) not in (HUB, EXPORT)
            if works and owner_of(other) == uid and not _is_ending(other["metadata"]):
                self._say(f"{name} was stopped before {other['metadata']['name']}")

    def _one_live_pod(self, name: str, agent: str, uid: str) -> None:
        for other in self._server.all("pods"):
            live = other["status"]["phase"] not in ("Succeeded", "Failed")
            if (
                live
                and other["metadata"]["name"] != name
                and (agent_of(other), owner_of(other)) == (agent, uid)
            ):
                self._say(f"{name} beside {other['metadata']['name']}: two live pods of {agent}")

    def _permitted(self, team: Object, agent: str, uid: str) -> None:
        spec = team["spec"]
        phase = (team.get("status") or {}).get("phase")
        if phase in TERMINAL_PHASES and not self.exempt:
            self._say(f"a pod of {agent} after the end ({phase})")
        event = "finish" if agent == FINISH else f"spawn-{agent}"
        gates = [gate["event"] for gate in (spec.get("lifecycle") or {}).get("approvalGates") or ()]
        if event in gates and (uid, event) not in self._approved:
            self._say(f"a pod of {agent} without approval of {event}")
        mate: Any = next((each for each in spec.get("teammates") or () if each["name"] == agent), {})
        for needed in mate.get("dependsOn") or ():
            if (uid, needed) not in self._succeeded:
                self._say(f"a pod of {agent} before {needed} has ended well")


def _is_ending(metadata: Object) -> bool:
    return bool(metadata.get("deletionTimestamp"))


def _agents(status: Object) -> list[Object]:
    return [*([status["lead"]] if "lead" in status else []), *(status.get("teammates") or ())]
