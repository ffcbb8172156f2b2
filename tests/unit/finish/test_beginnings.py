"""Delivery of work that began at a tag, at a commit, in a shallow clone, or in one worktree for all."""

from pathlib import Path
from typing import Any

import pytest
from finishing_team import Finishing
from runner_places import Place, git

pytestmark = pytest.mark.long


@pytest.fixture
def history(finishing: Finishing, tmp_path: Path) -> Finishing:
    """The remote has three commits and a tag on the second; the team is to be prepared anew."""
    remote = finishing.remote
    for number, tag in ((2, "v2"), (3, None)):
        tree = git(remote, "rev-parse", "main^{tree}")
        made = git(remote, "commit-tree", "-m", f"Commit {number}", "-p", "main", tree)
        git(remote, "update-ref", "refs/heads/main", made)
        if tag:
            git(remote, "tag", tag, made)
    root = tmp_path / "anew"
    root.mkdir()
    place = Place(root)
    place.agents = finishing.place.agents
    place.repository = finishing.place.repository
    return Finishing(place, remote)


@pytest.mark.parametrize(
    "repository",
    [{"depth": 1}, {"branch": "v2"}, {"branch": "v2", "depth": 1}, {"branch": "commit"}],
    ids=["shallow", "tag", "shallow tag", "commit"],
)
def test_work_is_delivered_wherever_it_began(history: Finishing, repository: dict[str, Any]) -> None:
    if repository.get("branch") == "commit":
        repository = {"branch": git(history.remote, "rev-parse", "v2")}
    history.place.repository |= repository  # type: ignore[operator]
    history.place.prepare()
    history.work("backend", "api.py", "api\n")
    history.work("tests", "test_api.py", "test\n")
    history.outcome()
    assert (history.pushed("api.py"), history.pushed("test_api.py")) == ("api", "test")
    began = git(history.remote, "merge-base", "main", "kagents/demo")
    assert began == git(history.remote, "rev-parse", repository.get("branch", "main") + "^{commit}")


def test_one_worktree_for_all_is_delivered_with_what_was_left(history: Finishing) -> None:
    history.place.repository |= {"worktreeStrategy": "shared"}  # type: ignore[operator]
    history.place.prepare()
    history.wish["order"] = ["shared"]
    history.work("shared", "api.py", "api\n")
    history.work("shared", "left.py", "left\n", commit=False)
    history.outcome()
    assert (history.pushed("api.py"), history.pushed("left.py")) == ("api", "left")
