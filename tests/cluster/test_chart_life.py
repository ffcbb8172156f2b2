"""Uninstall with a team at work, reinstall: no restart, no approval lost (upgrades: test_upgrade.py)."""

from collections.abc import Callable

from testcluster.cluster import SYSTEM
from testcluster.commands import Helm, Kubectl
from testcluster.team import Team, simulated
from testcluster.waiting import until

CRDS = ("agentteams", "agentteamtemplates", "agentteamruns", "agentbudgets", "agentusages")


def running_pods(team: Team) -> dict[str, int]:
    """UID and restarts of every pod."""
    return {
        pod["metadata"]["uid"]: sum(each["restartCount"] for each in pod["status"]["containerStatuses"])
        for pod in team.pods()
        if pod["status"]["phase"] == "Running"
    }


def test_the_life_of_a_release(
    kubectl: Kubectl,
    helm: Helm,
    install: Callable[..., None],
    namespace: str,
    team: Callable[..., Team],
) -> None:
    gates = {"approvalGates": [{"event": "spawn-b"}]}
    long = [{"wait": {"seconds": 3600}}]
    running = team(simulated("at-work", dict.fromkeys(("lead", "a", "b"), long), lifecycle=gates))
    until(lambda: len(running_pods(running)) == 3, 60, explain=running.explain)
    before = running_pods(running)

    helm("uninstall", "kagents", "--namespace", SYSTEM, "--wait")
    until(lambda: not kubectl.within(SYSTEM).list("pods"), 60)
    for name in CRDS:
        assert kubectl.get("crd", f"{name}.claude.amcheste.io")
    assert running.phase() == "Running"
    assert running_pods(running) == before
    running.approve("spawn-b")

    install()
    until(lambda: running.pods("b"), 60, explain=running.explain)
    until(lambda: len(running_pods(running)) == 4, 60, explain=running.explain)
    assert before.items() <= running_pods(running).items()
    running.kubectl("delete", "agentteam", "at-work")


def test_some_namespaces_only(
    install: Callable[..., None], kubectl: Kubectl, namespace: str, team: Callable[..., Team]
) -> None:
    install(f"namespaces={{{namespace}}}")
    try:
        quick = {"lead": [{"dismiss": "a"}, {"finish": "done"}], "a": [{"say": "here"}]}
        running = team(simulated("inside", quick))
        running.wait_phase("Completed", seconds=120)
        assert running.status()["activity"], "the hub may write the status with the chart's own role"
    finally:
        install()
