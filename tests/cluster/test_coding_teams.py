"""Coding teams on a repository that is served in the cluster: simulated agents, and the real CLI."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from testcluster.cluster import HOME, Cluster
from testcluster.commands import REPOSITORY, Kubectl, Object, run
from testcluster.services import Forge, serve
from testcluster.team import Team, simulated
from testcluster.waiting import until

TOKEN = "forge-token-canary-5d1b"
PASSING = {"state": "passing", "passing": 1, "failing": 0, "pending": 0}
KEY = "sk-ant-api03-" + "k" * 60 + "0123456789abcdefghij"
MODEL_SOURCES = REPOSITORY / "tests" / "claude" / "scripted_model"
SAMPLE = REPOSITORY / "tests" / "fixtures" / "seed-manifests" / "auth-refactor.yaml"


def serve_model(cluster: Cluster, here: Kubectl) -> tuple[str, list[Object]]:
    """Start the scripted model; where it is, and what makes agents ask for a model that it knows."""
    files = {f"scripted_model/{path.name}": path.read_text() for path in MODEL_SOURCES.glob("*.py")}
    files["sample_script.py"] = (MODEL_SOURCES.parent / "sample_script.py").read_text()
    files["serve.py"] = (Path(__file__).parent / "testcluster" / "model_in_a_pod.py").read_text()
    url = serve(cluster, here, "model", ["python3", "/model/serve.py"], files)
    variables = {"CLAUDE_CODE_MAX_RETRIES": "1"}
    variables |= {f"ANTHROPIC_DEFAULT_{alias}_MODEL": "claude-sonnet-4-6" for alias in ("OPUS", "SONNET")}
    return url, [{"name": name, "value": value} for name, value in variables.items()]


def log(cluster: Cluster, team: Team, branch: str) -> str:
    """Subjects of a branch in the team's clone, read on the node."""
    if cluster.provisioner is None:
        pytest.skip("the team's volume is not on this machine")
    clone = team.volume(HOME / "volumes") / "work" / "repo"
    return run(["git", "-c", f"safe.directory={clone}", "-C", str(clone), "log", "--format=%s", branch])


def test_simulated_agents_on_a_served_repository(
    cluster: Cluster, repository: str, team: Callable[..., Team]
) -> None:
    agents = {
        "lead": [{"wait": {"mail_from": "builder"}}, {"dismiss": "builder"}, {"finish": "shop built"}],
        "builder": [
            {"work": {"seconds": 1, "write": {"shop.txt": "shop"}}},
            {"send": {"to": "lead", "text": "builder is done"}},
        ],
    }
    running = team(simulated("shop", agents, repository={"url": repository, "branch": "main"}))
    running.wait_phase("Completed", seconds=120)
    assert len(log(cluster, running, "kagents/shop/builder").splitlines()) >= 2
    until(lambda: running.status().get("result") == "shop built", 30, explain=running.explain)


def test_the_real_cli_in_real_pods(
    cluster: Cluster, kubectl: Kubectl, namespace: str, forge: Forge, team: Callable[..., Team]
) -> None:
    here = kubectl.within(namespace)
    url, env = serve_model(cluster, here)
    here("create", "secret", "generic", "anthropic-api-key", f"--from-literal=ANTHROPIC_API_KEY={KEY}")
    here("create", "secret", "generic", "git", f"--from-literal=token={TOKEN}")
    agent = {"model": "claude-sonnet-4-6", "env": env}
    manifest = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": "shop"},
        "spec": {
            "repository": {"url": forge.repository, "branch": "main", "credentialsSecret": "git"},
            "auth": {"apiKeySecret": "anthropic-api-key", "baseUrl": url},
            "lead": {**agent, "prompt": "Begin the work."},
            "teammates": [{**agent, "name": "builder", "prompt": "Wait for a task."}],
            "lifecycle": {"timeout": "10m", "onComplete": "create-pr"},
        },
    }
    running = team(manifest)
    running.wait_phase("Completed", seconds=240)
    assert "Build the shop" in log(cluster, running, "kagents/shop/builder")
    until(lambda: running.status().get("result") == "shop built", 30, explain=running.explain)
    status = running.status()
    usage = status["usage"]
    assert (usage["estimated"], usage["outputTokens"]) == (False, 20 * usage["requests"])
    assert status["tasks"]["completed"] == 1
    assert status["lead"]["restartCount"] == 0
    pods = Counter(pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in running.pods())
    assert pods == {"hub": 1, "lead": 1, "builder": 1, "finish": 1}
    [made] = forge.report()["requests"]
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open", "checks": PASSING}
    assert "builder (kagents): Build the shop" in forge.subjects("kagents/shop")
    for kind in ("pods", "agentteams", "events"):
        told = here("get", kind, "-o", "yaml")
        assert KEY not in told and TOKEN not in told


