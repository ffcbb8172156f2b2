"""Faults on the real cluster: the same end as without them, no second pod, no message lost or doubled."""

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from testcluster.cluster import SYSTEM, Cluster
from testcluster.commands import Kubectl, Object
from testcluster.team import Team, simulated
from testcluster.waiting import until

LEASE = "kagents-controller"
GATE = {"approvalGates": [{"event": "spawn-b"}]}


@pytest.fixture(autouse=True)
def _own_cluster(cluster: Cluster) -> None:
    if not cluster.own:
        pytest.skip("faults are made only on the test's own cluster")


def holder(kubectl: Kubectl) -> str:
    """The pod that leads."""
    lease = kubectl.within(SYSTEM).get("lease", LEASE) or {"spec": {}}
    return str(lease["spec"].get("holderIdentity") or "").partition("_")[0]


def controllers(kubectl: Kubectl) -> list[Object]:
    """Controllers that are ready."""
    pods = kubectl.within(SYSTEM).list("pods", "-l", "app.kubernetes.io/name=kagents-controller")
    return [
        pod
        for pod in pods
        if any(each["ready"] for each in pod.get("status", {}).get("containerStatuses") or ())
        and not pod["metadata"].get("deletionTimestamp")
    ]


def chatting(rounds: int) -> list[Object]:
    """A teammate that writes to the lead now and then."""
    steps: list[Object] = []
    for number in range(rounds):
        steps += [{"work": {"seconds": 0.5}}, {"send": {"to": "lead", "text": f"message {number}"}}]
    return steps


def one_pod_each(team: Team) -> None:
    """No agent had a second pod."""
    pods = Counter(pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in team.pods())
    assert set(pods.values()) == {1}, pods


def whole_journal(text: list[Object], expected: int) -> None:
    """Numbered without a gap, every message once."""
    assert [entry["seq"] for entry in text] == list(range(1, len(text) + 1))
    sent = [entry for entry in text if entry["kind"] == "message" and entry["text"].startswith("message ")]
    assert len({entry["id"] for entry in sent}) == len(sent)
    assert Counter(entry["text"] for entry in sent) == Counter(f"message {i}" for i in range(expected))


def test_controllers_killed_in_a_busy_minute(
    cluster: Cluster, kubectl: Kubectl, team: Callable[..., Team]
) -> None:
    agents = {
        "lead": [{"wait": {"seconds": 15}}, {"dismiss": "a"}, {"dismiss": "b"}, {"finish": "done"}],
        "a": chatting(4),
        "b": chatting(2),
    }
    teams = []
    for number in range(5):
        manifest = simulated(f"busy-{number}", agents, lifecycle=GATE)
        teams.append(team(manifest))
    chance = random.Random(4)
    for number in range(8):
        if number == 3:
            for each in teams:
                each.approve("spawn-b")
        ready = until(lambda: controllers(kubectl), 60)
        victim = chance.choice(ready)
        time.sleep(chance.uniform(0.0, 3.0))
        cluster.kill_container(victim, "controller")
        # A new pod has no crash back-off, so that the next kill meets a controller that works.
        kubectl.within(SYSTEM)("delete", "pod", victim["metadata"]["name"], "--force", "--wait=false")
    for each in teams:
        each.wait_phase("Completed", seconds=150)
        one_pod_each(each)
        status = each.status()
        assert status["lead"]["restartCount"] == 0
        assert [mate["restartCount"] for mate in status["teammates"]] == [0, 0]


