"""The documents of a pod are read strictly where they must be, and tolerantly elsewhere."""

import json

import pytest

from kagents_runner.documents import DocumentError, parse_agent, parse_team

TEAM = {
    "name": "q3",
    "namespace": "ns",
    "uid": "u",
    "mode": "coding",
    "repository": {"url": "https://example.test/r.git", "branch": "main", "worktreeStrategy": "per-teammate"},
    "outputDir": None,
    "inputs": [],
    "idleTimeoutSeconds": 12,
    "agents": [
        {
            "name": "lead",
            "role": "lead",
            "model": "opus",
            "harness": "simulated",
            "dependsOn": [],
            "gate": None,
            "prompt": "p",
        },
        {
            "name": "w",
            "role": "teammate",
            "model": "sonnet",
            "harness": "simulated",
            "dependsOn": ["x"],
            "gate": "g",
            "prompt": "p",
        },
    ],
    "addedByANewerController": 1,
}
AGENT = {
    "name": "w",
    "role": "teammate",
    "prompt": "p",
    "harness": "claude-code",
    "sessionId": "s",
    "attempt": 2,
}


def test_team_is_read_and_unknown_fields_are_ignored() -> None:
    team = parse_team(json.dumps(TEAM))
    assert team.repository is not None and team.repository.branch == "main"
    assert [entry.name for entry in team.teammates] == ["w"]
    assert team.agent("w").depends_on == ("x",) and team.agent("w").gate == "g"
    assert team.idle_timeout_seconds == 12.0
    with pytest.raises(KeyError):
        team.agent("nobody")


def test_agent_has_defaults() -> None:
    agent = parse_agent(json.dumps(AGENT))
    assert (agent.permission_mode, agent.attempt, agent.timeout_seconds) == ("auto-accept", 2, None)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": None}, "KAGENTS_AGENT.name"),
        ({"attempt": True}, "attempt"),
        ({"timeoutSeconds": -1}, "timeoutSeconds"),
        ({"model": 5}, "model"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(DocumentError, match=named):
        parse_agent(json.dumps({**AGENT, **change}))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"agents":[1]}', '{"inputs":[1]}'])
def test_what_is_no_team_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(DocumentError, match=r"KAGENTS_TEAM.*\."):
        parse_team(text)