def test_the_sample_with_the_real_cli_waits_for_its_dependency_and_sees_no_token(
    cluster: Cluster, kubectl: Kubectl, namespace: str, forge: Forge, team: Callable[..., Team]
) -> None:
    here = kubectl.within(namespace)
    manifest: Object = yaml.safe_load(SAMPLE.read_text())
    manifest["spec"]["repository"]["url"] = forge.repository
    url, env = serve_model(cluster, here)
    manifest["spec"]["auth"]["baseUrl"] = url
    for agent in (manifest["spec"]["lead"], *manifest["spec"]["teammates"]):
        agent["env"] = env
    here("create", "secret", "generic", "anthropic-api-key", f"--from-literal=ANTHROPIC_API_KEY={KEY}")
    here("create", "secret", "generic", "git-credentials", f"--from-literal=token={TOKEN}")
    running = team(manifest)

    def works() -> bool:
        mates = {each["name"]: each["phase"] for each in running.status().get("teammates", ())}
        return mates.get("test-coverage") == "Running"

    until(works, 180, explain=running.explain)
    [first] = running.pods("backend-api")
    assert first["status"]["phase"] == "Succeeded", "the second starts when the first has ended"
    for name in ("lead", "test-coverage"):
        told, files = seen_by(here, running.pod(name), "OAuth2", TOKEN, KEY)
        assert "ANTHROPIC_BASE_URL" in told and TOKEN not in told and KEY not in told
        assert files[0] and files[1:] == ["", ""], "its prompt is found in its files, and no credential"
    here("exec", running.pod("test-coverage"), "-c", "agent", "--", "touch", "/tmp/looked-at")
    running.wait_phase("Completed", seconds=240)

    [made] = forge.report()["requests"]
    assert forge.report()["complaints"] == []
    assert (made["title"], made["base"]["ref"]) == ("feat(auth): migrate from JWT to OAuth2", "main")
    status = running.status()
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open", "checks": PASSING}
    delivered = forge.subjects("kagents/auth-refactor")
    assert {"backend-api (kagents): Add OAuth2", "test-coverage (kagents): Cover OAuth2"} <= set(delivered)
    logs = [here("logs", pod["metadata"]["name"], "--all-containers") for pod in running.pods()]
    for told in (here("get", "pods,agentteams,events", "-o", "yaml"), json.dumps(forge.report()), *logs):
        assert KEY not in told and TOKEN not in told


def seen_by(here: Kubectl, pod: str, *words: str) -> tuple[str, list[str]]:
    """What a process of the agent's container may read: variables and arguments of all, and for each word
    the files that hold it, wherever the container may write or something is mounted.
    """
    inside = ("exec", "-i", pod, "-c", "agent", "--", "sh", "-c")
    told = here(*inside, "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'")
    places = "/kagents /kagents-skills /tmp /var/run /run /home /etc"
    search = f"grep -rlF -s -D skip -f - {places}; true"
    return told, [here(*inside, search, text=word + "\n") for word in words]


def test_agents_reach_the_repository_through_the_hub(
    cluster: Cluster, kubectl: Kubectl, namespace: str, forge: Forge, team: Callable[..., Team]
) -> None:
    here = kubectl.within(namespace)
    here("create", "secret", "generic", "git", f"--from-literal=token={TOKEN}")
    repository = {
        "url": forge.repository,
        "branch": "main",
        "credentialsSecret": "git",
        "agentAccess": "push",
    }
    agents = {
        "lead": [
            {"wait": {"mail_from": "builder"}},
            {"fetch": "all"},
            {"dismiss": "builder"},
            {"finish": "x"},
        ],
        "builder": [
            {"work": {"seconds": 0, "write": {"shop.txt": "shop"}}},
            {"push": "own"},
            {"push": "main"},
            {"send": {"to": "lead", "text": "builder is done"}},
        ],
    }
    lifecycle = {"timeout": "10m", "onComplete": "push-branch"}
    running = team(simulated("reaching", agents, repository=repository, lifecycle=lifecycle))
    running.wait_phase("Completed", seconds=180)
    builder, hub = running.pod("builder"), running.pod("hub")
    said = here("logs", builder, "-c", "agent")
    assert "pushed kagents/reaching/builder" in said, here("logs", hub, "-c", "git")
    assert "main is not yours; you may push kagents/reaching/builder" in said
    assert "fetched" in here("logs", running.pod("lead"), "-c", "agent")
    assert forge.subjects("kagents/reaching/builder")
    assert running.status()["branch"] == "kagents/reaching/finish"
    until(lambda: (here.get("pod", hub) or {})["status"]["phase"] == "Succeeded", 60, explain=running.explain)
    assert TOKEN not in here("logs", hub, "-c", "git") + said + here("get", "pods,events", "-o", "yaml")
