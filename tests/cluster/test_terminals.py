"""kagents and kagents-tui on the real cluster: mail over exec, acts, and what each role may not do."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testcluster.cluster import Cluster
from testcluster.commands import Kubectl, Object
from testcluster.screen import Screen
from testcluster.team import Team, simulated
from testcluster.waiting import until

PROGRAMS = Path(sys.executable).parent
GATES = {"approvalGates": [{"event": "spawn-b"}, {"event": "spawn-c"}]}
ROLES = {"viewer": "kagents-viewer", "operator": "kagents-operator", "member": "kagents-admin"}


@pytest.fixture
def work(cluster: Cluster, kubectl: Kubectl, namespace: str, team: Callable[..., Team]) -> Team:
    """A team that waits for two gates, and three people with one role each."""
    if not cluster.own:
        pytest.skip("the users of this cluster are not known")
    for user, role in ROLES.items():
        group = f"kagents-test-{'admin' if user == 'member' else user}s"
        kubectl.within(namespace)("create", "rolebinding", role, f"--clusterrole={role}", f"--group={group}")
    wait: list[Object] = [{"wait": {"seconds": 600}}]
    talk: list[Object] = [{"send": {"to": "lead", "text": "The figures are in."}}, *wait]
    running = team(simulated("demo", {"lead": wait, "a": talk, "b": wait, "c": wait}, lifecycle=GATES))
    until(lambda: (running.status().get("ready") or "").startswith("1/"), 60, explain=running.explain)
    return running


def kagents(cluster: Cluster, user: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """The command as one person."""
    kubeconfig = cluster.as_user(user).kubeconfig
    command = [str(PROGRAMS / "kagents"), *arguments, "--kubeconfig", kubeconfig]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=90, check=False)
    assert "Traceback" not in done.stderr
    return done


def test_the_command_as_three_people(cluster: Cluster, work: Team, namespace: str) -> None:
    place = ("-n", namespace)

    def journal(user: str) -> list[Object]:
        done = kagents(cluster, user, "tail", "demo", *place, "-o", "json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    until(lambda: any(entry.get("text") == "The figures are in." for entry in journal("operator")), 40)
    seen = kagents(cluster, "viewer", "get", "teams", *place)
    assert "demo" in seen.stdout
    for user, arguments in (
        ("viewer", ("approve", "demo", "spawn-b")),
        ("viewer", ("send", "demo", "lead", "Hello.")),
        ("viewer", ("kill", "demo", "--yes")),
        ("operator", ("delete", "demo", "--yes")),
    ):
        refused = kagents(cluster, user, *arguments, *place)
        assert refused.returncode == 4, (user, arguments, refused.stdout, refused.stderr)
        assert len(refused.stderr.strip().splitlines()) == 1
    sent = kagents(cluster, "operator", "send", "demo", "lead", "Use Monday's numbers.", *place)
    assert sent.returncode == 0, sent.stderr
    until(lambda: any(entry.get("text") == "Use Monday's numbers." for entry in journal("operator")), 30)
    approved = kagents(cluster, "operator", "approve", "demo", "spawn-b", *place)
    assert approved.returncode == 0, approved.stderr
    until(lambda: work.pods("b"), 30)
    killed = kagents(cluster, "operator", "kill", "demo", "--yes", *place)
    assert killed.returncode == 0, killed.stderr
    work.wait_phase("Cancelled", seconds=30)
    deleted = kagents(cluster, "member", "delete", "demo", "--yes", *place)
    assert deleted.returncode == 0, deleted.stderr
    until(lambda: not work.object(), 60)


@pytest.fixture
def terminal(cluster: Cluster, namespace: str) -> Iterator[Callable[[str], Screen]]:
    """kagents-tui as one person, in the test's namespace."""
    opened: list[Screen] = []

    def start(user: str) -> Screen:
        kubeconfig = cluster.as_user(user).kubeconfig
        command = [str(PROGRAMS / "kagents-tui"), "--kubeconfig", kubeconfig, "-n", namespace]
        opened.append(Screen(command, {}))
        return opened[-1]

    yield start
    for screen in opened:
        screen.close()


def test_the_terminal_of_an_operator(work: Team, terminal: Callable[[str], Screen]) -> None:
    screen = terminal("operator")
    screen.until("demo", "Running")
    screen.keys("\r")
    screen.until("The figures are in.", seconds=60)
    screen.keys("a")
    screen.until("Approve spawn-b", "[ Approve ]")
    screen.keys("\r")
    until(lambda: work.pods("b"), 30)
    screen.keys("\x04")
    screen.until("delete is off")


def test_the_terminal_of_a_viewer(work: Team, terminal: Callable[[str], Screen]) -> None:
    screen = terminal("viewer")
    screen.until("demo", "Running")
    screen.keys("a")
    screen.until("is off", "you may not")
    screen.keys("\x0b")
    screen.until("is off", "you may not")
    assert "approved.claude.amcheste.io/spawn-b" not in (work.object()["metadata"].get("annotations") or {})
