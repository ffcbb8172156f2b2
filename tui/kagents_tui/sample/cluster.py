"""An API server in memory, behind the methods of ``kagents_core.kube.client.Client`` that are used."""

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson

from kagents_core.api.constants import EXPORT
from kagents_core.kube.client import Permission
from kagents_core.kube.errors import Conflict, Forbidden, NotFound, Unreachable
from kagents_core.kube.paging import ObjectList
from kagents_core.kube.watch import WatchEvent
from kagents_tui.hub import RECORDER
from kagents_tui.rows.attention import ENDED_PHASES
from kagents_tui.sample import leavings
from kagents_tui.sample.agentwork import printed
from kagents_tui.sample.streams import SampleStream
from kagents_tui.session import Connection

Object = dict[str, Any]


@dataclass(slots=True)
class SampleCluster:
    """Teams in memory, a journal each. ``calls`` holds what was asked for, ``denied`` what is forbidden."""

    teams: list[Object]
    journals: dict[str, list[Object]] = field(default_factory=dict)
    """Entries by the team's name."""
    log: bytes = b""
    events: list[Object] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    readable: set[str | None] = field(default_factory=set)
    """Namespaces that may be listed although listing is denied; None: all of them at once."""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    broken: bool = False
    streams: list[SampleStream] = field(default_factory=list)
    others: dict[str, list[Object]] = field(default_factory=dict)
    """Objects of other kinds, by the plural of the kind."""
    _watchers: list[tuple[str, asyncio.Queue[WatchEvent | None]]] = field(default_factory=list)
    _version: int = 1

    def of_kind(self, plural: str) -> list[Object]:
        """The objects of a kind."""
        if plural == "agentteams":
            return self.teams
        return self.events if plural == "events" else self.others.setdefault(plural, [])

    def find(self, namespace: str | None, name: str, plural: str = "agentteams") -> Object:
        """An object, a team unless told otherwise. Raises ``NotFound``."""
        for each in self.of_kind(plural):
            if (each["metadata"].get("namespace"), each["metadata"]["name"]) == (namespace, name):
                return each
        raise NotFound(404, "NotFound", f"{plural} {name!r} not found")

    def change(self, namespace: str, name: str, alter: Callable[[Object], None]) -> None:
        """Changes a team and tells the watchers."""
        found = self.find(namespace, name)
        alter(found)
        self._stamp(found, "MODIFIED")

    def add(self, team: Object, plural: str = "agentteams") -> None:
        """Adds an object and tells the watchers."""
        self.of_kind(plural).append(team)
        self._stamp(team, "ADDED", plural)

    def remove(self, namespace: str, name: str, plural: str = "agentteams") -> None:
        """Removes an object and tells the watchers."""
        found = self.find(namespace, name, plural)
        self.of_kind(plural).remove(found)
        self._stamp(found, "DELETED", plural)

    def cut(self) -> None:
        """Ends every watch, as a lost connection does."""
        for _, queue in self._watchers:
            queue.put_nowait(None)

    def _stamp(self, team: Object, kind: Any, plural: str = "agentteams") -> None:
        self._version += 1
        team["metadata"]["resourceVersion"] = str(self._version)
        for watched, queue in self._watchers:
            if watched == plural:
                queue.put_nowait(WatchEvent(kind, copy.deepcopy(team)))

    def _refuse(self, resource: Any, namespace: str | None) -> None:
        if self.broken:
            raise Unreachable("the API server does not answer")
        if f"list {resource.plural}" in self.denied and namespace not in self.readable:
            where = f"in {namespace}" if namespace else "at the cluster scope"
            raise Forbidden(403, "Forbidden", f"{resource.plural} is forbidden: you cannot list {where}")

    async def get(self, resource: Any, namespace: str | None, name: str) -> Object:
        """One object."""
        return copy.deepcopy(self.find(namespace, name, resource.plural))

    async def list(
        self,
        resource: Any,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
        **_: Any,
    ) -> ObjectList:
        """A whole list; of pods, those that a label selector names; of events, those about a UID."""
        if resource.plural == "pods":
            made = exporting if f"={EXPORT}" in (labels or "") else hub
            items = [made(team) for team in self.teams if f"={team['metadata']['name']}," in (labels or "")]
        else:
            items = self.of_kind(resource.plural)
        chosen = [each for each in items if namespace in (None, each["metadata"].get("namespace"))]
        if resource.plural == "events" and fields:
            about = fields.partition("=")[2]
            chosen = [each for each in chosen if each.get("involvedObject", {}).get("uid", about) == about]
        return ObjectList(copy.deepcopy(chosen), str(self._version))

    async def pages(
        self, resource: Any, namespace: str | None = None, **_: Any
    ) -> AsyncGenerator[ObjectList]:
        """A list as one page."""
        self._refuse(resource, namespace)
        yield await self.list(resource, namespace)

    async def watch(
        self,
        resource: Any,
        namespace: str | None = None,
        *,
        on_open: Callable[[], None] | None = None,
        **_: Any,
    ) -> AsyncGenerator[WatchEvent]:
        """Changes as they come."""
        self._refuse(resource, namespace)
        queue: asyncio.Queue[WatchEvent | None] = asyncio.Queue()
        watcher = (resource.plural, queue)
        self._watchers.append(watcher)
        if on_open is not None:
            on_open()
        try:
            while (event := await queue.get()) is not None:
                if namespace in (None, event.object["metadata"].get("namespace")):
                    yield event
        finally:
            self._watchers.remove(watcher)
        raise Unreachable("the watch was cut")

    async def patch_merge(
        self, resource: Any, namespace: str, name: str, patch: Mapping[str, Any], **_: Any
    ) -> Object:
        """A merge patch; a uid and a version in it are preconditions."""
        found = self.find(namespace, name, resource.plural)
        held = patch.get("metadata", {})
        self._hold(found, held.get("uid"), held.get("resourceVersion"))
        self.calls.append(("patch", f"{namespace}/{name}", orjson.loads(orjson.dumps(patch))))
        merge(found, patch)
        self._stamp(found, "MODIFIED", resource.plural)
        return copy.deepcopy(found)

    async def delete(
        self,
        resource: Any,
        namespace: str,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        **_: Any,
    ) -> None:
        """Deletes an object; the uid and the version are preconditions."""
        found = self.find(namespace, name, resource.plural)
        self._hold(found, uid, resource_version)
        self.calls.append(("delete", f"{namespace}/{name}", uid))
        self.remove(namespace, name, resource.plural)

    def _hold(self, found: Object, uid: str | None, version: str | None) -> None:
        """Refuses what was meant for another object, or another version of it."""
        metadata = found["metadata"]
        if uid not in (None, metadata["uid"]):
            raise Conflict(409, "Conflict", f"the uid of {metadata['name']} is another one")
        if version not in (None, metadata.get("resourceVersion", "")):
            raise Conflict(409, "Conflict", f"{metadata['name']} has changed since")

    async def can_i(
        self, verb: str, resource: Any, namespace: str | None, subresource: str | None = None
    ) -> Permission:
        """Whether the verb is not among the denied ones."""
        denied = f"{verb} {resource.plural}" in self.denied
        return Permission(not denied, "no role allows it" if denied else "")

    async def logs(self, namespace: str, pod: str, **options: Any) -> AsyncGenerator[bytes]:
        """The log, in two pieces that split a line; of a recorder its journal, to the end."""
        if options.get("container") == RECORDER:
            for entry in self.journals.get(pod.removesuffix("-hub-0a1b2"), []):
                yield orjson.dumps(entry) + b"\n"
            return
        middle = len(self.log) // 2
        yield self.log[:middle]
        yield self.log[middle:]
        await asyncio.Event().wait()

    async def exec(self, namespace: str, pod: str, command: Sequence[str], **_: Any) -> SampleStream:
        """``tail`` plays the journal, ``artifact`` gives one; ``send`` takes mail, ``answer`` an answer."""
        self.calls.append(("exec", f"{namespace}/{pod}", list(command)))
        if command[1] == "artifact":
            stream = SampleStream([leavings.packed(command[-1])], hang=False)
        elif "send" in command:
            stream = SampleStream([b'{"id":"sent-1"}\n'], hang=False)
        elif (said := printed(command, self.journals)) is not None:
            stream = SampleStream(said, hang="--follow" in command)
        elif "answer" in command:
            stream = SampleStream([], hang=False, ends_with=lambda data: self._answered(namespace, pod, data))
        else:
            after = int(command[command.index("--after") + 1]) if "--after" in command else 0
            journal = self.journals.get(pod.removesuffix("-hub-0a1b2"), [])
            kinds = {kind for option, kind in pairwise(command) if option == "--kind"}
            shown = [each for each in journal if each["seq"] > after and (not kinds or each["kind"] in kinds)]
            told = [orjson.dumps(each) + b"\n" for each in shown]
            last = journal[-1]["seq"] if journal else 0
            follow = "--follow" in command
            end = [orjson.dumps({"kind": "live", "seq": last}) + b"\n"] if follow else []
            stream = SampleStream([*told, *end], hang=follow)
        self.streams.append(stream)
        return stream

    def _answered(self, namespace: str, pod: str, data: bytes) -> str:
        """An answer has come: the request goes, unless nobody has asked it."""
        answer = orjson.loads(data)
        self.calls.append(("answer", f"{namespace}/{pod}", answer))
        for team in self.teams:
            if (team["metadata"]["namespace"], hub(team)["metadata"]["name"]) == (namespace, pod):
                for doing, request in requests_of(team):
                    if (doing["agent"], request["id"]) == (answer["agent"], answer["request"]):
                        doing["requests"].remove(request)
                        doing["state"] = "working"
                        self._stamp(team, "MODIFIED")
                        return ""
        return f"There is no request {answer['request']} of {answer['agent']}."

    async def user_name(self) -> str:
        """Who the caller is."""
        return "ann@example.test"


