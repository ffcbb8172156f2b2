"""``worktreeStrategy: shared``: agents at work in one worktree keep out of each other's way."""

import asyncio

from runner_places import Place, git, steps

from kagents_runner.prepare.git import Git
from kagents_runner.simulate.working import commit_files, write_inside


def shared(coding: Place) -> Place:
    assert coding.repository is not None
    coding.repository["worktreeStrategy"] = "shared"
    coding.prepare()
    return coding


async def test_commits_at_the_same_time_wait_for_each_other(coding: Place) -> None:
    tree = shared(coding).work / "worktrees/shared"
    names = [f"file-{number}" for number in range(6)]
    for name in names:
        write_inside(tree, name, name)
    done = await asyncio.gather(*(commit_files(Git(coding.environment()), tree, [name]) for name in names))
    assert all(done)
    assert git(tree, "rev-list", "--count", "origin/main..HEAD") == "6"
    assert git(tree, "status", "--porcelain") == ""


def test_an_agent_that_ends_leaves_what_others_have_not_committed(coding: Place) -> None:
    coding.agents["scout"] = {"script": steps("work: {write: {mine: x}}", "shutdown: done")}
    tree = shared(coding).work / "worktrees/shared"
    (tree / "theirs").write_text("half done")
    ran = coding.run("supervise", "scout")
    assert ran.code == 0, ran.err
    assert git(tree, "status", "--porcelain") == "?? theirs"
    assert git(tree, "show", "HEAD:mine") == "x"
