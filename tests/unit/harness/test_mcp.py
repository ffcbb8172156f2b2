"""The MCP server speaks the protocol, shows the team, and turns calls into requests."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kagents_runner.mcp.jsonrpc import Server
from kagents_runner.mcp.server import build_server, main


def agent(name: str, role: str = "teammate", **more: Any) -> dict[str, Any]:
    return {"name": name, "role": role, "harness": "claude-code", "prompt": "p", "dependsOn": [], **more}


@pytest.fixture
def team(tmp_path: Path) -> Path:
    agents = [
        agent("lead", "lead"),
        agent("builder"),
        agent("tester", dependsOn=["builder"]),
        agent("writer", gate="spawn-writer"),
    ]
    roster = {"name": "t", "namespace": "n", "uid": "u", "mode": "coding", "agents": agents}
    (tmp_path / "roster.json").write_text(json.dumps(roster))
    (tmp_path / "agents").mkdir()
    return tmp_path


def server(team: Path, name: str = "lead") -> Server:
    return build_server({"KAGENTS_TEAM_DIR": str(team), "KAGENTS_AGENT_NAME": name})


def ask(served: Server, method: str, **parameters: Any) -> dict[str, Any]:
    line = json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": parameters}).encode()
    answer = served.answer(line)
    assert answer is not None and answer["id"] == 7
    return answer


def call(served: Server, tool: str, **arguments: Any) -> tuple[str, bool]:
    result = ask(served, "tools/call", name=tool, arguments=arguments)["result"]
    return result["content"][0]["text"], result["isError"]


def state(team: Path, **states: str) -> None:
    for name, value in states.items():
        (team / "agents" / f"{name}.json").write_text(json.dumps({"agent": name, "state": value}))


def requests(team: Path, name: str = "lead") -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((team / "requests" / name).glob("*"))]


def test_handshake(team: Path) -> None:
    served = server(team)
    result = ask(served, "initialize", protocolVersion="2025-03-26", capabilities={})["result"]
    assert result["protocolVersion"] == "2025-03-26" and result["serverInfo"]["name"] == "kagents"
    assert (
        ask(served, "initialize", protocolVersion="2999-01-01")["result"]["protocolVersion"] == "2025-06-18"
    )
    assert served.answer(b'{"jsonrpc":"2.0","method":"notifications/initialized"}') is None
    assert ask(served, "ping")["result"] == {}
    assert ask(served, "resources/list")["error"]["code"] == -32601


@pytest.mark.parametrize("line", [b"{", b"[]", b"1", b'{"id":1}', b'{"id":1,"method":5}'])
def test_nonsense_is_answered_with_an_error(team: Path, line: bytes) -> None:
    answer = server(team).answer(line)
    assert answer is not None and answer["error"]["code"] in (-32700, -32600)


def test_only_the_lead_can_end_others(team: Path) -> None:
    def names(agent: str) -> set[str]:
        return {tool["name"] for tool in ask(server(team, agent), "tools/list")["result"]["tools"]}

    assert names("lead") == {"team", "report", "dismiss", "finish"}
    assert names("builder") == {"team", "report"}
    assert "error" in ask(
        server(team, "builder"), "tools/call", name="dismiss", arguments={"teammate": "tester"}
    )


def test_team_tells_who_waits_for_what(team: Path) -> None:
    state(team, lead="running", builder="running")
    text, failed = call(server(team), "team")
    assert not failed and text.splitlines() == [
        "- lead (lead, you): running",
        "- builder (teammate): running",
        "- tester (teammate): waits for the end of builder",
        "- writer (teammate): waits for a person to approve spawn-writer",
    ]
    state(team, builder="ended", writer="failed")
    text, _ = call(server(team), "team")
    assert text.splitlines()[1:] == [
        "- builder (teammate): has ended",
        "- tester (teammate): not started yet",
        "- writer (teammate): failed, will be started again",
    ]


def test_what_the_recorder_publishes_counts(team: Path) -> None:
    state(team, builder="running", tester="failed")
    published = {
        "builder": {"phase": "Running", "waitingFor": None},
        "tester": {"phase": "Failed"},
        "writer": {"phase": "Waiting", "waitingFor": "denied"},
    }
    (team / "recorder.json").write_text(json.dumps({"teammates": published}))
    text, _ = call(server(team), "team")
    assert "- tester (teammate): failed for good" in text and "writer (teammate): was denied" in text
    refusal, failed = call(server(team), "finish", summary="all done")
    assert failed and "builder" in refusal and "writer" not in refusal and "tester" not in refusal


def test_finish_waits_for_every_teammate_and_names_them(team: Path) -> None:
    state(team, builder="ended", tester="running")
    text, failed = call(server(team), "finish", summary="all done")
    assert failed and "tester (running)" in text and "writer" in text and "builder" not in text
    assert requests(team) == []
    state(team, tester="ended", writer="ended")
    text, failed = call(server(team), "finish", summary="all done")
    assert not failed and "approve" in text
    [request] = requests(team)
    assert request["kind"] == "finish" and request["summary"] == "all done" and request["agent"] == "lead"


def test_dismiss_asks_for_one_declared_teammate(team: Path) -> None:
    state(team, builder="ended", tester="running")
    assert "no teammate 'lead'" in call(server(team), "dismiss", teammate="lead", reason="r")[0]
    assert call(server(team), "dismiss", teammate="builder", reason="r") == (
        "builder has ended: nothing to do.",
        False,
    )
    assert requests(team) == []
    _, failed = call(server(team), "dismiss", teammate="tester", reason="accepted")
    [request] = requests(team)
    assert not failed and (request["kind"], request["teammate"], request["reason"]) == (
        "dismiss",
        "tester",
        "accepted",
    )


def test_reports_stay_in_order(team: Path) -> None:
    served = server(team, "builder")
    for number in range(5):
        assert call(served, "report", key="n", value=str(number)) == ("Recorded.", False)
    found = requests(team, "builder")
    assert [request["value"] for request in found] == ["0", "1", "2", "3", "4"]
    assert len({request["id"] for request in found}) == 5


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"key": "k"},
        {"key": "", "value": "v"},
        {"key": 1, "value": "v"},
        {"key": "k", "value": "v", "x": "y"},
        {"key": "k" * 64, "value": "v"},
        {"key": "k", "value": "v" * 4001},
        {"key": "a b", "value": "v"},
        {"key": "../x", "value": "v"},
        {"key": "commit", "value": "v"},
    ],
)
def test_wrong_arguments_are_refused_in_words(team: Path, arguments: dict[str, Any]) -> None:
    text, failed = call(server(team, "builder"), "report", **arguments)
    assert failed and text.endswith(".")
    assert not (team / "requests" / "builder").exists()


def test_results_are_kept_for_those_that_start_later(team: Path) -> None:
    served = server(team, "builder")
    for key, value in (("coverage", "90%"), ("endpoint", "/v1"), ("coverage", "93%")):
        call(served, "report", key=key, value=value)
    kept = json.loads((team / "results/builder.json").read_text())
    assert kept == {"coverage": "93%", "endpoint": "/v1"}


def test_an_agent_has_only_so_many_results(team: Path) -> None:
    served = server(team, "builder")
    for number in range(50):
        assert not call(served, "report", key=f"k{number}", value="v")[1]
    text, failed = call(served, "report", key="one-more", value="v")
    assert failed and "at most 50 results" in text
    assert call(served, "report", key="k3", value="w") == ("Recorded.", False)


def test_a_lone_surrogate_does_not_lose_the_request(team: Path) -> None:
    assert call(server(team, "builder"), "report", key="k", value="\ud800x") == ("Recorded.", False)
    assert requests(team, "builder")[0]["value"] == "?x"


def test_damaged_files_of_others_do_not_matter(team: Path) -> None:
    (team / "agents" / "builder.json").write_text("{")
    (team / "agents" / "tester.json").symlink_to("/etc/passwd")
    (team / "recorder.json").write_text("[]")
    assert call(server(team), "team")[1] is False


def test_without_a_team_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"KAGENTS_TEAM_DIR": str(tmp_path), "KAGENTS_AGENT_NAME": "lead"}) == 64
    assert capsys.readouterr().err.count("\n") == 1


def test_over_stdio_until_the_client_goes(team: Path) -> None:
    code = "import sys; from kagents_runner.mcp.server import main; sys.exit(main())"
    lines = [{"jsonrpc": "2.0", "id": n, "method": "ping"} for n in (1, 2)]
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        input="\n\n".join(json.dumps(line) for line in lines).encode() + b"\n",
        env={"KAGENTS_TEAM_DIR": str(team), "KAGENTS_AGENT_NAME": "lead"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0 and done.stderr == b""
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2]
