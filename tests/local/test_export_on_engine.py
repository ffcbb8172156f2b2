"""A team's archive, while it works and after its end: everything that is known of it, and no secret."""

import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, make_repository, until

from kagents_core.api.constants import ANNOTATION_EXPORT
from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_tui.cli.command import build_parser
from kagents_tui.cli.exits import CommandError

pytestmark = pytest.mark.long

CANARY = "ghp_" + "c4n4ry" * 6


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


async def export(engine: Any, team: str, target: Path, *more: str) -> dict[str, bytes]:
    """What ``kagents export`` writes, by path."""
    words = ["export", team, "-o", str(target), "--kubeconfig", str(engine.kubeconfig), *more]
    parsed = build_parser().parse_args(words)
    assert await parsed.run(parsed) == 0
    with tarfile.open(target) as files:
        members = files.getmembers()
        assert all(each.isreg() and each.name.startswith(f"{team}/") for each in members)
        found = {each.name.removeprefix(f"{team}/"): files.extractfile(each) for each in members}
        return {name: file.read() for name, file in found.items() if file is not None}


async def test_a_working_team_and_an_ended_one_are_exported(
    engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    team = Team(engine_client, engine.data.root, "report")
    lead = agent(
        "Lead.",
        "wait: {mail_from: team-lead}",
        "finish: enough",
        env=[{"name": "API_TOKEN", "value": "s3cr3t-value"}],
    )
    await team.apply(
        agent("Write.", f"send: {{to: lead, text: 'found {CANARY}'}}", "shutdown: done", name="writer"),
        # With nobody else there the lead would be ended while the export is looked at.
        agent("Stay.", "wait: {mail_from: team-lead}", "shutdown: done", name="keeper"),
        lead=lead,
    )
    await until(lambda: _seen(team))
    outputs = next((engine.data.root / "volumes" / "default").glob("report-output-*"))
    (outputs / "part").mkdir()
    (outputs / "part" / "report.md").write_text("# Report\n")
    (outputs / "outside").symlink_to("/etc/passwd")
    (outputs / "folder").symlink_to("/etc")
    os.mkfifo(outputs / "pipe")
    (team.volume / "home" / "lead" / ".credentials.json").write_text(CANARY)

    working = await export(engine, "report", tmp_path / "working.tar.gz")
    assert working["outputs/part/report.md"] == b"# Report\n"
    kinds = {json.loads(line)["kind"] for line in working["journal.jsonl"].splitlines()}
    assert {"message", "activity", "phase"} <= kinds
    assert any(name.startswith("transcripts/lead/") and name.endswith(".jsonl") for name in working)
    assert any(name.startswith("logs/report-writer-") for name in working)
    told = json.loads(working["objects/agentteam-report.json"])
    assert told["spec"]["lead"]["env"] == [{"name": "API_TOKEN", "value": "***"}]
    omitted = {each["path"]: each["reason"] for each in json.loads(working["export.json"])["omitted"]}
    assert omitted["outputs/outside"] == omitted["outputs/folder"] == "a link"
    assert omitted["outputs/pipe"] == "not a file"
    for name, data in working.items():
        assert CANARY.encode() not in data, name
        assert b"s3cr3t-value" not in data, name
        assert b"root:" not in data, name

    await team.send("keeper", "Enough.")
    await team.in_phase("Completed")
    ended = await export(engine, "report", tmp_path / "ended.tar.gz")
    assert ended["outputs/part/report.md"] == b"# Report\n"
    assert len(ended["journal.jsonl"]) > len(working["journal.jsonl"])
    assert set(working) - {name for name in working if name.startswith("objects/")} <= set(ended)
    assert (await team.in_phase("Completed"))["phase"] == "Completed"

    async def tidy() -> bool:
        body = await engine_client.get(AGENT_TEAMS, "default", "report")
        asked = ANNOTATION_EXPORT in (body["metadata"].get("annotations") or {})
        return not asked and not await team.pods("export")

    await until(tidy)


async def _seen(team: Team) -> bool:
    return any(CANARY in entry.get("text", "") for entry in team.journal("message"))


async def test_a_coding_team_s_changes_are_exported_within_the_limit(
    engine: Any, engine_client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team = Team(engine_client, engine.data.root, "coding")
    steps = ("work: {write: {new.txt: 'made by an agent'}}", "shutdown: done")
    await team.apply(agent("Code.", *steps, name="coder"), repository=make_repository(tmp_path / "origin"))
    await team.in_phase("Completed")
    found = await export(engine, "coding", tmp_path / "all.tar.gz")
    assert b"+made by an agent" in found["changes/coder.patch"]
    small = await export(engine, "coding", tmp_path / "small.tar.gz", "--limit", "10")
    assert "journal.jsonl" not in small
    omitted = {each["path"]: each["reason"] for each in json.loads(small["export.json"])["omitted"]}
    assert "no room within the limit" in omitted["journal.jsonl"]
    with pytest.raises(CommandError, match="is there already"):
        await export(engine, "coding", tmp_path / "small.tar.gz")
    assert "are not in it" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.glob("*.tar.gz*")) == ["all.tar.gz", "small.tar.gz"]
