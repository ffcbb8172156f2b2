"""The objects a team owns: names, security, and who is given which secret."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import world
import yaml
from hypothesis import given
from hypothesis import strategies as st
from world import World, simple_spec, team

from kagents_core.api.agents import Resources
from kagents_core.reconcile.children.resources import resources_of
from kagents_core.reconcile.names import NAME_LIMIT, child_name, session_id
from kagents_runner.documents import parse_agent, parse_team

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
SEEDS = Path(__file__).parents[2] / "fixtures" / "seed-manifests"


def pods_of(raw: dict) -> dict[str, dict]:
    plan = World(raw).step()
    pods = [dict(m) for m in plan.apply if m["kind"] == "Pod"]
    return {pod["metadata"]["labels"]["claude.amcheste.io/agent"]: pod for pod in pods}


def seed(name: str) -> dict:
    raw = yaml.safe_load((SEEDS / name).read_text())
    raw["metadata"] |= {"uid": "u-1", "generation": 1}
    raw["status"] = {}
    return raw


def variables(container: dict) -> dict[str, dict]:
    return {entry["name"]: entry for entry in container["env"]}


@given(LABEL, LABEL, st.integers(0, 50))
def test_child_names_are_dns_labels(name: str, part: str, attempt: int) -> None:
    child = child_name(name, "uid", part, attempt)
    assert len(child) <= NAME_LIMIT
    assert child[0].isalnum()
    assert child[-1].isalnum()
    assert child != child_name(name, "other uid", part, attempt)


def test_names_that_would_meet_do_not() -> None:
    assert child_name("a", "u", "b-c") != child_name("a-b", "u", "c")
    assert child_name("a", "u", "b", 0) != child_name("a", "u", "b", 1)


def test_every_container_satisfies_pod_security_restricted() -> None:
    for pod in pods_of(seed("q3-report.yaml")).values():
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"]
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}


def test_only_the_hub_mounts_an_api_token() -> None:
    for name, pod in pods_of(seed("auth-refactor.yaml")).items():
        assert pod["spec"]["automountServiceAccountToken"] is (name == "hub")


def test_git_credentials_reach_prepare_and_nothing_else() -> None:
    for name, pod in pods_of(seed("auth-refactor.yaml")).items():
        holders = [
            container["name"]
            for container in [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]
            if any(mount["name"] == "git-credentials" for mount in container["volumeMounts"])
        ]
        assert holders == (["prepare"] if name == "hub" else [])


def test_in_direct_mode_the_model_key_reaches_the_supervisor_of_a_real_agent_only() -> None:
    raw = seed("auth-refactor.yaml")
    raw["spec"]["auth"]["mode"] = "direct"
    raw["spec"]["teammates"][0]["harness"] = "simulated"
    pods = pods_of(raw)
    agent = variables(pods["lead"]["spec"]["containers"][0])
    assert agent["ANTHROPIC_API_KEY"]["valueFrom"]["secretKeyRef"] == {
        "name": "anthropic-api-key",
        "key": "ANTHROPIC_API_KEY",
    }
    for container in (
        pods["lead"]["spec"]["initContainers"][0],
        pods["backend-api"]["spec"]["containers"][0],
        *pods["hub"]["spec"]["initContainers"],
        *pods["hub"]["spec"]["containers"],
    ):
        assert "ANTHROPIC_API_KEY" not in variables(container)


def test_both_spellings_of_the_oauth_key_are_read() -> None:
    raw = seed("auth-refactor.yaml")
    raw["spec"]["auth"] = {"mode": "direct", "oauthSecret": "login"}
    env = variables(pods_of(raw)["lead"]["spec"]["containers"][0])
    keys = {name: entry["valueFrom"]["secretKeyRef"] for name, entry in env.items() if "valueFrom" in entry}
    assert keys["CLAUDE_CODE_OAUTH_TOKEN"] == {
        "name": "login",
        "key": "CLAUDE_CODE_OAUTH_TOKEN",
        "optional": True,
    }
    assert keys["KAGENTS_OAUTH_TOKEN_ALTERNATE"] == {
        "name": "login",
        "key": "CLAUDE_OAUTH_TOKEN",
        "optional": True,
    }


def test_inputs_are_mounted_where_the_prompt_says() -> None:
    pod = pods_of(seed("q3-report.yaml"))["researcher"]
    mounts = {mount["mountPath"]: mount for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert mounts["/workspace/data"]["readOnly"]
    assert "/workspace/output" in mounts
    volume = next(v for v in pod["spec"]["volumes"] if v["name"] == mounts["/workspace/data"]["name"])
    assert volume["configMap"]["name"] == "quarterly-data"


def test_a_secret_that_is_an_input_is_files_of_the_agents_and_of_nothing_else() -> None:
    manifest = seed("q3-report.yaml")
    manifest["spec"]["workspace"]["inputs"].append({"secret": "ledger", "mountPath": "/workspace/ledger"})
    for agent, pod in pods_of(manifest).items():
        volumes = {each["name"]: each["secret"] for each in pod["spec"]["volumes"] if "secret" in each}
        holding = [name for name, secret in volumes.items() if secret["secretName"] == "ledger"]
        mounts = [
            (container["name"], mount["mountPath"], mount["readOnly"])
            for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"])
            for mount in container["volumeMounts"]
            if mount["name"] in holding
        ]
        assert mounts == ([] if agent == "hub" else [("agent", "/workspace/ledger", True)]), agent
        assert [volumes[name]["defaultMode"] for name in holding] == [0o440] * len(holding)


def test_the_documents_say_who_is_who() -> None:
    pod = pods_of(seed("q3-report.yaml"))["researcher"]
    env = variables(pod["spec"]["containers"][0])
    known = json.loads(env["KAGENTS_TEAM"]["value"])
    assert [agent["name"] for agent in known["agents"]] == ["lead", "researcher", "email-drafter"]
    assert known["agents"][2]["gate"] == "spawn-email-drafter"
    assert known["mode"] == "cowork"
    own = json.loads(env["KAGENTS_AGENT"]["value"])
    assert own["sessionId"] == session_id("u-1", "researcher")


def test_an_agent_is_told_the_team_s_instructions_and_then_its_own() -> None:
    manifest = seed("q3-report.yaml")
    manifest["spec"]["instructions"] = "Say please.\n\n"
    manifest["spec"]["teammates"][0]["instructions"] = "Count twice."
    made = pods_of(manifest)

    def told(who: str) -> str:
        [container] = made[who]["spec"]["containers"]
        return str(json.loads(variables(container)["KAGENTS_AGENT"]["value"])["instructions"])

    assert told("researcher") == "Say please.\n\nCount twice.\n"
    assert told("lead") == "Say please.\n"


def test_a_command_s_secrets_are_files_of_its_agent_s_container_alone() -> None:
    secret = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "pass"}}}
    more = {"configMapKeyRef": {"name": "cm", "key": "host", "optional": True}}
    env = [secret, {"name": "DB_HOST", "valueFrom": more}, {"name": "DB_PORT", "value": "5432"}]
    server = {"name": "db", "command": "db-mcp", "args": ["--ro"], "env": env}
    spec = simple_spec({"name": "a", "harness": "claude-code", "mcpServers": [server]})
    pods = pods_of(team(spec | {"auth": {"apiKeySecret": "key"}}))
    [first], [main] = pods["a"]["spec"]["initContainers"], pods["a"]["spec"]["containers"]
    told = json.loads(variables(main)["KAGENTS_AGENT"]["value"])["mcpServers"]
    shown = {"name": "db", "type": "stdio", "command": "db-mcp", "args": ["--ro"], "env": {"DB_PORT": "5432"}}
    assert told == [shown | {"credentials": "/kagents/mcp/db"}]
    (name,) = [each["name"] for each in main["volumeMounts"] if each["mountPath"] == "/kagents/mcp/db"]
    volume = next(each for each in pods["a"]["spec"]["volumes"] if each["name"] == name)
    password = {"name": "db", "items": [{"key": "pass", "path": "DB_PASSWORD"}]}
    host = {"name": "cm", "items": [{"key": "host", "path": "DB_HOST"}], "optional": True}
    assert volume["projected"]["sources"] == [{"secret": password}, {"configMap": host}]
    assert name not in [each["name"] for each in first["volumeMounts"]]
    assert "DB_PASSWORD" not in json.dumps([pods["hub"], pods["lead"]])


def test_the_team_s_plugins_and_its_own_reach_an_agent_that_can_use_them():
    plugins = [{"name": "shared", "source": {"configMap": "c"}}, {"name": "style", "source": {"path": "s"}}]
    pulled = {"oci": "h.io/style:1", "credentialsSecret": "registry"}
    spec = simple_spec(
        {"name": "a", "harness": "claude-code", "plugins": [{"name": "style", "source": pulled}]},
        {"name": "b", "harness": "claude-code"},
        {"name": "c"},
    )
    del spec["workspace"]
    repository = {"url": "https://h/x", "branch": "main"}
    world = World(team(spec | {"plugins": plugins, "repository": repository, "auth": {"apiKeySecret": "k"}}))
    world.settle()
    pods = {name: pod for name in ("a", "b", "c") for pod in world.live(name)}
    told = {
        name: json.loads(variables(pod["spec"]["containers"][0])["KAGENTS_AGENT"]["value"])["plugins"]
        for name, pod in pods.items()
    }
    shared = {"name": "shared", "dir": "/kagents/plugins/shared"}
    place = {"dir": "/kagents-skills/.plugins/style", "credentials": "/registry-credentials/.plugins/style"}
    assert told["a"] == [shared, {"name": "style", "oci": "h.io/style:1"} | place]
    assert told["b"] == [shared, {"name": "style", "path": "s"}]
    assert told["c"] == []
    [await_], [main] = pods["a"]["spec"]["initContainers"], pods["a"]["spec"]["containers"]
    pulling = {mount["mountPath"]: mount.get("readOnly", False) for mount in await_["volumeMounts"]}
    working = {mount["mountPath"]: mount.get("readOnly", False) for mount in main["volumeMounts"]}
    assert pulling["/kagents-skills"] is False and pulling[place["credentials"]] is True
    assert working["/kagents-skills"] is True and working[shared["dir"]] is True
    assert place["credentials"] not in working
    names = [volume["name"] for volume in pods["a"]["spec"]["volumes"]]
    assert len(names) == len(set(names))
    assert "registry" not in json.dumps([pods["b"], pods["c"]])


def test_only_the_container_that_pulls_a_skill_has_the_registry_s_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(world, "SETTINGS", replace(world.SETTINGS, registry_networks=("10.0.0.0/8",)))
    source = {"oci": "registry.example.com/team/pdf:1", "credentialsSecret": "pull"}
    skills = [{"name": "pdf", "source": source}, {"name": "cm", "source": {"configMap": "c"}}]
    spec = simple_spec({"name": "a", "harness": "claude-code", "skills": skills}, {"name": "b"})
    pods = pods_of(team(spec | {"auth": {"apiKeySecret": "key"}}))
    [first], [main] = pods["a"]["spec"]["initContainers"], pods["a"]["spec"]["containers"]
    pulling = {each["mountPath"]: each.get("readOnly", False) for each in first["volumeMounts"]}
    assert pulling["/kagents-skills"] is False and pulling["/registry-credentials/pdf"] is True
    working = {each["mountPath"]: each.get("readOnly", False) for each in main["volumeMounts"]}
    assert working["/kagents-skills"] is True and "/registry-credentials/pdf" not in working
    assert variables(first)["KAGENTS_REGISTRY_NETWORKS"]["value"] == "10.0.0.0/8"
    told = json.loads(variables(main)["KAGENTS_AGENT"]["value"])["skills"]
    place = {"dir": "/kagents-skills/pdf", "credentials": "/registry-credentials/pdf"}
    assert told[0] == {"name": "pdf", "oci": "registry.example.com/team/pdf:1", **place}
    assert told[1] == {"name": "cm", "dir": "/kagents/skills/cm"}
    assert "kagents-skills" not in json.dumps([pods["b"], pods["hub"]])


def test_one_node_when_the_volume_can_be_attached_once() -> None:
    spec = simple_spec({"name": "a"}) | {"storage": {"accessMode": "ReadWriteOnce"}}
    for pod in pods_of(team(spec)).values():
        terms = pod["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert terms[0]["topologyKey"] == "kubernetes.io/hostname"


def test_a_long_prompt_stands_once_in_full() -> None:
    spec = simple_spec({"name": "a", "prompt": "x" * 30_000})
    env = variables(pods_of(team(spec))["a"]["spec"]["containers"][0])
    assert len(env["KAGENTS_TEAM"]["value"]) < 5_000
    assert json.loads(env["KAGENTS_AGENT"]["value"])["prompt"] == "x" * 30_000


def test_who_only_waits_is_told_no_prompts() -> None:
    spec = simple_spec({"name": "a", "prompt": "x" * 30_000}, {"name": "b", "prompt": "y" * 30_000})
    spec["instructions"] = "z" * 9_000
    pod = pods_of(team(spec))["a"]
    [waiting] = [each for each in pod["spec"]["initContainers"] if each["name"] == "await"]
    env = variables(waiting)
    assert sum(len(each.get("value", "")) for each in env.values()) < 2_000
    known, own = parse_team(env["KAGENTS_TEAM"]["value"]), parse_agent(env["KAGENTS_AGENT"]["value"])
    assert [entry.name for entry in known.agents if entry.role == "teammate"] == ["a", "b"]
    assert own.name == "a"


def test_a_dollar_in_a_prompt_is_not_expanded_by_kubernetes() -> None:
    spec = simple_spec({"name": "a", "prompt": "pay $(HOME) $$ now"})
    value = variables(pods_of(team(spec))["a"]["spec"]["containers"][0])["KAGENTS_AGENT"]["value"]
    assert "$$(HOME)" in value
    assert json.loads(value.replace("$$", "$"))["prompt"] == "pay $(HOME) $$ now"


def mounts_of(container: dict) -> dict[str, dict]:
    return {mount["mountPath"]: mount for mount in container["volumeMounts"] if mount["name"] == "team"}


def test_only_kagents_own_programs_see_the_whole_volume() -> None:
    """The kubelet makes subPaths as root: what runs no agent's code makes them before one is mounted."""
    raw = seed("auth-refactor.yaml")
    raw["spec"]["lead"]["image"] = "somebody/else:1"
    raw["spec"]["harness"] = "simulated"
    pods = pods_of(raw)
    for name, pod in pods.items():
        [first], [main] = pod["spec"]["initContainers"], pod["spec"]["containers"]
        assert first["image"] == "kagents-runner:test"
        assert {path: mount.get("subPath") for path, mount in mounts_of(first).items()} == {"/kagents": None}
        assert mounts_of(first)["/kagents"].get("readOnly", False) is (name != "hub")
        home = "home" if name == "hub" else f"home/{name}"
        seen = {path: mount["subPath"] for path, mount in mounts_of(main).items()}
        assert seen == {"/kagents/team": "team", "/kagents/home": home, "/kagents/work": "work"}


