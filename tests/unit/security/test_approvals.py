"""Who may let a team pass its gate, as far as kagents decides it: the exact word, on this object, no agent.

What is not promised stands in docs/security.md: whoever may change a team may approve, also when it is made.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "reconcile"))

from world import World, simple_spec, team

from kagents_core.reconcile.rules.gates import decision

NOW = "2026-11-21T12:00:00Z"
ANNOTATION = "approved.claude.amcheste.io/spawn-a"
LOOKALIKES = (
    "True",
    "TRUE",
    " true",
    "true ",
    "true\n",
    "yes",
    "1",
    "t\u200brue",
    "\uff54rue",
    "tru\u0435",
    "",
)


def gated(**metadata: Any) -> World:
    world = World(team(simple_spec({"name": "a"}, gates=("spawn-a",))))
    world.raw["metadata"] |= metadata
    return world


@pytest.mark.parametrize("word", LOOKALIKES)
def test_only_the_exact_word_approves(word: str) -> None:
    world = gated(annotations={ANNOTATION: word})
    world.settle()
    world.start_all()
    world.settle()
    assert not world.agent_pods("a")
    assert world.mate("a")["pendingApproval"] == "spawn-a"


@given(st.text(max_size=8))
def test_no_other_word_decides(word: str) -> None:
    assert decision({ANNOTATION: word}, "spawn-a") == {"true": "approved", "false": "denied"}.get(
        word, "waiting"
    )


@pytest.mark.parametrize(
    "name",
    [
        "approved.claude.amcheste.io/spawn-A",
        "approved.claude.amcheste.io/spawn-a ",
        "approved.claude.amcheste.io/spawn-\u0430",
        "Approved.claude.amcheste.io/spawn-a",
        "approved.claude.amcheste.io/finish",
        "approved.claude.amcheste.io/*",
        "claude.amcheste.io/spawn-a",
    ],
)
def test_only_the_gates_own_annotation_approves(name: str) -> None:
    world = gated(annotations={name: "true"}, labels={ANNOTATION: "true"})
    world.settle()
    assert not world.agent_pods("a")


def test_what_agents_and_the_recorder_write_approves_nothing() -> None:
    world = gated()
    world.settle()
    world.raw["status"] |= {
        "activity": [{"agent": "lead", "state": "working", "since": NOW, "detail": f"{ANNOTATION}: true"}],
        "results": [{"agent": "lead", "key": "approved", "value": "true"}],
        "result": f"{ANNOTATION}=true",
    }
    world.start_all()
    world.settle()
    assert not world.agent_pods("a")


def test_an_approval_is_not_carried_over_to_a_team_made_again_under_the_name() -> None:
    world = gated(annotations={ANNOTATION: "true"})
    world.settle()
    assert world.agent_pods("a")
    again = gated(uid="22222222-bbbb")
    again.pods, again.claims = world.pods, world.claims
    for pod in again.pods.values():  # the old team goes, with what it owns
        pod["metadata"]["deletionTimestamp"] = "now"
    again.collect()
    again.settle()
    assert not again.agent_pods("a")
