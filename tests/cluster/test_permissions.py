"""Who may do what: a golden list for each identity, from the API server itself.

``KAGENTS_UPDATE_GOLDEN=1`` writes the lists anew; a change of them is a change of what kagents asks for.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from testcluster.cluster import SYSTEM
from testcluster.commands import Kubectl
from testcluster.team import Team, simulated
from testcluster.waiting import until

GOLDEN = Path(__file__).parent / "golden"
EVERYBODY = ("selfsubject", "[/", "clustertrustbundles")
"""What every authenticated user may do."""
ROLES = {name: f"kagents-{name}" for name in ("viewer", "author", "operator", "admin")}


def permissions(kubectl: Kubectl, *identity: str) -> str:
    """``auth can-i --list`` without what everybody may do, one rule a line."""
    lines = []
    for line in kubectl("auth", "can-i", "--list", *identity).splitlines()[1:]:
        if not any(word in line for word in EVERYBODY):
            resource, _, rest = line.partition(" ")
            names, _, verbs = rest.strip().rpartition("[")
            named = names.split("]")[1].strip(" []") if names.count("[") > 1 else ""
            lines.append(
                f"{resource} {named + ' ' if named else ''}[{' '.join(sorted(verbs.rstrip(']').split()))}]"
            )
    return "\n".join(sorted(lines)) + "\n"


def compare(name: str, found: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("KAGENTS_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def test_the_controller(kubectl: Kubectl, namespace: str) -> None:
    account = f"--as=system:serviceaccount:{SYSTEM}:kagents-controller"
    compare("controller", permissions(kubectl.within(namespace), account))
    compare("controller-in-its-own-namespace", permissions(kubectl.within(SYSTEM), account))
    for forbidden in (
        "get secrets",
        "approve agentteams",
        "create pods --subresource=exec",
        "create roles",
        "create clusterrolebindings",
    ):
        assert (
            kubectl.within(namespace)
            .refused("auth", "can-i", *forbidden.split(), account)
            .strip()
            .endswith("no")
        )


def test_the_hub_and_the_agents(kubectl: Kubectl, namespace: str, team: Callable[..., Team]) -> None:
    running = team(
        simulated("who", {"lead": [{"wait": {"seconds": 600}}], "a": [{"wait": {"seconds": 600}}]})
    )
    running.wait_phase("Running")
    account = f"--as=system:serviceaccount:{namespace}:kagents-hub"
    compare("hub", permissions(kubectl.within(namespace), account))
    assert (
        kubectl.within("default")
        .refused("auth", "can-i", "get", "agentteams", account)
        .rstrip()
        .endswith("no")
    )
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    running.kubectl("exec", running.pod("hub"), "-c", "recorder", "--", "test", "-r", token)
    for agent in ("lead", "a"):
        pod = running.pods(agent)[0]
        assert pod["spec"]["automountServiceAccountToken"] is False
        until(lambda: running.pods(agent)[0]["status"]["phase"] == "Running", 30)  # noqa: B023
        running.kubectl.refused("exec", pod["metadata"]["name"], "-c", "agent", "--", "ls", token)


@pytest.mark.parametrize("role", ROLES)
def test_the_roles_of_people(kubectl: Kubectl, namespace: str, role: str) -> None:
    group = f"kagents-test-{role}s"
    here = kubectl.within(namespace)
    here("create", "rolebinding", group, f"--clusterrole={ROLES[role]}", f"--group={group}")
    identity = ("--as=somebody", f"--as-group={group}", "--as-group=system:authenticated")
    until(lambda: here("auth", "can-i", "list", "agentteams", *identity).startswith("yes"), 20)
    compare(role, permissions(here, *identity))


@pytest.mark.parametrize(("builtin", "verb"), [("view", "list"), ("edit", "patch"), ("admin", "delete")])
def test_the_roles_are_part_of_the_builtin_ones(
    kubectl: Kubectl, namespace: str, builtin: str, verb: str
) -> None:
    here = kubectl.within(namespace)
    here("create", "rolebinding", builtin, f"--clusterrole={builtin}", f"--group=test-{builtin}")
    identity = ("--as=somebody", f"--as-group=test-{builtin}")
    until(lambda: here("auth", "can-i", verb, "agentteams", *identity).startswith("yes"), 20)