def amounts(requests: dict[str, str], limits: dict[str, str]) -> Resources:
    return Resources(requests=requests, limits=limits)


def test_every_container_has_the_default_requests_and_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    agents, hubs = amounts({"cpu": "1"}, {"memory": "1Gi"}), amounts({"cpu": "2"}, {"memory": "2Gi"})
    settings = replace(world.SETTINGS, agent_resources=agents, hub_resources=hubs)
    monkeypatch.setattr(world, "SETTINGS", settings)
    pods = pods_of(seed("q3-report.yaml"))
    assert len(pods) > 1
    for name, pod in pods.items():
        hub = name == "hub"
        for container in [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]:
            assert container["resources"] == (hubs if hub else agents).model_dump()


def test_what_a_team_says_of_a_resource_replaces_the_default_of_it() -> None:
    default = amounts({"cpu": "1", "memory": "1Gi"}, {"cpu": "2", "memory": "2Gi"})
    assert resources_of(None, default) == default
    assert resources_of(amounts({"memory": "8Gi"}, {}), default) == amounts(
        {"cpu": "1", "memory": "8Gi"}, {"cpu": "2"}
    ), "the default limit would be less than the request"
    assert resources_of(amounts({}, {"nvidia.com/gpu": "1"}), default).limits == {
        "cpu": "2",
        "memory": "2Gi",
        "nvidia.com/gpu": "1",
    }


