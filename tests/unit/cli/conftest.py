"""A cluster in memory behind the client's own interface, and a way to run the command against it."""

import copy
import io
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.errors import Conflict, NotFound, Unreachable
from kagents_tui.cli import main, options

RUNNING = {"phase": "Running", "containerStatuses": [{"name": "recorder", "state": {"running": {}}}]}
ENDED = {"phase": "Succeeded"}


def team(name="q3-report", namespace="cowork-agents", **status) -> dict[str, Any]:
    """A running team of a lead and one teammate that a gate holds back."""
    return {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": "7",
            "creationTimestamp": "2026-11-21T00:00:00Z",
        },
        "spec": {
            "harness": "simulated",
            "lead": {"prompt": "Lead."},
            "teammates": [{"name": "email-drafter", "prompt": "Draft."}],
            "lifecycle": {"approvalGates": [{"event": "spawn-email-drafter"}, {"event": "finish"}]},
        },
        "status": {
            "phase": "Running",
            "ready": "1/2",
            "lead": {"podName": f"{name}-lead-0a1b2", "phase": "Running"},
            "teammates": [
                {"name": "email-drafter", "phase": "Waiting", "pendingApproval": "spawn-email-drafter"}
            ],
        }
        | status,
    }


def hub(name="q3-report", namespace="cowork-agents", status=RUNNING) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"{name}-hub-12345",
            "namespace": namespace,
            "uid": f"hub-of-{name}",
            "ownerReferences": [{"uid": f"uid-{name}"}],
            "labels": {"claude.amcheste.io/team": name, "claude.amcheste.io/role": "hub"},
        },
        "status": status,
    }


class FakeExec:
    """A command that answers with prepared output, and remembers its input."""

    def __init__(self, outputs, code):
        self.outputs, self.exit_code, self._code = outputs, None, code
        self.received = b""
        self.closed = False

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    async def send(self, data):
        self.received += data

    async def close_stdin(self):
        self.closed = True

    async def __aiter__(self):
        for item in self.outputs:
            if isinstance(item, Exception):
                raise item
            if callable(item):
                item()
                continue
            yield item
        self.exit_code = self._code


@dataclass
class FakeClient:
    """Objects by (plural, namespace, name). ``answers``: what successive execs give, (outputs, exit code)."""

    objects: dict[tuple[str, str | None, str], dict[str, Any]] = field(default_factory=dict)
    answers: list[tuple[list[Any], int]] = field(default_factory=list)
    executed: list[list[str]] = field(default_factory=list)
    sessions: list[FakeExec] = field(default_factory=list)
    log: bytes = b""
    previous_log: bytes = b""
    applied: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    conflicts: int = 0
    steps: list[Any] = field(default_factory=list)
    unreachable: bool = False
    config: Any = field(default_factory=lambda: SimpleNamespace(namespace="cowork-agents", context="fake"))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    def add(self, resource, obj):
        key = (resource.plural, obj["metadata"].get("namespace"), obj["metadata"]["name"])
        self.objects[key] = obj
        return obj

    async def get(self, resource, namespace, name):
        if self.unreachable:
            raise Unreachable("no answer")
        try:
            return copy.deepcopy(self.objects[resource.plural, namespace, name])
        except KeyError:
            raise NotFound(404, "NotFound", f'{resource.plural} "{name}" not found') from None

    async def list(self, resource, namespace=None, *, labels=None, fields=None, limit=500):
        wanted = dict(pair.split("=") for pair in (labels or "").split(",") if pair)
        selected = dict([fields.split("=")]) if fields else {}
        name = selected.get("metadata.name")
        items = [
            copy.deepcopy(obj)
            for (plural, where, key), obj in self.objects.items()
            if plural == resource.plural
            and namespace in (None, where)
            and name in (None, key)
            and wanted.items() <= obj["metadata"].get("labels", {}).items()
        ]
        return SimpleNamespace(items=items, resource_version="1")

    async def watch(self, resource, namespace=None, **_):
        for step in self.steps:
            yield step

    async def patch_merge(self, resource, namespace, name, patch, **_):
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict(409, "Conflict", "the object has been modified")
        obj = self.objects[resource.plural, namespace, name]
        if patch["metadata"]["uid"] != obj["metadata"]["uid"]:
            raise Conflict(409, "Conflict", "Precondition failed: UID in precondition")
        obj["metadata"].setdefault("annotations", {}).update(patch["metadata"].get("annotations", {}))
        obj["spec"].update(patch.get("spec", {}))
        return obj

    async def apply(self, resource, namespace, name, body, *, manager, force, subresource=None):
        assert manager == "kagents-cli"
        self.applied.append(copy.deepcopy(dict(body)))
        old = self.objects.get((resource.plural, namespace, name))
        version = str(int(old["metadata"]["resourceVersion"]) + 1) if old else "1"
        metadata = {**body["metadata"], "uid": "u", "resourceVersion": version}
        return self.add(resource, {**body, "metadata": metadata})

    async def create(self, resource, namespace, body):
        self.applied.append(dict(body))
        return self.add(resource, dict(body))

    async def delete(self, resource, namespace, name, *, uid=None, **_):
        del self.objects[resource.plural, namespace, name]
        self.deleted.append((name, uid))

    async def exec(self, namespace, pod, command, *, container, stdin=False, tty=False):
        assert container == "recorder"
        self.executed.append(list(command))
        session = FakeExec(*self.answers.pop(0))
        self.sessions.append(session)
        return session

    async def logs(self, namespace, pod, *, previous=False, **_):
        data = self.previous_log if previous else self.log
        for start in range(0, len(data), 7):
            yield data[start : start + 7]

    async def server_version(self):
        return "v1.36.0-fake"

    async def user_name(self):
        return "ann@example.test"


@dataclass
class Ran:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def cluster(monkeypatch):
    client = FakeClient()

    async def open_client(choice, tell=None):
        client.choice = choice
        return client

    monkeypatch.setattr(options, "open_client", open_client)
    return client


@pytest.fixture
def with_team(cluster):
    cluster.add(AGENT_TEAMS, team())
    cluster.add(PODS, hub())
    return cluster


@pytest.fixture
def kagents(monkeypatch, capsys):
    """Run the command; standard input is a pipe with the given bytes."""

    def run(*arguments: str, stdin: bytes = b"") -> Ran:
        source = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", source)
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


def entries(*items: dict[str, Any]) -> list[tuple[int, bytes]]:
    """Journal entries as chunks of an exec's output, cut in the middle of lines."""
    data = b"".join(json.dumps(item).encode() + b"\n" for item in items)
    return [(1, data[start : start + 11]) for start in range(0, len(data), 11)]


@pytest.fixture
def make():
    """The builders, for tests (conftest cannot be imported)."""
    return SimpleNamespace(team=team, hub=hub, entries=entries, RUNNING=RUNNING, ENDED=ENDED)