def requests_of(team: Object) -> Sequence[tuple[Object, Object]]:
    """What agents ask: the activity, and the request in it."""
    activity = team["status"].get("activity") or []
    return [(each, request) for each in activity for request in each.get("requests", [])]


def hub(team: Object) -> Object:
    """The hub pod of a team: it has ended when the team has."""
    over = team["status"]["phase"] in ENDED_PHASES
    metadata = team["metadata"]
    return {
        "metadata": {
            "namespace": metadata["namespace"],
            "name": f"{metadata['name']}-hub-0a1b2",
            "uid": f"{metadata['uid']}-hub",
            "ownerReferences": [{"uid": metadata["uid"]}],
        },
        "status": {
            "phase": "Succeeded" if over else "Running",
            "containerStatuses": [
                {"name": RECORDER, "state": {"terminated": {}} if over else {"running": {}}}
            ],
        },
    }


def exporting(team: Object) -> Object:
    """The pod that an export has asked for by the annotation: it runs at once."""
    pod = hub(team)
    pod["metadata"]["annotations"] = dict(team["metadata"].get("annotations") or {})
    pod["status"] = {"phase": "Running", "containerStatuses": [{"name": EXPORT, "state": {"running": {}}}]}
    return pod


def merge(target: Object, patch: Mapping[str, Any]) -> None:
    """JSON merge patch in place."""
    for name, value in patch.items():
        if isinstance(value, Mapping) and isinstance(target.get(name), dict):
            merge(target[name], value)
        elif value is None:
            target.pop(name, None)
        else:
            target[name] = value


@dataclass(slots=True)
class SampleConnector:
    """Connects to the cluster in memory."""

    cluster: SampleCluster
    name: str = "kind-dev"
    opened: int = 0

    async def connect(self, context: str | None, tell: Callable[[str], None]) -> Connection:
        """Opens it."""
        self.opened += 1
        return Connection(self.cluster, context or self.name)  # type: ignore[arg-type]  # has the methods that are used

    async def close(self, connection: Connection) -> None:
        """Nothing to close."""

    def contexts(self) -> list[str]:
        """Two names to choose from."""
        return [self.name, "kind-other"]
