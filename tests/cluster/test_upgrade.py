"""From an earlier release's chart and images to this one's and back, with teams at work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from testcluster.waiting import until

if TYPE_CHECKING:
    from testcluster.cluster import Cluster
    from testcluster.commands import Helm, Kubectl
    from testcluster.earlier import Release
    from testcluster.team import Team

GATES = ("early", "now", "later")
LONG = {"wait": {"seconds": 36000}}
HEARD = {"wait": {"mail_from": "team-lead"}}
NAMES = ("at-work", "asks", "chain", "paused", "over")


@pytest.fixture
def earlier(
    cluster: Cluster, helm: Helm, kubectl: Kubectl, install: Callable[..., None], tmp_path: Path
) -> Iterator[Release]:
    """The earlier release, installed; this one again afterwards."""
    from testcluster.cluster import SYSTEM
    from testcluster.earlier import earlier_release

    release = earlier_release(cluster, tmp_path)
    sets = [f"--set={value}" for value in release.images.values]
    helm("upgrade", "--install", "kagents", str(release.chart), "--namespace", SYSTEM, *sets)
    rolled_out(kubectl)
    try:
        yield release
    finally:
        install()


def rolled_out(kubectl: Kubectl) -> None:
    from testcluster.cluster import SYSTEM

    system = kubectl.within(SYSTEM)
    until(
        lambda: "successfully rolled out" in system("rollout", "status", "deployment", "--timeout=90s"),
        180,
        explain=lambda: system("get", "pods,events"),
    )


def images(kubectl: Kubectl) -> set[str]:
    """What the controllers run."""
    from testcluster.cluster import SYSTEM

    pods = kubectl.within(SYSTEM).list("pods")
    return {each["image"] for pod in pods for each in pod["spec"]["containers"]}


def living(teams: dict[str, Team]) -> dict[str, tuple[str, int, str]]:
    """Every running pod of the teams by its UID: name, restarts, and when its process began."""
    found = {}
    for team in teams.values():
        for pod in team.pods():
            if pod["status"]["phase"] == "Running":
                [main] = pod["status"]["containerStatuses"]
                began = main["state"].get("running", {}).get("startedAt", "")
                found[pod["metadata"]["uid"]] = (pod["metadata"]["name"], main["restartCount"], began)
    return found


def runs(team: Team, who: str) -> bool:
    return [pod["status"]["phase"] for pod in team.pods(who)].count("Running") == 1


def told(team: Team) -> dict[str, Any]:
    """What of its status is the same whoever writes it."""
    status = team.status()
    phases = {mate["name"]: mate["phase"] for mate in status.get("teammates", ())}
    agents = {name: "Running" if phase == "Idle" else phase for name, phase in phases.items()}
    kept = {name: status.get(name) for name in ("phase", "startedAt", "completedAt")}
    return {**kept, "agents": agents}


def mails(team: Team) -> list[str]:
    return [entry["text"] for entry in team.journal() if entry["kind"] == "message"]


def send(team: Team, to: str, text: str) -> None:
    """A person's message, which is in the journal afterwards."""
    command = ("kagents-runner", "send", "--to", to)
    team.kubectl("exec", "-i", team.pod("hub"), "-c", "recorder", "--", *command, text=text)
    until(lambda: text in mails(team), 60, explain=team.explain)