def with_setup() -> dict:
    raw = seed("auth-refactor.yaml")
    raw["spec"]["repository"]["setupCommand"] = ["make", "deps"]
    return raw


def test_the_setup_command_runs_where_no_credential_is() -> None:
    spec = pods_of(with_setup())["hub"]["spec"]
    prepare, setup = spec["initContainers"]
    assert (prepare["name"], setup["name"]) == ("prepare", "setup")
    mounts = {mount["mountPath"]: mount for mount in setup["volumeMounts"]}
    token = mounts.pop("/var/run/secrets/kubernetes.io/serviceaccount")
    [volume] = [volume for volume in spec["volumes"] if volume["name"] == token["name"]]
    assert volume == {"name": token["name"], "emptyDir": {}}, "the token's place is taken by an empty folder"
    assert {path: mount.get("subPath") for path, mount in mounts.items()} == {
        "/kagents/team": "team",
        "/kagents/work": "work",
        "/tmp": None,
    }
    assert set(variables(setup)) == {"KAGENTS_TEAM_DIR", "KAGENTS_WORK_DIR", "KAGENTS_TEAM"}


def test_without_a_setup_command_there_is_no_such_container() -> None:
    spec = pods_of(seed("auth-refactor.yaml"))["hub"]["spec"]
    assert [each["name"] for each in spec["initContainers"]] == ["prepare"]


