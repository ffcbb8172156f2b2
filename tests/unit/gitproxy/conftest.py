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


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """The repository itself."""
    found = tmp_path / "backend.git"
    seed = make_repository(tmp_path / "seed")
    git(seed, "tag", "v1")
    git(seed, "branch", "other")
    git(tmp_path, "clone", "-q", "--bare", str(seed), str(found))
    return found


@pytest.fixture
def team_of(tmp_path: Path) -> Iterator[Callable[..., ProxiedTeam]]:
    """Makes a team for an address, and ends its proxy."""
    made: list[ProxiedTeam] = []

    def make(url: str, access: str = "push", **repository: Any) -> ProxiedTeam:
        made.append(ProxiedTeam(tmp_path / f"place's {len(made)}", url, access, **repository))
        return made[-1]

    yield make
    for each in made:
        if each.process is not None and each.process.returncode is None:
            each.stop()


@pytest.fixture
def team(team_of: Callable[..., ProxiedTeam], remote: Path) -> ProxiedTeam:
    """One that may push, and its proxy runs."""
    found = team_of(remote.as_uri())
    found.start()
    return found
