"""kagents and kagents-tui on the real cluster: mail over exec, acts, and what each role may not do."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testcluster.cluster import Cluster
from testcluster.commands import Kubectl, Object
from testcluster.screen import Screen, key_of, title_of
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
    talk: list[Object] = [
        {"create_task": {"subject": "Add up the figures", "owner": "a"}},
        {"send": {"to": "lead", "text": "The figures are in."}},
        *wait,
    ]
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
def terminal(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Callable[[str], Screen]]:
    """kagents-tui as one person, in the test's namespace."""
    opened: list[Screen] = []

    def start(user: str) -> Screen:
        kubeconfig = cluster.as_user(user).kubeconfig
        command = [str(PROGRAMS / "kagents-tui"), "--kubeconfig", kubeconfig, "-n", namespace]
        own = {f"XDG_{kind}_HOME": str(tmp_path / user / kind) for kind in ("CONFIG", "STATE", "DATA")}
        opened.append(Screen(command, own))
        return opened[-1]

    yield start
    for screen in opened:
        screen.close()


def press(screen: Screen, action: str) -> None:
    screen.keys(key_of(action))


def confirm(screen: Screen, verb: str, *facts: str) -> None:
    """Answer a question that has Cancel in focus."""
    screen.until(f" {verb} ", "[ Cancel ]", *facts)
    screen.answer("\t", "[ Cancel ]", f"[ {verb} ]")
    screen.answer("\r", f"[ {verb} ]")


def is_off(screen: Screen, *actions: str) -> None:
    """Each of these keys is off, and the terminal says which right is missing."""
    for action in actions:
        press(screen, action)
        screen.until(f"{title_of(action)} is off: you may not")


def texts(team: Team) -> list[str]:
    return [str(entry.get("text")) for entry in team.journal() if entry["kind"] == "message"]


def test_the_terminal_of_an_operator(work: Team, terminal: Callable[[str], Screen]) -> None:
    """Watches the team, reads its mail and tasks over exec, approves, writes, kills."""
    screen = terminal("operator")
    screen.until("demo", "Running")
    press(screen, "open")
    screen.until("The figures are in.", "Add up the figures", seconds=60)
    press(screen, "approve")
    screen.until("Approve spawn-b")
    screen.answer("\r", "[ Approve ]")
    until(lambda: work.pods("b"), 30)
    press(screen, "message")
    screen.until("message in", "ctrl-s send")
    screen.keys("Use Monday's numbers.")
    screen.until("Use Monday's numbers.")
    screen.keys("\x13")
    screen.until("is on its way")
    until(lambda: "Use Monday's numbers." in texts(work), 30, explain=lambda: texts(work))
    is_off(screen, "delete")
    press(screen, "kill")
    confirm(screen, "Kill", "demo")
    work.wait_phase("Cancelled", seconds=30)
    screen.until("Cancelled")


def test_the_terminal_of_an_admin(work: Team, terminal: Callable[[str], Screen]) -> None:
    """May all that an operator may, and delete."""
    screen = terminal("member")
    screen.until("demo", "Running")
    press(screen, "approve")
    screen.until("Approve spawn-b")
    screen.answer("\r", "[ Approve ]")
    until(lambda: work.pods("b"), 30)
    press(screen, "delete")
    confirm(screen, "Delete", "demo")
    until(lambda: not work.object(), 60)
    until(lambda: not work.pods(), 60)


def test_the_terminal_of_a_viewer(work: Team, terminal: Callable[[str], Screen]) -> None:
    """Sees teams; mail is read by exec, which is more; every act is off and says why."""
    screen = terminal("viewer")
    screen.until("demo", "Running")
    is_off(screen, "approve", "deny", "kill", "message", "suspend", "delete")
    found = work.object()
    assert "approved.claude.amcheste.io/spawn-b" not in (found["metadata"].get("annotations") or {})
    assert not found["spec"].get("cancel")
    assert not found["spec"].get("suspend")
    assert work.phase() == "Running"
