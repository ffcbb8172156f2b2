"""Who may decide a gate, by the API server itself: whoever has the verb, and nobody when a team is made.

Those ways of S4 in docs/security.md that are the API server's to refuse; the others are the reconciler's
and the terminal's (tests/unit/security/test_approvals.py, tests/tui/test_tui_same_object.py).
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from testcluster.cluster import Cluster
from testcluster.commands import Kubectl, Object
from testcluster.team import simulated
from testcluster.waiting import until

from kagents_core.api.constants import APPROVAL_PREFIX

GATE = f"{APPROVAL_PREFIX}spawn-b"
PEOPLE = {"author": "kagents-author", "decider": "kagents-operator", "owner": "kagents-admin"}
UNDECIDED = "a team is made with its gates undecided"
VERB = "a decision takes the verb approve on agentteams.claude.amcheste.io"


class Person:
    """kubectl as somebody with one role in one namespace."""

    def __init__(self, kubectl: Kubectl, name: str) -> None:
        self._kubectl = kubectl
        self._identity = (f"--as={name}", "--as-group=system:authenticated")

    def __call__(self, *arguments: str, text: str | None = None) -> str:
        return self._kubectl(*arguments, *self._identity, text=text)

    def refused(self, *arguments: str, text: str | None = None) -> str:
        return self._kubectl.refused(*arguments, *self._identity, text=text)

    def may(self, *action: str) -> bool:
        try:
            return self("auth", "can-i", *action).strip() == "yes"
        except AssertionError:
            return False


def gated(name: str, **annotations: str) -> str:
    """A manifest, as text, of a team that waits at a gate."""
    manifest = simulated(
        name,
        {"lead": [{"wait": {"seconds": 600}}], "b": [{"say": "here"}]},
        lifecycle={"approvalGates": [{"event": "spawn-b"}]},
    )
    manifest = copy.deepcopy(manifest)
    if annotations:
        manifest["metadata"]["annotations"] = annotations
    return json.dumps(manifest)


def annotations(here: Kubectl, name: str) -> Object:
    found: Object = (here.get("agentteam", name) or {})["metadata"].get("annotations", {})
    return found


@pytest.fixture
def here(kubectl: Kubectl, namespace: str) -> Kubectl:
    return kubectl.within(namespace)


@pytest.fixture
def people(here: Kubectl, chart: None) -> dict[str, Person]:
    """Somebody who makes teams, somebody who decides, somebody who may do both."""
    found = {}
    for name, role in PEOPLE.items():
        here("create", "rolebinding", name, f"--clusterrole={role}", f"--user={name}")
        found[name] = Person(here, name)
    for name, verb in (("author", "create"), ("decider", "approve"), ("owner", "approve")):
        until(lambda: found[name].may(verb, "agentteams"), 60)  # noqa: B023
    return found


@pytest.mark.parametrize("word", ["true", "false", "later"])
@pytest.mark.parametrize("way", ["create", "apply", "server-side"])
def test_a_team_is_made_undecided_whoever_makes_it(
    here: Kubectl, people: dict[str, Person], way: str, word: str
) -> None:
    command = {"create": ("create",), "apply": ("apply",), "server-side": ("apply", "--server-side")}[way]
    until(lambda: UNDECIDED in here.refused(*command, "-f", "-", text=gated("preset", **{GATE: word})), 60)
    for person in (people["author"], people["owner"]):
        said = person.refused(*command, "-f", "-", text=gated("preset", **{GATE: word}))
        assert UNDECIDED in said
        assert GATE in said
    assert here.get("agentteam", "preset") is None
    people["author"](*command, "-f", "-", text=gated("preset", **{"example.com/approved": "true"}))


def test_who_made_a_team_does_not_decide_its_gates(here: Kubectl, people: dict[str, Person]) -> None:
    author, decider = people["author"], people["decider"]
    author("create", "-f", "-", text=gated("mine"))
    for change in (f"{GATE}=true", f"{GATE}=false", f"{APPROVAL_PREFIX}finish=true"):
        assert VERB in author.refused("annotate", "agentteam", "mine", change)
    replaced = json.loads(here("get", "agentteam", "mine", "-o", "json"))
    replaced["metadata"].setdefault("annotations", {})[GATE] = "true"
    assert VERB in author.refused("replace", "-f", "-", text=json.dumps(replaced))
    assert VERB in author.refused("apply", "--server-side", "-f", "-", text=gated("mine", **{GATE: "true"}))
    assert GATE not in annotations(here, "mine")
    # Everything else of the team is the author's to change.
    author("annotate", "agentteam", "mine", "example.com/note=read")
    author("patch", "agentteam", "mine", "--type=merge", '--patch={"spec":{"suspend":true}}')
    decider("annotate", "agentteam", "mine", f"{GATE}=true")
    assert annotations(here, "mine")[GATE] == "true"
    # Without the verb a decision is neither turned nor taken back; it stands in the way of nothing else.
    assert VERB in author.refused("annotate", "--overwrite", "agentteam", "mine", f"{GATE}=false")
    assert VERB in author.refused("annotate", "agentteam", "mine", f"{GATE}-")
    author("patch", "agentteam", "mine", "--type=merge", '--patch={"spec":{"suspend":false}}')


def test_a_status_carries_no_decision(here: Kubectl, people: dict[str, Person], namespace: str) -> None:
    """The hub's account may write the status: metadata sent along with it is not taken."""
    people["author"]("create", "-f", "-", text=gated("hubs"))
    hub = Person(here, f"system:serviceaccount:{namespace}:kagents-hub")
    until(lambda: hub.may("patch", "agentteams", "--subresource=status"), 60)
    body = json.loads(gated("hubs", **{GATE: "true"}))
    del body["spec"]
    text = json.dumps({**body, "status": {"result": "sent along"}})
    command = ("apply", "--server-side", "--field-manager=kagents-recorder", "--force-conflicts", "-f", "-")
    assert "forbidden" in hub.refused(*command, text=text)
    hub(*command, "--subresource=status", text=text)
    assert (here.get("agentteam", "hubs") or {})["status"]["result"] == "sent along"
    assert GATE not in annotations(here, "hubs")


def test_a_thousand_annotations_do_not_lead_around_it(here: Kubectl, people: dict[str, Person]) -> None:
    author = people["author"]
    many = {f"n{number}": "" for number in range(20_000)}
    author("create", "-f", "-", text=gated("many", **many))
    assert VERB in author.refused("annotate", "agentteam", "many", f"{GATE}=true")
    people["decider"]("annotate", "agentteam", "many", f"{GATE}=true")


def test_the_command_says_what_is_missing(cluster: Cluster, here: Kubectl, people: dict[str, Person]) -> None:
    """One plain sentence that begins with what is wrong, and the exit code of a refusal."""
    if not cluster.own:
        pytest.skip("the users of this cluster are not known")
    people["author"]("create", "-f", "-", text=gated("asks"))
    here("create", "rolebinding", "viewers", "--clusterrole=kagents-author", "--group=kagents-test-viewers")
    place = ("-n", str(here.namespace), "--kubeconfig", cluster.as_user("viewer").kubeconfig)

    def run() -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).parent / "kagents"
        command = [str(program), "approve", "asks", "spawn-b", *place]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)

    until(lambda: VERB in run().stderr, 60)
    refused = run()
    assert refused.returncode == 4
    [sentence] = refused.stderr.splitlines()
    assert sentence.startswith("kagents approve: viewer may change team")
    assert "the roles kagents-operator and kagents-admin have" in sentence
    assert sentence.endswith("(policy kagents-approvals.kagents-system)")