def with_access(access: str, **lifecycle: str) -> dict:
    raw = with_setup()
    raw["spec"]["repository"]["agentAccess"] = access
    raw["spec"]["lifecycle"] |= lifecycle
    return raw


def test_the_git_proxy_has_the_credential_and_nothing_of_an_agent() -> None:
    pods = pods_of(with_access("push", gitCredentialsSecret="git-push"))
    spec = pods["hub"]["spec"]
    recorder, gateway, proxy = spec["containers"]
    assert (recorder["name"], gateway["name"], proxy["name"]) == ("recorder", "gateway", "git")
    assert proxy["ports"] == [{"name": "git", "containerPort": 8418, "protocol": "TCP"}]
    mounts = {mount["mountPath"]: mount for mount in proxy["volumeMounts"]}
    assert {path: mount.get("subPath") for path, mount in mounts.items() if mount["name"] == "team"} == {
        "/kagents/finish": "finish",
        "/kagents/team/git": "team/git",
    }
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert len(volumes) == len(spec["volumes"])
    token = mounts["/var/run/secrets/kubernetes.io/serviceaccount"]
    assert volumes[token["name"]] == {"name": token["name"], "emptyDir": {}}
    secret = mounts[variables(proxy)["KAGENTS_GIT_CREDENTIALS_DIR"]["value"]]
    assert volumes[secret["name"]]["secret"]["secretName"] == "git-push"
    others = [
        each
        for each in [*spec["initContainers"], recorder, gateway]
        if secret["name"] in [mount["name"] for mount in each["volumeMounts"]]
    ]
    assert others == []
    assert "git-push" not in json.dumps([pod for name, pod in pods.items() if name != "hub"])
    over = variables(proxy)["KAGENTS_OVER_DIR"]
    assert over == variables(recorder)["KAGENTS_OVER_DIR"]
    assert over["value"] in {mount["mountPath"] for mount in recorder["volumeMounts"]}


