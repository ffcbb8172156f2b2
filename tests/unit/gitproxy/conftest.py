"""A team with a git proxy in front of a bare repository."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Places, servers and repositories are shared with these tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "runner"))
sys.path.insert(0, str(Path(__file__).parents[1] / "finish"))
sys.path.insert(0, str(Path(__file__).parent))

from proxied_team import ProxiedTeam
from runner_places import git, make_repository


def made(folder: Path) -> Path:
    """A bare repository with two branches and a tag."""
    found = folder / "backend.git"
    seed = make_repository(folder / "seed")
    git(seed, "tag", "v1")
    git(seed, "branch", "other")
    git(folder, "clone", "-q", "--bare", str(seed), str(found))
    return found


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """The repository itself."""
    return made(tmp_path)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ProxiedTeam, Path]]:
    """A team that may push, and its repository, for tests that change neither."""
    folder = tmp_path_factory.mktemp("standing")
    remote = made(folder)
    team = ProxiedTeam(folder / "place", remote.as_uri())
    team.start()
    team.commit("scout", "one.md")
    team.did("scout", "tag", "v3")
    yield team, remote
    team.stop()


@pytest.fixture
def team_of(tmp_path: Path) -> Iterator[Callable[..., ProxiedTeam]]:
    """Makes a team for an address, and ends its proxy."""
    teams: list[ProxiedTeam] = []

    def make(url: str, access: str = "push", **repository: Any) -> ProxiedTeam:
        teams.append(ProxiedTeam(tmp_path / f"place's {len(teams)}", url, access, **repository))
        return teams[-1]

    yield make
    for each in teams:
        if each.process is not None and each.process.returncode is None:
            each.stop()


@pytest.fixture
def team(team_of: Callable[..., ProxiedTeam], remote: Path) -> ProxiedTeam:
    """One that may push, and its proxy runs."""
    found = team_of(remote.as_uri())
    found.start()
    return found
