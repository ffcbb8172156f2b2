"""``kagents-runner diff`` on real repositories: all that an agent changed; nothing that it planted runs."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TEAM = {
    "name": "demo",
    "namespace": "dev",
    "uid": "u-1",
    "mode": "coding",
    "repository": {"url": "file:///x", "branch": "main", "worktreeStrategy": "per-teammate"},
    "agents": [
        {
            "name": "lead",
            "role": "lead",
            "harness": "simulated",
            "dependsOn": [],
            "gate": None,
            "prompt": "p",
        },
        {
            "name": "api",
            "role": "teammate",
            "harness": "simulated",
            "dependsOn": [],
            "gate": None,
            "prompt": "p",
        },
    ],
}
PLAIN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
NAMES = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b.test",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b.test",
}


def git(cwd: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True, env=PLAIN | NAMES
    )
    return done.stdout


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A clone with a worktree for ``api``, as ``prepare`` makes them."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    for name in ("kept.py", "changed.py", "removed.py", "moved.py", "noise.bin"):
        (origin / name).write_text("".join(f"{name} line {number}\n" for number in range(30)))
    (origin / ".gitignore").write_text("*.log\n")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "Begin")
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "clone", "-q", "--no-checkout", str(origin), "repo")
    git(
        folder / "repo",
        "worktree",
        "add",
        "-q",
        "-b",
        "kagents/demo/api",
        str(folder / "worktrees/api"),
        "origin/main",
    )
    return folder


def run(work: Path, *arguments: str, code: int = 0) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The summary, and the files by path."""
    done = ran(work, *arguments)
    assert done.returncode == code, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (lines[0]["kind"], lines[-1]) == ("diff", {"kind": "end"})
    return lines[0], {each["path"]: each for each in lines[1:-1]}


def ran(work: Path, *arguments: str, **team: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "kagents_runner", "diff", "--agent", "api", *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env={
            "PATH": os.environ["PATH"],
            "KAGENTS_WORK_DIR": str(work),
            "KAGENTS_TEAM": json.dumps(TEAM | team),
            "TMPDIR": str(work.parent),
        },
    )


def edit(tree: Path) -> None:
    """Committed and uncommitted changes of every kind."""
    (tree / "changed.py").write_text("first\n" + (tree / "changed.py").read_text())
    (tree / "removed.py").unlink()
    git(tree, "mv", "moved.py", "sub name.py")
    (tree / "added.py").write_text("new\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "Work")
    (tree / "changed.py").write_text((tree / "changed.py").read_text() + "last\n")
    (tree / "note ü.txt").write_text("one\ntwo\n")
    (tree / "ignored.log").write_text("noise\n")
    (tree / "picture.png").write_bytes(b"\x89PNG\0\0\0")


def test_everything_is_there_committed_or_not(work: Path) -> None:
    edit(work / "worktrees/api")
    summary, files = run(work)
    assert {path: (each["status"], each["uncommitted"]) for path, each in files.items()} == {
        "added.py": ("added", False),
        "changed.py": ("modified", True),
        "note ü.txt": ("untracked", True),
        "picture.png": ("untracked", True),
        "removed.py": ("deleted", False),
        "sub name.py": ("renamed", False),
    }
    assert files["sub name.py"]["before"] == "moved.py"
    assert files["changed.py"]["patch"].startswith("@@ -1,3 +1,4 @@\n+first\n changed.py line 0\n")
    assert "+last\n" in files["changed.py"]["patch"]
    assert (files["changed.py"]["additions"], files["changed.py"]["deletions"]) == (2, 0)
    assert files["note ü.txt"]["patch"] == "@@ -0,0 +1,2 @@\n+one\n+two\n"
    assert files["picture.png"]["binary"] and files["picture.png"]["patch"] is None
    assert not any(each["cut"] for each in files.values())
    assert (summary["branch"], summary["files"], summary["omitted"]) == ("kagents/demo/api", 6, 0)
    assert (summary["additions"], summary["deletions"]) == (5, 30)


def test_an_agent_that_changed_nothing(work: Path) -> None:
    summary, files = run(work)
    assert (summary["files"], files) == (0, {})


def test_numbers_alone(work: Path) -> None:
    edit(work / "worktrees/api")
    _, files = run(work, "--stat")
    assert {each["patch"] for each in files.values()} == {None}
    assert files["changed.py"]["additions"] == 2


def test_what_came_to_the_branch_meanwhile_is_not_the_agents(work: Path) -> None:
    origin = work.parent / "origin"
    edit(work / "worktrees/api")
    (origin / "others.py").write_text("of somebody else\n")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "Others")
    git(work / "repo", "fetch", "-q", "origin")
    _, files = run(work)
    assert "others.py" not in files and "added.py" in files