def begin(team: Callable[..., Team]) -> dict[str, Team]:
    """Five teams, each in a state that an upgrade may meet."""
    from testcluster.team import simulated

    gates = {"approvalGates": [{"event": f"spawn-{name}"} for name in GATES]}
    tasks = [HEARD, {"create_task": {"subject": "one"}}, HEARD, {"create_task": {"subject": "two"}}, LONG]
    chain = simulated("chain", {"lead": [LONG], "first": [HEARD, {"shutdown": "done"}], "second": [LONG]})
    chain["spec"]["teammates"][1]["dependsOn"] = ["first"]
    made = {
        "at-work": team(simulated("at-work", {"lead": [LONG], "a": tasks})),
        "asks": team(simulated("asks", {who: [LONG] for who in ("lead", *GATES)}, lifecycle=gates)),
        "chain": team(chain),
        "paused": team(simulated("paused", {"lead": [LONG], "a": [LONG]})),
        "over": team(simulated("over", {"lead": [{"dismiss": "a"}, {"finish": "done"}], "a": [HEARD]})),
    }
    made["over"].wait_phase("Completed", seconds=180)
    for name in NAMES[:-1]:
        made[name].wait_phase("Running", seconds=180)
    made["asks"].approve("spawn-early")
    until(lambda: runs(made["asks"], "early"), 90, explain=made["asks"].explain)
    suspend(made["paused"], True)
    made["paused"].wait_phase("Suspended")
    send(made["asks"], "lead", "for the lead")
    send(made["asks"], "later", "for later")
    started = {"at-work": ("a", "lead"), "chain": ("first", "lead"), "asks": ("lead",)}
    for name, agents in started.items():
        until(lambda each=made[name], agents=agents: all(runs(each, who) for who in agents), 90)
    return made


def suspend(team: Team, wanted: bool) -> None:
    body = json.dumps({"spec": {"suspend": wanted}})
    team.kubectl("patch", "agentteam", team.name, "--type=merge", "-p", body)


Living = dict[str, tuple[str, int, str]]


def unharmed(teams: dict[str, Team], before: Living, said: dict[str, Any], new: str) -> None:
    """Whatever ran still runs, and of every team the same is said, but for the agent that was approved."""
    assert before.items() <= living(teams).items()
    after = {name: told(team) for name, team in teams.items()}
    after["asks"]["agents"][new] = said["asks"]["agents"][new]
    assert after == said


def test_there_and_back_with_teams_at_work(
    earlier: Release,
    cluster: Cluster,
    kubectl: Kubectl,
    helm: Helm,
    install: Callable[..., None],
    team: Callable[..., Team],
) -> None:
    from testcluster.cluster import SYSTEM

    until(lambda: images(kubectl) == {f"kagents-controller:{earlier.images.tag}"}, 120)
    teams = begin(team)
    asks, chain = teams["asks"], teams["chain"]
    before, said = living(teams), {name: told(each) for name, each in teams.items()}

    asks.approve("spawn-now")
    install()
    until(lambda: runs(asks, "now"), 120, explain=asks.explain)
    until(lambda: images(kubectl) == {f"kagents-controller:{cluster.images.tag}"}, 120)
    unharmed(teams, before, said, "now")
    send(chain, "first", "go on")
    until(lambda: runs(chain, "second"), 120, explain=chain.explain)
    send(teams["at-work"], "a", "go on")
    until(lambda: (teams["at-work"].status().get("tasks") or {}).get("total") == 1, 60)
    suspend(teams["paused"], False)
    until(lambda: runs(teams["paused"], "a") and runs(teams["paused"], "lead"), 120)
    teams["paused"].wait_phase("Running")
    until(lambda: told(chain)["agents"] == {"first": "Completed", "second": "Running"}, 60)
    until(lambda: told(teams["paused"])["agents"] == {"a": "Running"}, 60)
    before, said = living(teams), {name: told(each) for name, each in teams.items()}

    asks.approve("spawn-later")
    helm("rollback", "kagents", "--namespace", SYSTEM)
    rolled_out(kubectl)
    until(lambda: runs(asks, "later"), 120, explain=asks.explain)
    until(lambda: images(kubectl) == {f"kagents-controller:{earlier.images.tag}"}, 120)
    unharmed(teams, before, said, "later")
    send(teams["at-work"], "a", "go on again")
    until(lambda: (teams["at-work"].status().get("tasks") or {}).get("total") == 2, 60)
    assert {"for the lead", "for later"} <= set(mails(asks))
