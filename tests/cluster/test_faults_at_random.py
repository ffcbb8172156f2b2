"""Faults at any moment: kills of the controller, watches that have expired, a volume that is full."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_faults import GATE, chatting, one_pod_each
from testcluster.cluster import HOME, Cluster
from testcluster.controller import outside
from testcluster.expiring import expiring
from testcluster.team import Team, simulated
from testcluster.waiting import until

KILLS = 50
MINUTE = 60.0
EXPIRED = 60.0
QUARTER = [{"wait": {"seconds": 45}}, {"dismiss": "a"}, {"dismiss": "b"}, {"finish": "done"}]


@pytest.fixture(autouse=True)
def _own_cluster(cluster: Cluster) -> None:
    if not cluster.own:
        pytest.skip("faults are made only on the test's own cluster")


def ended_as_without_faults(team: Team) -> None:
    """Completed, with one pod an agent and no agent started twice."""
    one_pod_each(team)
    status = team.status()
    assert status["phase"] == "Completed"
    assert status["lead"]["restartCount"] == 0
    assert [mate["restartCount"] for mate in status["teammates"]] == [0, 0]


def test_fifty_kills_in_a_busy_minute(
    cluster: Cluster, chart: None, team: Callable[..., Team], tmp_path: Path
) -> None:
    chance = random.Random(50)
    moments = sorted(chance.uniform(0.0, MINUTE) for _ in range(KILLS))
    with outside(cluster, tmp_path) as controller:
        teams: list[Team] = []
        began = time.monotonic()
        for number, moment in enumerate(moments):
            if number % 8 == 0:
                agents = {"lead": QUARTER, "a": chatting(4), "b": chatting(2)}
                teams.append(team(simulated(f"busy-{len(teams)}", agents, lifecycle=GATE)))
            if number % 8 == 6:
                teams[-1].approve("spawn-b")
            time.sleep(max(0.0, began + moment - time.monotonic()))
            controller.kill()
            controller.start()
        teams[-1].approve("spawn-b")
        for each in teams:
            each.wait_phase("Completed", seconds=180)
            ended_as_without_faults(each)


def test_every_watch_has_expired_for_a_minute(
    cluster: Cluster, chart: None, team: Callable[..., Team], tmp_path: Path
) -> None:
    with expiring(cluster.kubectl.kubeconfig) as server, outside(cluster, tmp_path, server.url) as controller:
        agents = {"lead": QUARTER, "a": chatting(8), "b": chatting(4)}
        running = team(simulated("expired", agents, lifecycle=GATE))
        until(lambda: running.phase() == "Running", 60, explain=controller.log)
        server.expired = True
        began = time.monotonic()
        running.approve("spawn-b")
        until(lambda: running.pods("b"), 60, explain=controller.log)
        time.sleep(max(0.0, began + EXPIRED - time.monotonic()))
        server.expired = False
        assert server.watches >= 10, "the watches were refused"
        assert server.lists <= 2 * EXPIRED, "a refused watch is not asked for again at once"
        running.wait_phase("Completed", seconds=120)
        ended_as_without_faults(running)


def test_a_full_volume_is_named_as_the_cause(
    cluster: Cluster, namespace: str, team: Callable[..., Team]
) -> None:
    assert cluster.provisioner is not None
    cluster.provisioner.sizes[namespace] = 16
    agents = {"lead": [{"wait": {"seconds": 600}}], "a": chatting(400)}
    running = team(simulated("full", agents, lifecycle={"maxRestarts": 1}))
    until(lambda: running.status().get("activity"), 90, explain=running.explain)
    fill(running.volume(HOME / "volumes") / "filled")
    running.wait_phase("Failed", seconds=180)
    told = [each for each in running.status()["conditions"] if each["reason"] == "VolumeFull"]
    assert told and "volume" in told[0]["message"]


def fill(file: Path) -> None:
    """Write until there is no room."""
    with file.open("wb", buffering=0) as target:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while target.write(b"\0" * size):
                    pass
            except OSError:
                continue
