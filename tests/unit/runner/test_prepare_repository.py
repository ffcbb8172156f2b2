"""``prepare`` on real git: the clone, worktrees, branches, kills at any step, hostile repositories."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from runner_places import Place, git

EVERY_GIT_CALL = 40


def test_every_agent_gets_a_worktree_on_a_branch_of_its_own(coding: Place, tmp_path: Path) -> None:
    ran = coding.run("prepare")
    assert ran.code == 0
    assert coding.layout.ready.exists()
    head = git(tmp_path / "source", "rev-parse", "HEAD")
    for agent in ("lead", "scout"):
        tree = coding.work / "worktrees" / agent
        assert (tree / "README.md").read_text() == "hello\n"
        assert git(tree, "symbolic-ref", "--short", "HEAD") == f"kagents/demo/{agent}"
        assert git(tree, "rev-parse", "HEAD") == head
        assert git(tree, "status", "--porcelain") == ""
        # One identity an agent, so that a commit says who made it.
        assert plain_git(tree, "config", "user.name") == f"{agent} (kagents)"
        assert plain_git(tree, "config", "user.email") == f"{agent}@demo.kagents.invalid"
    members = json.loads(coding.layout.config.read_text())["members"]
    assert {member["name"] for member in members} == {"team-lead", "lead", "scout"}


def plain_git(cwd: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def test_doing_it_again_keeps_what_agents_did(coding: Place) -> None:
    coding.prepare()
    tree = coding.work / "worktrees/scout"
    (tree / "found.md").write_text("x")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "Find")
    (tree / "open.md").write_text("y")
    before = git(tree, "rev-parse", "HEAD")
    config = coding.layout.config.read_bytes()
    coding.prepare()
    assert git(tree, "rev-parse", "HEAD") == before
    assert (tree / "open.md").read_text() == "y"
    assert coding.layout.config.read_bytes() == config


def killing_git(directory: Path, at: int) -> Path:
    """A ``git`` that works, and after its call number ``at`` kills the process that called it."""
    directory.mkdir()
    program = directory / "git"
    program.write_text(
        f'#!/bin/sh\n{shutil.which("git")} "$@"\ncode=$?\n'
        f"echo x >> {directory}/calls\n"
        f'[ "$(wc -l < {directory}/calls)" -eq {at} ] && kill -9 $PPID\n'
        "exit $code\n"
    )
    program.chmod(0o755)
    return directory


@pytest.mark.long
def test_a_kill_after_any_step_costs_nothing(coding: Place, tmp_path: Path) -> None:
    completed = False
    for at in range(1, EVERY_GIT_CALL):
        place = Place(fresh(tmp_path / f"run{at}"))
        place.repository = coding.repository
        place.variables["PATH"] = f"{killing_git(tmp_path / f'bin{at}', at)}:{os.environ['PATH']}"
        first = place.run("prepare")
        completed = first.code == 0
        assert completed or (first.code == -9 and not place.layout.ready.exists())
        place.variables.clear()
        if not completed:
            place.prepare()
        for agent in ("lead", "scout"):
            tree = place.work / "worktrees" / agent
            assert git(tree, "symbolic-ref", "--short", "HEAD") == f"kagents/demo/{agent}"
            assert git(tree, "status", "--porcelain") == ""
            assert plain_git(tree, "config", "user.name") == f"{agent} (kagents)"
        if completed:
            break
    assert completed, "it never ran to its end"
    assert at > 8, "git was not called as often as expected"


def fresh(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"branch": "no-such-branch"}, "has no branch"),
        ({"branch": "--upload-pack=touch PWNED"}, "has no branch"),
        ({"url": "file:///nowhere/at-all"}, "was not found"),
        ({"url": "ext::sh -c touch% PWNED"}, "is not allowed"),
        ({"url": "--upload-pack=touch PWNED"}, "was not found"),
        ({"url": "ssh://-oProxyCommand=touch%20PWNED/x"}, ""),
        ({"url": "-oProxyCommand=touch PWNED:x"}, ""),
        ({"url": "https://user:secret-canary@example.invalid/x.git"}, "contains a password"),
    ],
)
def test_what_cannot_be_cloned_is_one_sentence(
    coding: Place, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], sentence: str
) -> None:
    monkeypatch.chdir(coding.root)
    assert coding.repository is not None
    coding.repository |= change
    ran = coding.run("prepare")
    assert ran.code in (1, 64)
    assert ran.code == 64 or not sentence
    assert sentence in ran.sentence
    assert ran.sentence.count("\n") <= 1
    assert "secret-canary" not in ran.sentence + ran.out + ran.err
    assert list(coding.root.rglob("PWNED*")) == []
    assert not coding.layout.ready.exists()


def test_an_empty_repository_is_one_sentence(coding: Place, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q", "-b", "main")
    assert coding.repository is not None
    coding.repository["url"] = empty.as_uri()
    ran = coding.run("prepare")
    assert ran.code == 64
    assert "has no branch, tag or commit 'main'" in ran.sentence


def test_hooks_and_filters_of_the_repository_run_nothing(coding: Place, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("post-checkout", "post-commit", "pre-commit"):
        hook = source / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/PWNED-{name}\n")
        hook.chmod(0o755)
    coding.prepare()
    assert list(tmp_path.glob("PWNED*")) == []


def test_a_repository_that_agents_had_is_never_touched_again(coding: Place, tmp_path: Path) -> None:
    """The hub's pod may start again at any time, with the credential, beside agents that work."""
    coding.prepare()
    clone = coding.work / "repo/.git"
    filters = f'[filter "evil"]\n\tsmudge = touch {tmp_path}/PWNED-filter\n\trequired = true\n'
    with (clone / "config").open("a") as file:
        file.write(f'[core]\n\tfsmonitor = "touch {tmp_path}/PWNED-monitor"\n{filters}')
    (clone / "info").mkdir(exist_ok=True)
    (clone / "info/attributes").write_text("* filter=evil\n")
    (clone / "worktrees/scout/kagents-prepared").unlink()
    shutil.rmtree(coding.work / "worktrees/scout")
    coding.layout.ready.unlink()
    killed = killing_git(tmp_path / "bin", at=1)
    coding.variables["PATH"] = f"{killed}:{os.environ['PATH']}"
    coding.prepare()
    assert coding.layout.ready.exists()
    assert list(tmp_path.glob("PWNED*")) == []
    assert not (killed / "calls").exists()


