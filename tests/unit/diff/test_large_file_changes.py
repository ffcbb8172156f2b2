"""Git LFS in ``kagents-runner diff``: content that git keeps a pointer to is no change, anything else is."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the repository of those tests is made here too

from test_diff import git, run

POINTER = "version https://git-lfs.github.com/spec/v1\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A clone whose worktree for ``api`` has the content of two large files, as Git LFS puts it there."""
    if shutil.which("git-lfs") is None:
        assert os.environ.get("CI") != "true", "CI needs git-lfs: run tools/install-test-packages"
        pytest.skip("no git-lfs: install it, or run tools/install-test-packages")
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    git(origin, "lfs", "install", "--local")
    git(origin, "lfs", "track", "*.bin")
    (origin / "one.bin").write_text("one\n")
    (origin / "two.bin").write_bytes(os.urandom(100_000))
    (origin / "plain.txt").write_text("plain\n")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "Begin")
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "clone", "-q", "--no-checkout", str(origin), "repo")
    git(folder / "repo", "lfs", "install", "--local")
    shutil.copytree(origin / ".git/lfs", folder / "repo/.git/lfs", dirs_exist_ok=True)
    tree = str(folder / "worktrees/api")
    git(folder / "repo", "worktree", "add", "-q", "-b", "kagents/demo/api", tree, "origin/main")
    return folder


def test_content_in_its_place_is_no_change(work: Path) -> None:
    tree = work / "worktrees/api"
    assert (tree / "one.bin").read_text() == "one\n"
    assert git(tree, "show", "HEAD:one.bin").startswith(POINTER)
    summary, files = run(work)
    assert (files, summary["files"]) == ({}, 0)


def test_pointers_that_were_never_replaced_are_no_change(work: Path) -> None:
    tree = work / "worktrees/api"
    for name in ("one.bin", "two.bin"):
        (tree / name).write_text(git(tree, "show", f"HEAD:{name}"))
    assert run(work)[1] == {}


def test_committed_and_new_content_are_told_apart(work: Path) -> None:
    tree = work / "worktrees/api"
    (tree / "one.bin").write_text("other\n")
    (tree / "three.bin").write_text("three\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "Work")
    (tree / "two.bin").write_bytes(b"\0two")
    _, files = run(work)
    assert {path: (each["status"], each["uncommitted"]) for path, each in files.items()} == {
        "one.bin": ("modified", False),
        "three.bin": ("added", False),
        "two.bin": ("modified", True),
    }
    assert f"+{POINTER.rstrip()}" in files["three.bin"]["patch"]


def no_attributes(tree: Path) -> None:
    (tree / ".gitattributes").write_text("")


def not_quite_a_pointer(tree: Path) -> None:
    text = git(tree, "show", "HEAD:one.bin")
    git(tree, "config", "filter.lfs.clean", "cat")
    git(tree, "config", "--unset", "filter.lfs.process")
    (tree / "one.bin").write_text(f"{text}and more\n")
    git(tree, "add", "one.bin")
    git(tree, "commit", "-q", "-m", "More")
    (tree / "one.bin").write_text("one\n")


def a_link(tree: Path) -> None:
    (tree / "one.bin").rename(tree / "elsewhere.txt")
    (tree / "one.bin").symlink_to("elsewhere.txt")


def same_size(tree: Path) -> None:
    (tree / "one.bin").write_text("two\n")


@pytest.mark.parametrize("change", [no_attributes, not_quite_a_pointer, a_link, same_size])
def test_nothing_hides_behind_a_pointer(work: Path, change: Callable[[Path], None]) -> None:
    change(work / "worktrees/api")
    files = run(work)[1]
    assert files["one.bin"]["uncommitted"]
