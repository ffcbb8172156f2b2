"""What agents can push through the hub with real git, and what they are told when they cannot."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from proxied_team import ProxiedTeam, references
from runner_places import git

pytestmark = pytest.mark.long

BEFORE = {"refs/heads/main", "refs/heads/other", "refs/tags/v1"}


def test_an_agent_creates_and_advances_its_own_branch(team: ProxiedTeam, remote: Path) -> None:
    for name in ("one.md", "two.md"):
        commit = team.commit("scout", name)
        team.did("scout", "push", "origin", "HEAD")
        assert git(remote, "rev-parse", team.branch("scout")) == commit
    assert references(remote) == BEFORE | {"refs/heads/kagents/demo/scout"}
    assert team.did("scout", "rev-parse", "origin/kagents/demo/scout") == commit
    assert f"scout pushed {commit[:12]} as kagents/demo/scout" in team.stop(signal.SIGTERM)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("HEAD:main",), "main is not yours; you may push kagents/demo/scout"),
        (("HEAD:kagents/demo/lead",), "kagents/demo/lead is not yours"),
        (("HEAD:kagents/demo/scout/more",), "kagents/demo/scout/more is not yours"),
        (("HEAD:refs/tags/v2",), "refs/tags/v2 is not yours"),
        (("HEAD:refs/heads/kagents/demo",), "kagents/demo is not yours"),
        (("HEAD:refs/notes/commits",), "refs/notes/commits is not yours"),
        (("--force", "HEAD:main"), "main is not yours"),
        (("--delete", "main"), "main is not yours"),
        (("--delete", "v1"), "refs/tags/v1 is not yours"),
        (("--tags", "HEAD"), "refs/tags/v3 is not yours"),
        (("--mirror",), "is not yours"),
    ],
    ids=str,
)
def test_anything_else_is_refused_with_the_reason(
    standing: tuple[ProxiedTeam, Path], arguments: tuple[str, ...], reason: str
) -> None:
    team, remote = standing
    main = git(remote, "rev-parse", "main")
    options = [each for each in arguments if each.startswith("--")]
    ran = team.git("scout", "push", *options, "origin", *arguments[len(options) :])
    assert ran.returncode != 0
    assert reason in ran.stderr
    assert references(remote) == BEFORE
    assert git(remote, "rev-parse", "main") == main


def test_its_own_branch_is_never_deleted_nor_forced(team: ProxiedTeam, remote: Path) -> None:
    first = team.commit("scout", "one.md")
    team.did("scout", "push", "origin", "HEAD")
    deleted = team.git("scout", "push", "origin", "--delete", team.branch("scout"))
    assert deleted.returncode != 0
    assert "a branch is never deleted" in deleted.stderr
    team.did("scout", "commit", "--quiet", "--amend", "-m", "Other")
    forced = team.git("scout", "push", "--force", "origin", "HEAD")
    assert forced.returncode != 0
    assert "non-fast-forward" in forced.stderr
    assert git(remote, "rev-parse", team.branch("scout")) == first
    team.did("scout", "merge", "--quiet", "-s", "ours", "-m", "Both", f"origin/{team.branch('scout')}")
    team.did("scout", "push", "origin", "HEAD")
    assert git(remote, "rev-parse", team.branch("scout")) == team.did("scout", "rev-parse", "HEAD")


def test_one_push_of_several_references_changes_none(team: ProxiedTeam, remote: Path) -> None:
    team.commit("scout", "one.md")
    ran = team.git("scout", "push", "origin", "HEAD", "HEAD:main")
    assert ran.returncode != 0
    assert "main is not yours" in ran.stderr
    assert "refused together with the others" in ran.stderr
    assert references(remote) == BEFORE


def test_what_the_repository_refuses_is_told_and_not_kept(team: ProxiedTeam, remote: Path) -> None:
    hook = remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no work on Sundays >&2\nexit 1\n")
    hook.chmod(0o755)
    commit = team.commit("scout", "one.md")
    ran = team.git("scout", "push", "origin", "HEAD")
    assert ran.returncode != 0
    assert "refused it" in ran.stderr
    assert "no work on Sundays" in ran.stderr
    assert references(remote) == BEFORE
    assert f"kagents/demo/scout\t{commit}" not in team.did("scout", "ls-remote", "origin")
    hook.unlink()
    team.did("scout", "push", "origin", "HEAD")
    assert git(remote, "rev-parse", team.branch("scout")) == commit


def test_a_branch_that_others_have_moved_is_not_overwritten(team: ProxiedTeam, remote: Path) -> None:
    team.commit("scout", "one.md")
    team.did("scout", "push", "origin", "HEAD")
    theirs = git(remote, "commit-tree", "-m", "theirs", "-p", team.branch("scout"), "main^{tree}")
    git(remote, "update-ref", f"refs/heads/{team.branch('scout')}", theirs)
    team.commit("scout", "two.md")
    ran = team.git("scout", "push", "origin", "HEAD")
    assert ran.returncode != 0
    assert "fetch first" in ran.stderr or "non-fast-forward" in ran.stderr
    assert git(remote, "rev-parse", team.branch("scout")) == theirs


def test_agents_push_at_the_same_time(team: ProxiedTeam, remote: Path) -> None:
    commits = {
        agent: team.commit(agent, "big.bin", "0123456789abcdef" * 65536) for agent in ("lead", "scout")
    }
    running = [
        subprocess.Popen(
            ["git", "push", "--quiet", "origin", "HEAD"],
            cwd=team.tree(agent),
            env=team.variables(agent),
            stderr=subprocess.PIPE,
            text=True,
        )
        for agent in commits
    ]
    assert [(each.wait(30), each.communicate()[1]) for each in running] == [(0, "")] * 2
    assert {agent: git(remote, "rev-parse", team.branch(agent)) for agent in commits} == commits


def test_agents_of_a_shared_worktree_push_its_branch(
    team_of: Callable[..., ProxiedTeam], remote: Path
) -> None:
    team = team_of(remote.as_uri(), worktreeStrategy="shared")
    team.start()
    tree = team.place.work / "worktrees/shared"
    (tree / "one.md").write_text("x\n")
    for arguments in (("add", "."), ("commit", "-q", "-m", "One"), ("push", "-q", "origin", "HEAD")):
        subprocess.run(["git", *arguments], cwd=tree, env=team.variables("lead"), check=True)
    assert git(remote, "show", "kagents/demo/shared:one.md") == "x"


def test_a_team_that_may_only_fetch_pushes_nothing(team_of: Callable[..., ProxiedTeam], remote: Path) -> None:
    team = team_of(remote.as_uri(), "fetch")
    team.start()
    team.commit("scout", "one.md")
    ran = team.git("scout", "push", "origin", "HEAD")
    assert ran.returncode != 0
    assert "agents of this team may fetch, not push" in ran.stderr
    assert references(remote) == BEFORE
    team.did("scout", "fetch", "origin")


def test_a_shallow_team_pushes_what_is_new(
    team_of: Callable[..., ProxiedTeam], tmp_path: Path, remote: Path
) -> None:
    seed = tmp_path / "seed"
    for number in range(5):
        git(seed, "commit", "-q", "--allow-empty", "-m", str(number))
    git(seed, "push", "-q", str(remote), "main")
    team = team_of(remote.as_uri(), depth=2)
    team.start()
    assert team.did("scout", "rev-list", "--count", "HEAD") == "2"
    commit = team.commit("scout", "one.md")
    team.did("scout", "push", "origin", "HEAD")
    assert git(remote, "rev-parse", team.branch("scout")) == commit
    assert git(remote, "rev-list", "--count", team.branch("scout")) == "7"
    team.did("lead", "fetch", "origin")
    assert team.did("lead", "rev-parse", f"origin/{team.branch('scout')}") == commit
