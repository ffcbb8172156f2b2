"""A prepared coding team with agents that have committed, a bare repository to push to, and a forge."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(
    0, str(Path(__file__).parents[1] / "runner")
)  # the team's place is shared with the runner's tests
sys.path.insert(0, str(Path(__file__).parent))

from finishing_team import Finishing
from forge_server import ForgeServer, served
from runner_places import UID, Place, git, make_repository


@pytest.fixture
def finishing(tmp_path: Path) -> Finishing:
    remote = tmp_path / "acme" / "backend.git"
    remote.parent.mkdir()
    git(tmp_path, "clone", "-q", "--bare", str(make_repository(tmp_path / "seed")), str(remote))
    root = tmp_path / "place"
    root.mkdir()
    place = Place(root)
    place.agents = {"lead": {}, "backend": {}, "tests": {}}
    place.repository = {"url": f"file://{remote}", "branch": "main", "worktreeStrategy": "per-teammate"}
    place.prepare()
    return Finishing(place, remote)


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with served() as server:
        yield server
        assert server.complaints == []


@pytest.fixture
def uid() -> str:
    return UID