def test_a_branch_that_only_looks_like_an_option_or_a_path_is_cloned(coding: Place, tmp_path: Path) -> None:
    name = "feature/ümlaut-$(touch);`x`"
    git(tmp_path / "source", "branch", name)
    assert coding.repository is not None
    coding.repository["branch"] = name
    coding.prepare()


def test_an_ssh_address_reaches_ssh_as_one_argument(coding: Place, tmp_path: Path) -> None:
    """``ssh`` is replaced: what matters is how it is called."""
    program = fresh(tmp_path / "bin") / "ssh"
    program.write_text(f'#!/bin/sh\nfor each in "$@"; do echo "$each" >> {tmp_path}/argv; done\nexit 255\n')
    program.chmod(0o755)
    coding.variables["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    assert coding.repository is not None
    coding.repository["url"] = "git@git.example.invalid:group/it's $(touch PWNED).git"
    assert coding.run("prepare").code != 0
    argv = (tmp_path / "argv").read_text().splitlines()
    assert "git@git.example.invalid" in argv
    assert "-oBatchMode=yes" in argv
    assert argv[-1].startswith("git-upload-pack ")
    assert list(tmp_path.rglob("PWNED")) == []


def test_every_home_is_there_before_the_team_is_ready(place: Place) -> None:
    """A subPath that is missing would be made by the kubelet, as root."""
    place.prepare()
    assert {path.name for path in (place.root / "home").iterdir()} >= set(place.agents)


def test_a_broken_team_document_is_one_sentence(place: Place) -> None:
    for text in ("", "{", "[]", '{"name": 1}', json.dumps(place.team() | {"agents": [{"name": "../x"}]})):
        place.variables["KAGENTS_TEAM"] = text
        ran = place.run("prepare")
        assert ran.code == 64
        assert ran.sentence.startswith(("KAGENTS_TEAM", "The environment variable KAGENTS_TEAM", "An agent"))


def test_a_missing_git_is_one_sentence(coding: Place, tmp_path: Path) -> None:
    coding.variables["PATH"] = str(fresh(tmp_path / "nothing"))
    ran = coding.run("prepare")
    assert ran.code != 0
    assert "git" in ran.sentence
