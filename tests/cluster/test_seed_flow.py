"""The described system's first pages, followed by hand on a real cluster, with simulated agents."""

from collections.abc import Callable

from testcluster.commands import Kubectl
from testcluster.team import Team, seed
from testcluster.waiting import until


def test_the_seed_flow(kubectl: Kubectl, namespace: str, team: Callable[..., Team]) -> None:
    here = kubectl.within(namespace)
    here("create", "secret", "generic", "anthropic-api-key", "--from-literal=ANTHROPIC_API_KEY=sk-ant-test")
    here("create", "configmap", "quarterly-data", "--from-literal=sales.csv=a,b")
    running = team(seed("q3-report.yaml"))
    until(lambda: running.phase() == "Running", 90, explain=running.explain)
    path = "jsonpath={.status.teammates[?(@.name=='email-drafter')].pendingApproval}"
    assert here("get", "agentteam", "q3-report", "-o", path) == "spawn-email-drafter"
    header, row = here("get", "agentteams").splitlines()
    assert header.split() == ["NAME", "PHASE", "READY", "TASKS", "DONE", "COST", "AGE"]
    assert row.split()[:3] == ["q3-report", "Running", running.status()["ready"]]
    running.approve("spawn-email-drafter")
    running.wait_phase("Completed", seconds=120)
    told = here("describe", "agentteam", "q3-report")
    for reason in ("Initializing", "ApprovalNeeded", "Approved", "Running", "AgentCompleted", "Completed"):
        assert reason in told, told
    hub = running.pod("hub")
    until(lambda: here("get", "pod", hub, "-o", "jsonpath={.status.phase}") == "Succeeded", 60)
    assert running.status()["activity"], "the recorder wrote its part of the status from inside the hub's pod"
    here("delete", "agentteam", "q3-report")
    until(lambda: not here.list("pods") and not here.list("pvc"), 60, explain=lambda: here("get", "pods,pvc"))