def test_packed_references_are_found(work: Path) -> None:
    edit(work / "worktrees/api")
    git(work / "repo", "pack-refs", "--all")
    assert run(work)[0]["files"] == 6


def plant(work: Path) -> Path:
    """Everything by which a repository makes git run a program, in the clone, the worktree and the index."""
    proof = work.parent / "ran"
    tree, clone = work / "worktrees/api", work / "repo"
    program = f"sh -c 'touch {proof}'"
    for name, value in {
        "core.fsmonitor": program,
        "core.hooksPath": str(tree / "hooks"),
        "core.pager": program,
        "core.editor": program,
        "core.sshCommand": program,
        "core.attributesFile": str(tree / "attributes"),
        "diff.external": program,
        "diff.evil.command": program,
        "diff.evil.textconv": program,
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.process": program,
        "filter.evil.required": "true",
        "merge.evil.driver": program,
        "alias.diff-index": f"!{program}",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": program,
        "interactive.diffFilter": program,
    }.items():
        git(clone, "config", name, value)
    (tree / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\nhidden.py -diff\n")
    (tree / "attributes").write_text("* filter=evil diff=evil\n")
    (clone / ".git/info").mkdir(exist_ok=True)
    (clone / ".git/info/attributes").write_text("* filter=evil diff=evil\n")
    for folder in (clone / ".git/hooks", tree / "hooks"):
        folder.mkdir(exist_ok=True)
        for hook in (
            "post-index-change",
            "fsmonitor-watchman",
            "post-checkout",
            "pre-commit",
            "reference-transaction",
        ):
            (folder / hook).write_text(f"#!/bin/sh\ntouch {proof}\n")
            (folder / hook).chmod(0o755)
    return proof


def test_nothing_that_an_agent_plants_runs(work: Path) -> None:
    tree = work / "worktrees/api"
    edit(tree)
    (tree / "hidden.py").write_text("cannot be hidden\n")
    nested = tree / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    proof = plant(work)
    git(nested, "config", "core.fsmonitor", f"sh -c 'touch {proof}'")
    _, files = run(work)
    assert not proof.exists()
    assert files["changed.py"]["patch"].startswith("@@ ")
    assert files["hidden.py"]["patch"] == "@@ -0,0 +1,1 @@\n+cannot be hidden\n"
    assert files["nested/"]["patch"] is None


def test_attributes_and_marks_in_the_index_hide_nothing(work: Path) -> None:
    tree = work / "worktrees/api"
    (tree / ".gitattributes").write_text("*.py -diff binary\n")
    (tree / "changed.py").write_text("altogether different\n")
    (tree / "kept.py").write_text("not kept\n")
    git(tree, "update-index", "--assume-unchanged", "changed.py")
    git(tree, "update-index", "--skip-worktree", "kept.py")
    _, files = run(work)
    assert "+altogether different\n" in files["changed.py"]["patch"]
    assert "+not kept\n" in files["kept.py"]["patch"]


def test_links_are_shown_as_links(work: Path, tmp_path: Path) -> None:
    tree, secret = work / "worktrees/api", tmp_path / "secret"
    secret.write_text("the service account's token\n")
    (tree / "link").symlink_to(secret)
    (tree / "changed.py").unlink()
    (tree / "changed.py").symlink_to(secret)
    (tree / "folder").symlink_to(tmp_path)
    done = ran(work)
    assert done.returncode == 0, done.stderr
    assert "service account" not in done.stdout
    _, files = run(work)
    assert files["link"]["patch"] == f"@@ -0,0 +1,1 @@\n+{secret}\n"
    assert files["changed.py"]["status"] == "type changed"
    assert f"+{secret}\n" in files["changed.py"]["patch"]


def test_a_clone_that_is_a_link_is_not_followed(work: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (work / "repo/.git").rename(elsewhere)
    (work / "repo/.git").symlink_to(elsewhere)
    done = ran(work)
    assert done.returncode == 1
    assert "The team's clone is not there" in done.stderr and "Traceback" not in done.stderr


def test_what_is_very_large_is_cut_and_says_so(work: Path) -> None:
    tree = work / "worktrees/api"
    (tree / "changed.py").write_text("".join(f"{number:080}\n" for number in range(100_000)))
    (tree / "zz.txt").write_text("".join(f"{number:080}\n" for number in range(10_000)))
    (tree / "kept.py").write_text("after the large one\n")
    done = ran(work)
    assert len(done.stdout) < 12 * 1024 * 1024
    _, files = run(work)
    assert files["changed.py"]["cut"] and files["changed.py"]["additions"] == 100_000
    assert files["kept.py"]["cut"]
    assert files["zz.txt"]["cut"] and len(files["zz.txt"]["patch"]) < 400_000


def test_more_files_than_the_limit_are_counted(work: Path) -> None:
    tree = work / "worktrees/api"
    for number in range(2100):
        (tree / f"n{number}").touch()
    summary, files = run(work, "--stat")
    assert (len(files), summary["omitted"]) == (2000, 100)


def test_names_that_look_like_options_or_commands_to_a_terminal(work: Path) -> None:
    tree = work / "worktrees/api"
    (tree / "--output=x").write_text("a\n")
    (tree / ":(exclude)y").write_text("b\n")
    (tree / "tab\tand\x1b[31m\nline").write_text("c\n")
    git(tree, "add", "--", "./--output=x")
    git(tree, "commit", "-q", "-m", "Odd", "--no-verify")
    done = ran(work)
    assert "\x1b" not in done.stdout
    _, files = run(work)
    assert set(files) == {"--output=x", ":(exclude)y", "tab\tand\x1b[31m\nline"}
    assert files["--output=x"]["patch"] == "@@ -0,0 +1 @@\n+a\n"


@pytest.mark.parametrize(
    ("team", "why"),
    [
        ({"mode": "cowork", "repository": None}, "works on documents"),
        ({"agents": [TEAM["agents"][0]]}, "has no agent 'api'; its agents: lead"),
        (
            {"repository": {"url": "x", "branch": "gone", "worktreeStrategy": "per-teammate"}},
            "does not say which branch gone",
        ),
    ],
)
def test_where_nothing_can_be_compared_there_is_one_sentence(
    work: Path, team: dict[str, Any], why: str
) -> None:
    done = ran(work, **team)
    assert done.returncode in (1, 64)
    assert why in done.stderr and len(done.stderr.splitlines()) == 1


async def test_two_at_once_do_not_disturb_each_other_or_the_agent(work: Path) -> None:
    tree = work / "worktrees/api"
    edit(tree)
    before = git(tree, "status", "--porcelain=v2")
    results = await asyncio.gather(*(asyncio.to_thread(run, work) for _ in range(3)))
    assert results[0] == results[1] == results[2]
    assert git(tree, "status", "--porcelain=v2") == before
    assert [each.name for each in work.parent.iterdir() if each.name.startswith("kagents-diff")] == []
