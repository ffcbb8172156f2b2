"""Install, upgrade with a team at work, uninstall, reinstall: no pod is restarted and no approval lost."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from testcluster.cluster import SYSTEM
from testcluster.commands import CHART, REPOSITORY, Helm, Kubectl
from testcluster.team import Team, simulated
from testcluster.waiting import until

CRDS = ("agentteams", "agentteamtemplates", "agentteamruns", "agentbudgets", "agentusages")


def previous_chart(folder: Path) -> Path:
    """The chart before its last change; the present one where history does not reach back."""
    git = ["git", "-C", str(REPOSITORY)]
    changed = subprocess.run(
        [*git, "log", "--format=%H", "--", "charts/kagents"], capture_output=True, text=True, check=False
    ).stdout.split()
    for commit in changed[1:2]:
        archive = subprocess.run(
            [*git, "archive", commit, "charts/kagents"], capture_output=True, check=False
        )
        if archive.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
                files.extractall(folder, filter="data")
    old = folder / "charts" / "kagents"
    return old if (old / "Chart.yaml").exists() else CHART


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
    tmp_path: Path,
) -> None:
    install(chart=previous_chart(tmp_path))
    gates = {"approvalGates": [{"event": "spawn-b"}, {"event": "spawn-c"}]}
    long = [{"wait": {"seconds": 3600}}]
    running = team(simulated("at-work", dict.fromkeys(("lead", "a", "b", "c"), long), lifecycle=gates))
    until(lambda: len(running_pods(running)) == 3, 60, explain=running.explain)
    before = running_pods(running)

    running.approve("spawn-b")
    install()
    until(lambda: running.pods("b"), 30, explain=running.explain)
    until(lambda: len(running_pods(running)) == 4, 60, explain=running.explain)
    assert before.items() <= running_pods(running).items()
    before = running_pods(running)

    helm("uninstall", "kagents", "--namespace", SYSTEM, "--wait")
    until(lambda: not kubectl.within(SYSTEM).list("pods"), 60)
    for name in CRDS:
        assert kubectl.get("crd", f"{name}.claude.amcheste.io")
    assert running.phase() == "Running"
    assert running_pods(running) == before
    running.approve("spawn-c")

    install()
    until(lambda: running.pods("c"), 60, explain=running.explain)
    until(lambda: len(running_pods(running)) == 5, 60, explain=running.explain)
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
