"""``qualityGates``: what an agent's pod is told of them, and that long scripts are refused."""

import json

from kagents_core.api.team import AgentTeamSpec
from kagents_core.api.validation import validate
from kagents_core.reconcile.children.documents import agent_document
from kagents_core.reconcile.identity import Identity
from kagents_core.reconcile.roster import agents_of
from kagents_runner.documents import parse_agent

IDENTITY = Identity("demo", "default", "11111111-2222-3333-4444-555555555555", 1)


def told(obj):
    """The checks as the runner of the first agent reads them."""
    spec = AgentTeamSpec.model_validate(obj["spec"])
    return parse_agent(agent_document(IDENTITY, spec, next(iter(agents_of(spec))), 0)).quality


def test_the_runner_reads_what_the_manifest_says(change):
    gates = {"requireTests": True, "testCommand": "make -C a test", "validationScript": "./check.sh\n"}
    quality = told(change({"spec.qualityGates": gates | {"maxRounds": 0, "timeout": "90s"}}))
    assert quality.gates == ("requireTests", "validationScript")
    assert (quality.test_command, quality.script) == ("make -C a test", "./check.sh\n")
    assert (quality.rounds, quality.seconds) == (0, 90.0)


def test_a_team_without_gates_has_no_checks(change):
    assert told(change({})).gates == ()
    assert told(change({"spec.qualityGates": {}})).gates == ()


def test_a_script_that_does_not_fit_beside_the_prompts_is_refused(change):
    quotes = {"validationScript": '"' * 60_000}
    [error] = validate(change({"spec.qualityGates": quotes}))
    assert error.field == "spec.qualityGates.validationScript"
    assert "96 KiB" in str(error)
    assert json.dumps(quotes)[:200] not in str(error)
