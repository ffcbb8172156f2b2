"""The described system's first pages, followed by hand on a real cluster, with simulated agents."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from testcluster.commands import Kubectl
from testcluster.team import Team, seed
from testcluster.waiting import until

COLUMNS = ["NAME", "PHASE", "READY", "TASKS", "DONE", "COST", "AGE"]


@contextmanager
def watched(kubectl: Kubectl, file: Path, *arguments: str) -> Iterator[Callable[[], list[str]]]:
    """``kubectl get --watch`` in the background; gives the lines it has printed."""
    command = [kubectl.program, f"--kubeconfig={kubectl.kubeconfig}", "-n", str(kubectl.namespace), "get"]
    with file.open("w") as output:
        watching = subprocess.Popen(
            [*command, "--watch", *arguments], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield lambda: file.read_text().splitlines()
        finally:
            watching.terminate()
            watching.wait(10)


def phases(lines: list[str]) -> list[str]:
    """The phases that the rows of a watch show, each once, in their order."""
    shown = [line.split()[1] for line in lines[1:] if len(line.split()) > 2]
    return list(dict.fromkeys(shown))


def test_the_seed_flow(kubectl: Kubectl, namespace: str, team: Callable[..., Team], tmp_path: Path) -> None:
    here = kubectl.within(namespace)
    with watched(here, tmp_path / "watch", "agentteams") as lines:
        follow(here, team, lines)


def follow(here: Kubectl, team: Callable[..., Team], watch: Callable[[], list[str]]) -> None:
    here("create", "secret", "generic", "anthropic-api-key", "--from-literal=ANTHROPIC_API_KEY=sk-ant-test")
    here("create", "configmap", "quarterly-data", "--from-literal=sales.csv=a,b")
    running = team(seed("q3-report.yaml"))
    until(lambda: running.phase() == "Running", 90, explain=running.explain)
    path = "jsonpath={.status.teammates[?(@.name=='email-drafter')].pendingApproval}"
    assert here("get", "agentteam", "q3-report", "-o", path) == "spawn-email-drafter"
    assert here("get", "agentteams").splitlines()[0].split() == COLUMNS

    def row() -> list[str]:
        return here("get", "agentteams").splitlines()[1].split()[:3]

    until(lambda: row() == ["q3-report", "Running", running.status()["ready"]], 30, explain=running.explain)
    running.approve("spawn-email-drafter")
    running.wait_phase("Completed", seconds=120)
    until(lambda: "Completed" in phases(watch()), 20, explain=watch)
    assert watch()[0].split() == COLUMNS
    assert phases(watch())[-2:] == ["Running", "Completed"]
    assert all(row.split()[0] == "q3-report" for row in watch()[1:])
    assert watch()[-1].split()[2] == running.status()["ready"] == "2/2"
    told = here("describe", "agentteam", "q3-report")
    listed = told.partition("Events:")[2]
    for reason in ("Initializing", "ApprovalNeeded", "Approved", "Running", "AgentCompleted", "Completed"):
        assert reason in listed, told
    assert "spawn-email-drafter" in listed
    assert here("get", "agentteam", "q3-report", "-o", path) == "", "nothing waits any more"
    hub = running.pod("hub")
    until(lambda: here("get", "pod", hub, "-o", "jsonpath={.status.phase}") == "Succeeded", 60)
    assert running.status()["activity"], "the recorder wrote its part of the status from inside the hub's pod"
    here("delete", "agentteam", "q3-report")
    until(lambda: not here.list("pods") and not here.list("pvc"), 60, explain=lambda: here("get", "pods,pvc"))
    assert here.list("agentteams") == []
    assert here.get("secret", "anthropic-api-key"), "what the person made stays"


def test_the_seed_flow_of_a_coding_team(
    kubectl: Kubectl, namespace: str, repository: str, team: Callable[..., Team], tmp_path: Path
) -> None:
    """The other sample, on a real repository; its approval by hand, its worktrees seen from the hub."""
    here = kubectl.within(namespace)
    here("create", "secret", "generic", "anthropic-api-key", "--from-literal=ANTHROPIC_API_KEY=sk-ant-test")
    gate = {"timeout": "1h", "approvalGates": [{"event": "spawn-test-coverage"}]}
    sample = seed("auth-refactor.yaml", repository={"url": repository, "branch": "main"}, lifecycle=gate)
    with watched(here, tmp_path / "watch", "agentteams") as watch:
        running = team(sample)
        path = "jsonpath={.status.teammates[?(@.name=='test-coverage')].pendingApproval}"
        until(
            lambda: here("get", "agentteam", "auth-refactor", "-o", path) == "spawn-test-coverage",
            120,
            explain=running.explain,
        )
        assert {pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in running.pods()} == {
            *("hub", "lead", "backend-api")
        }
        trees = here("exec", running.pod("hub"), "-c", "recorder", "--", "ls", "/kagents/work/worktrees")
        assert set(trees.split()) == {"lead", "backend-api", "test-coverage"}
        running.approve("spawn-test-coverage")
        running.wait_phase("Completed", seconds=150)
        until(lambda: "Completed" in phases(watch()), 20, explain=watch)
    here("delete", "agentteam", "auth-refactor")
    until(lambda: not here.list("pvc") and not running.pods(), 60, explain=lambda: here("get", "pods,pvc"))
