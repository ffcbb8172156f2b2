"""Artifacts on a whole engine: made, kept, recorded, taken by a dependent, missed by name."""

import hashlib
import os
import signal
import stat
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, make_repository, until

from kagents_core.api.constants import EXPORT
from kagents_core.kube.client import Client
from kagents_tui.cli.command import build_parser
from kagents_tui.cli.exits import NOT_FOUND, REFUSED, CommandError

pytestmark = pytest.mark.long

REPORT = {"name": "report", "path": "docs/report.md"}
LARGE = 600 * 1024 * 1024
DIGEST = hashlib.sha256(b"found it").hexdigest()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


async def artifacts(team: Team, count: int) -> dict[str, dict[str, Any]]:
    """The status's list once it is so long; the recorder's last word comes after the end."""

    async def look() -> list[dict[str, Any]] | None:
        found = (await team.status()).get("artifacts", [])
        return found if len(found) == count else None

    return {f"{each['agent']}/{each['name']}": each for each in await until(look)}


async def command(engine: Any, *words: str) -> None:
    """A verb of ``kagents`` that must go well."""
    parsed = build_parser().parse_args([*words, "--kubeconfig", str(engine.kubeconfig)])
    assert await parsed.run(parsed) == 0


async def condition(team: Team, kind: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = (await team.status()).get("conditions", ())
        return next((each for each in found if each["type"] == kind), None)

    found: dict[str, Any] = await until(look)
    return found


@pytest.mark.parametrize("mode", ["coding", "cowork"])
async def test_a_chain_of_makers_and_takers(
    engine: Any, engine_client: Client, tmp_path: Path, mode: str
) -> None:
    team = Team(engine_client, engine.data.root, f"chain-{mode}")
    first = agent("Find.", "work: {write: {docs/report.md: found it}}", "shutdown: done", name="one")
    second = agent(
        "Tell.", "work: {write: {site/index.html: <p>, site/a/b: x}}", "shutdown: done", name="two"
    )
    third = agent(
        "Read.", "shutdown: done", name="three", inputs=[{"from": "one/report"}, {"from": "two/site"}]
    )
    first |= {"artifacts": [REPORT]}
    second |= {"artifacts": [{"name": "site", "path": "site"}], "inputs": [{"from": "one/report"}]}
    source = make_repository(tmp_path / "source") if mode == "coding" else None
    await team.apply(third, second, first, repository=source)
    await team.in_phase("Completed")
    made = await artifacts(team, 2)
    report, site = made["one/report"], made["two/site"]
    assert (report["path"], report["size"], report["sha256"]) == ("docs/report.md", 8, DIGEST)
    assert (site["folder"], site["files"], site["size"]) == (True, 2, 4)
    assert "problem" not in report | site
    copy = team.volume / "artifacts/one/report/report.md"
    assert copy.read_text() == "found it"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o444
    log = await team.log("three")
    assert f"has the input one/report: {copy}" in log
    assert f"has the input two/site: {team.volume}/artifacts/two/site/site" in log
    assert "the input one/report is there: 8 bytes" in await team.log("two", "await")
    assert (await condition(team, "ArtifactsKept"))["status"] == "True"


async def test_agents_without_a_script_make_what_they_declare(engine: Any, engine_client: Client) -> None:
    team = Team(engine_client, engine.data.root, "scriptless")
    lead = agent("Lead.", artifacts=[{"name": "summary", "path": "summary.md"}])
    second = agent("Read.", name="two", inputs=[{"from": "one/report"}])
    await team.apply(second, agent("Find.", name="one", artifacts=[REPORT]), lead=lead)
    await team.in_phase("Completed")
    made = await artifacts(team, 2)
    assert {source: each.get("problem") for source, each in made.items()} == {
        "lead/summary": None,
        "one/report": None,
    }
    assert "has the input one/report" in await team.log("two")


async def test_what_is_not_made_is_a_condition_and_no_failure(engine: Any, engine_client: Client) -> None:
    team = Team(engine_client, engine.data.root, "missing")
    await team.apply(agent("Find.", "shutdown: done", name="one", artifacts=[REPORT]))
    await team.in_phase("Completed")
    made = await artifacts(team, 1)
    assert made["one/report"]["problem"] == "it is not there"
    said = await condition(team, "ArtifactsKept")
    assert (said["status"], said["reason"]) == ("False", "ArtifactMissing")
    assert said["message"] == "one/report (docs/report.md): it is not there"


async def test_whoever_takes_what_is_not_there_fails_with_the_reason(
    engine: Any, engine_client: Client
) -> None:
    team = Team(engine_client, engine.data.root, "untaken")
    first = agent("Find.", "shutdown: done", name="one", artifacts=[REPORT])
    await team.apply(
        first, agent("Read.", name="two", inputs=[{"from": "one/report"}]), lifecycle={"maxRestarts": 0}
    )
    status = await team.in_phase("Failed")
    [said] = [entry["message"] for entry in status["conditions"] if entry["type"] == "Succeeded"]
    assert "one was to leave it as docs/report.md, and it is not there" in said


async def test_killed_while_collecting_it_is_collected_once(engine: Any, engine_client: Client) -> None:
    """The kill comes while the file is copied: a large one takes long enough to be met."""
    team = Team(engine_client, engine.data.root, "killed")
    big = {"name": "big", "path": "big"}
    script = ("work: {write: {big: x}}", "wait: {mail_from: team-lead}", "shutdown: done")
    await team.apply(agent("Find.", *script, name="one", artifacts=[big]))

    async def written() -> Path | None:
        return next(team.data.glob("volumes/default/killed-output-*/big"), None)

    source: Path = await until(written)
    os.truncate(source, LARGE)
    await team.send("one", "go on")
    copy = team.volume / "artifacts/one/big/big"

    async def copying() -> bool:
        return copy.exists() and 0 < copy.stat().st_size < LARGE

    await until(copying)
    other = source.with_name("other")
    other.write_text("small in the end")
    other.replace(source)  # what is being copied stays open as it was
    os.kill(team.state("one")["pid"], signal.SIGKILL)
    await team.in_phase("Completed")
    made = await artifacts(team, 1)
    assert made["one/big"]["sha256"] == hashlib.sha256(b"small in the end").hexdigest()
    assert copy.read_text() == "small in the end"
    assert [each.name for each in copy.parent.iterdir()] == ["big"]
    assert len(team.journal("artifact")) == 1
    assert (await team.status())["teammates"][0]["restartCount"] == 1


async def test_artifacts_are_copied_while_the_team_works_and_after_its_end(
    engine: Any, engine_client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team = Team(engine_client, engine.data.root, "copied")
    out = tmp_path / "out"
    out.mkdir()
    files = "work: {write: {docs/report.md: found it, site/index.html: <p>, site/a/b: x}}"
    first = agent(
        "Find.", files, "shutdown: done", name="one", artifacts=[REPORT, {"name": "site", "path": "site"}]
    )
    other = {"name": "later", "path": "later.md"}
    second = agent("Wait.", "wait: {mail_from: team-lead}", "shutdown: done", name="two", artifacts=[other])
    await team.apply(first, second)
    await artifacts(team, 2)
    await command(engine, "cp", "copied:one/report", str(out))
    assert (out / "report.md").read_text() == "found it"
    assert await exports(team) == 0  # the hub was there to be asked
    with pytest.raises(CommandError, match="not there: two has not ended") as ahead:
        await command(engine, "cp", "copied:two/later", str(out))
    assert ahead.value.code == NOT_FOUND
    with pytest.raises(CommandError, match="is there already") as there:
        await command(engine, "cp", "copied:one/report", str(out))
    assert there.value.code == REFUSED
    await command(engine, "get", "artifacts", "copied", "-o", "wide")
    shown = capsys.readouterr().out
    assert DIGEST in shown
    assert "8 B" in shown
    await team.send("two", "go on")
    await team.in_phase("Completed")
    await artifacts(team, 3)

    async def ended() -> bool:
        return all(pod["status"]["phase"] == "Succeeded" for pod in await team.pods("hub"))

    await until(ended)
    await command(engine, "cp", "copied:one/site", str(out))
    assert (out / "site/a/b").read_text() == "x"
    (out / "site/index.html").write_text("changed")
    (out / "site/old").write_text("old")
    await command(engine, "cp", "copied:one/site", str(out), "--force")
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert names == ["report.md", "site/a/b", "site/index.html"]
    assert (out / "site/index.html").read_text() == "<p>"
    with pytest.raises(CommandError, match=r"later was not kept: later\.md: it is not there"):
        await command(engine, "cp", "copied:two/later", str(out))
    await command(engine, "export", "copied", "-o", str(out / "all.tar.gz"))
    with tarfile.open(out / "all.tar.gz") as whole:
        assert {"copied/artifacts/one/report/report.md", "copied/artifacts/one/site/site/a/b"} <= set(
            whole.getnames()
        )


async def test_a_copy_of_what_was_changed_in_the_volume_is_not_kept(
    engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    team = Team(engine_client, engine.data.root, "forged")
    first = agent("Find.", "work: {write: {docs/report.md: found it}}", "shutdown: done", name="one")
    second = agent("Wait.", "wait: {mail_from: team-lead}", "shutdown: done", name="two")
    await team.apply(first | {"artifacts": [REPORT]}, second)
    await artifacts(team, 1)
    copy = team.volume / "artifacts/one/report/report.md"
    copy.chmod(0o644)
    copy.write_text("forged!!")
    with pytest.raises(CommandError, match="check sum is not the recorded one"):
        await command(engine, "cp", "forged:one/report", str(tmp_path))
    assert not (tmp_path / "report.md").exists()
    await team.patch(cancel=True)


async def exports(team: Team) -> int:
    return sum(
        pod["metadata"]["labels"]["claude.amcheste.io/role"] == EXPORT for pod in await team.pods(EXPORT)
    )
