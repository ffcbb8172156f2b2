"""The manifests in examples/: all can be applied, say how, and the first one completes."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, until

from kagents_core.api.manifests import read_manifest_file
from kagents_core.api.validation import validate
from kagents_core.kube.client import Client

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def test_there_are_examples() -> None:
    assert [path.name[:3] for path in EXAMPLES][:4] == ["01-", "02-", "03-", "04-"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid_and_says_how_to_apply_it(path: Path) -> None:
    for manifest in read_manifest_file(path):
        assert validate(manifest) == []
    header = path.read_text().split("apiVersion")[0]
    assert all(line.startswith("#") for line in header.splitlines())
    assert f"{path.name}\n" in header
    assert "apply -f" in header


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents of an engine that starts after this hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


async def test_the_example_of_checks_mends_its_work_and_completes(
    hurry: None, engine: Any, engine_client: Client
) -> None:
    [path] = [path for path in EXAMPLES if path.name.startswith("07-")]
    [manifest] = read_manifest_file(path)
    team = Team(engine_client, engine.data.root, manifest["metadata"]["name"])
    await team.create(manifest)
    await team.in_phase("Completed")

    async def reported() -> Any:
        return (await team.status()).get("results")  # the recorder's last word comes after the end

    assert await until(reported) == [{"agent": "researcher", "values": {"findings": "3"}}]
    log = await team.log("researcher")
    assert log.index("report.md names no sources") < log.index("completed task 1")


async def test_the_first_example_completes(hurry: None, engine: Any, engine_client: Client) -> None:
    [manifest] = read_manifest_file(EXAMPLES[0])
    team = Team(engine_client, engine.data.root, manifest["metadata"]["name"])
    await team.create(manifest)
    await team.in_phase("Completed")
    assert team.check_mail() >= 2