def test_the_leader_dies_and_another_takes_over(
    cluster: Cluster, kubectl: Kubectl, team: Callable[..., Team]
) -> None:
    agents = {name: [{"wait": {"seconds": 600}}] for name in ("lead", "b")}
    running = team(simulated("held", agents, lifecycle=GATE))
    until(lambda: len(controllers(kubectl)) == 2 and holder(kubectl), 60)
    running.wait_phase("Running")
    leader = holder(kubectl)
    [pod] = [each for each in controllers(kubectl) if each["metadata"]["name"] == leader]
    cluster.kill_container(pod, "controller")
    killed = time.monotonic()
    kubectl.within(SYSTEM)("delete", "pod", leader, "--force", "--wait=false")
    running.approve("spawn-b")
    until(lambda: running.pods("b"), 30, explain=running.explain)
    assert time.monotonic() - killed <= 20
    assert holder(kubectl) != leader
    one_pod_each(running)


def test_the_leader_leaves_and_another_takes_over_at_once(kubectl: Kubectl, chart: None) -> None:
    until(lambda: len(controllers(kubectl)) == 2 and holder(kubectl), 60)
    leader = holder(kubectl)
    kubectl.within(SYSTEM)("delete", "pod", leader, "--wait=false")
    left = time.monotonic()
    until(lambda: holder(kubectl) not in ("", leader), 20)
    assert time.monotonic() - left <= 2.5, "two seconds, and the time of asking"


def test_the_api_server_is_restarted(cluster: Cluster, team: Callable[..., Team]) -> None:
    agents = {
        "lead": [
            {"wait": {"mail_from": "a"}},
            {"wait": {"seconds": 8}},
            {"dismiss": "a"},
            {"dismiss": "b"},
            {"finish": "done"},
        ],
        "a": chatting(12),
        "b": [{"say": "here"}],
    }
    running = team(simulated("cut-off", agents, lifecycle=GATE))
    running.wait_phase("Running")
    cluster.kill("kube-apiserver")
    time.sleep(3.0)
    cluster.start("kube-apiserver")
    until(lambda: cluster.answers(), 60)
    running.approve("spawn-b")
    running.wait_phase("Completed", seconds=120)
    one_pod_each(running)


def test_the_recorder_is_killed(cluster: Cluster, team: Callable[..., Team]) -> None:
    rounds = 16
    agents = {"lead": [{"wait": {"seconds": 600}}], "a": chatting(rounds)}
    running = team(simulated("recorded", agents))
    until(lambda: running.pod("a") and running.phase() == "Running", 60, explain=running.explain)

    def sent() -> int:
        return sum(entry.get("text", "").startswith("message ") for entry in running.journal())

    until(lambda: sent() >= 2, 60)
    [hub] = running.pods("hub")
    cluster.kill_container(hub, "recorder")
    until(lambda: running.pods("hub")[0]["status"]["containerStatuses"][0]["restartCount"] == 1, 60)
    until(lambda: running.pods("hub")[0]["status"]["containerStatuses"][0]["ready"], 60)
    until(lambda: sent() >= rounds, 60, explain=running.explain)
    whole_journal(running.journal(), rounds)
    running.kubectl("delete", "pod", running.pod("hub"), "--force")
    until(
        lambda: running.pods("hub") and running.pods("hub")[0]["metadata"]["uid"] != hub["metadata"]["uid"],
        60,
    )
    until(lambda: running.pods("hub")[-1]["status"]["phase"] == "Running", 60, explain=running.explain)
    whole_journal(running.journal(), rounds)


def test_the_kubelet_stops_with_an_agent_running(cluster: Cluster, team: Callable[..., Team]) -> None:
    # At work: an idle lead that has nobody to wait for would be told to end before the kubelet stops.
    running = team(simulated("alone", {"lead": [{"work": {"seconds": 600}}]}))
    until(lambda: running.status().get("activity"), 60, explain=running.explain)
    cluster.kill("kubelet")
    try:
        running.wait_condition("AgentsHealthy", "NodeNotReporting", "lead", seconds=60)
        one_pod_each(running)
    finally:
        cluster.start("kubelet")
    until(lambda: running.condition("AgentsHealthy").get("status") == "True", 60, explain=running.explain)
    one_pod_each(running)
    assert running.status()["lead"]["restartCount"] == 0
