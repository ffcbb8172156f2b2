"""The described coding team's work reaches the people who asked for it: merged, pushed, one pull request."""

from collections.abc import Callable

from testcluster.commands import Kubectl
from testcluster.services import Forge
from testcluster.team import Team, seed

TOKEN = "forge-token-canary-5d1b"
BRANCH = "kagents/auth-refactor"
PASSING = {"state": "passing", "passing": 1, "failing": 0, "pending": 0}


def secrets(here: Kubectl) -> None:
    """As the sample names them."""
    here("create", "secret", "generic", "anthropic-api-key", "--from-literal=ANTHROPIC_API_KEY=sk-ant-test")
    here("create", "secret", "generic", "git-credentials", f"--from-literal=token={TOKEN}")


def nothing_tells_the_token(here: Kubectl) -> None:
    for kind in ("pods", "agentteams", "events"):
        assert TOKEN not in here("get", kind, "-o", "yaml")
    for pod in here.list("pods", "-l", "app.kubernetes.io/name=kagents"):
        assert TOKEN not in here("logs", pod["metadata"]["name"], "--all-containers")


def test_the_sample_ends_in_one_pull_request(
    kubectl: Kubectl, namespace: str, forge: Forge, team: Callable[..., Team]
) -> None:
    here = kubectl.within(namespace)
    secrets(here)
    repository = {"url": forge.repository, "branch": "main", "credentialsSecret": "git-credentials"}
    running = team(seed("auth-refactor.yaml", repository=repository))
    running.wait_phase("Completed", seconds=240)
    told = forge.report()
    [made] = told["requests"]
    assert told["complaints"] == []
    assert made["title"] == "feat(auth): migrate from JWT to OAuth2"
    assert (made["head"]["ref"], made["base"]["ref"]) == (BRANCH, "main")
    status = running.status()
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open", "checks": PASSING}
    authors = {each.partition(":")[0] for each in forge.subjects(BRANCH)}
    assert {"backend-api (kagents)", "test-coverage (kagents)"} <= authors
    for pod in running.pods():
        mounted = {each["name"] for each in pod["spec"]["volumes"] if "secret" in each}
        agent = pod["metadata"]["labels"]["claude.amcheste.io/agent"]
        assert "git-credentials" not in mounted or agent in {"hub", "finish"}
    nothing_tells_the_token(here)


def test_a_refused_token_waits_for_a_person_and_the_checks_are_waited_for(
    kubectl: Kubectl, namespace: str, forge: Forge, team: Callable[..., Team]
) -> None:
    here = kubectl.within(namespace)
    secrets(here)
    here("create", "secret", "generic", "forge-token", "--from-literal=GITHUB_TOKEN=expired")
    repository = {"url": forge.repository, "branch": "main", "credentialsSecret": "git-credentials"}
    lifecycle = {"onComplete": "create-pr", "githubTokenSecret": "forge-token"}
    lifecycle |= {"pullRequest": {"waitForChecks": "5m"}}
    running = team(seed("auth-refactor.yaml", repository=repository, lifecycle=lifecycle))
    running.wait_condition("Delivered", "NeedsAttention", "401", seconds=240)
    assert forge.report()["requests"] == []
    here("delete", "secret", "forge-token")
    here("create", "secret", "generic", "forge-token", f"--from-literal=GITHUB_TOKEN={TOKEN}")
    here("annotate", "agentteam", "auth-refactor", "claude.amcheste.io/retry-finish=once")
    running.wait_phase("Completed", seconds=120)
    [made] = forge.report()["requests"]
    status = running.status()
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open", "checks": PASSING}
    statuses = here.get("pod", running.pod("finish"))["status"]
    ended = [*statuses["initContainerStatuses"], *statuses["containerStatuses"]]
    codes = {each["name"]: each["state"]["terminated"]["exitCode"] for each in ended}
    assert codes == {"merge": 0, "finish": 0, "checks": 0}