def test_a_team_that_only_fetches_does_so_with_the_clone_s_credential() -> None:
    spec = pods_of(with_access("fetch", gitCredentialsSecret="git-push"))["hub"]["spec"]
    assert "git-push" not in json.dumps(spec)


def test_without_access_there_is_no_proxy() -> None:
    raw = with_access("none")
    raw["spec"]["harness"] = "simulated"
    spec = pods_of(raw)["hub"]["spec"]
    assert [each["name"] for each in spec["containers"]] == ["recorder"]
    assert "KAGENTS_OVER_DIR" not in variables(spec["containers"][0])


def test_what_a_repository_may_say_reaches_the_runner() -> None:
    raw = with_setup()
    raw["spec"]["repository"] |= {"depth": 5, "lfs": False, "remotes": [{"name": "up", "url": "https://h/x"}]}
    told = json.loads(variables(pods_of(raw)["hub"]["spec"]["containers"][0])["KAGENTS_TEAM"]["value"])
    assert told["repository"]["setupCommand"] == ["make", "deps"]
    assert told["repository"]["remotes"] == [{"name": "up", "url": "https://h/x"}]
    assert (told["repository"]["depth"], told["repository"]["lfs"]) == (5, False)


@pytest.mark.parametrize(
    ("own", "installed", "endpoint", "secret"),
    [
        (None, ("", ""), None, None),
        (None, ("http://c:4318", "h"), "http://c:4318", "h"),
        ({"enabled": False}, ("http://c:4318", "h"), None, None),
        ({"headersSecret": "own"}, ("http://c:4318", "h"), "http://c:4318", "own"),
        ({"endpoint": "https://mine"}, ("http://c:4318", "h"), "https://mine", None),
        ({"endpoint": "https://mine", "headersSecret": "own"}, ("", ""), "https://mine", "own"),
        ({"headersSecret": "own"}, ("", ""), None, None),
    ],
)
def test_the_recorder_alone_knows_where_traces_go(
    own: dict | None,
    installed: tuple[str, str],
    endpoint: str | None,
    secret: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = simple_spec({"name": "a"}) | ({"observability": {"tracing": own}} if own else {})
    settings = replace(world.SETTINGS, tracing_endpoint=installed[0], tracing_headers_secret=installed[1])
    monkeypatch.setattr(world, "SETTINGS", settings)
    hub = pods_of(team(spec))["hub"]
    told = variables(hub["spec"]["containers"][0])
    assert told.get("KAGENTS_TRACING_ENDPOINT", {}).get("value") == endpoint
    mounted = [each["secret"] for each in hub["spec"]["volumes"] if each["name"] == "tracing-headers"]
    assert [(each["secretName"], each["optional"]) for each in mounted] == (
        [(secret, True)] if secret else []
    )
    assert ("KAGENTS_TRACING_HEADERS_DIR" in told) is (secret is not None)
    for container in [*hub["spec"]["initContainers"], *hub["spec"]["containers"][1:]]:
        assert "KAGENTS_TRACING_ENDPOINT" not in variables(container)
        assert not any(mount["name"] == "tracing-headers" for mount in container["volumeMounts"])
