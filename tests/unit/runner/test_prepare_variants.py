"""``prepare``: what a branch may name, shallow clones, remotes, submodules, large files, a shared tree."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runner_places import Place, git, make_repository

pytestmark = pytest.mark.long


@pytest.fixture
def prepared(coding: Place) -> Callable[..., Path]:
    """Prepares with these fields of the repository; the scout's worktree."""

    def prepare(**fields: Any) -> Path:
        assert coding.repository is not None
        coding.repository |= fields
        coding.prepare()
        return coding.work / "worktrees" / "scout"

    return prepare


def commit(repository: Path, name: str, text: str) -> str:
    (repository / name).write_text(text)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", f"Write {name}")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def source(tmp_path: Path, coding: Place) -> Path:
    """The repository with a history: a tag, an annotated tag, and a commit that no branch holds."""
    found = tmp_path / "source"
    git(found, "tag", "v1")
    commit(found, "two", "2")
    git(found, "tag", "-a", "v2", "-m", "Two")
    commit(found, "three", "3")
    git(found, "checkout", "-q", "--detach")
    commit(found, "loose", "x")
    git(found, "tag", "loose")
    git(found, "checkout", "-q", "main")
    return found


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("name", ["main", "v1", "v2", "loose"])
@pytest.mark.parametrize("by", ["name", "commit"])
def test_a_branch_a_tag_or_a_commit(
    source: Path, prepared: Callable[..., Path], name: str, by: str, depth: int | None
) -> None:
    wanted = git(source, "rev-parse", f"{name}^{{commit}}")
    if by == "commit" and name == "loose":
        git(source, "tag", "-d", "loose")
    tree = prepared(branch=name if by == "name" else wanted, depth=depth)
    assert git(tree, "rev-parse", "HEAD") == wanted
    assert git(tree, "rev-parse", f"origin/{name if by == 'name' else wanted}") == wanted


def test_a_short_commit(source: Path, prepared: Callable[..., Path]) -> None:
    wanted = git(source, "rev-parse", "v1")
    assert git(prepared(branch=wanted[:10]), "rev-parse", "HEAD") == wanted


@pytest.mark.parametrize("name", ["0" * 40, "abcdef1", "f" * 64])
def test_a_commit_that_is_not_there_is_one_sentence(coding: Place, name: str) -> None:
    assert coding.repository is not None
    coding.repository["branch"] = name
    ran = coding.run("prepare")
    assert ran.code == 64
    assert f"has no branch, tag or commit {name!r}" in ran.sentence


def test_a_shallow_clone_has_so_many_commits(source: Path, prepared: Callable[..., Path]) -> None:
    assert git(prepared(depth=2), "rev-list", "--count", "HEAD") == "2"


def test_remotes_are_fetched(prepared: Callable[..., Path], tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other", branch="theirs")
    tree = prepared(remotes=[{"name": "upstream", "url": other.as_uri()}])
    assert git(tree, "rev-parse", "upstream/theirs") == git(other, "rev-parse", "HEAD")
    assert git(tree, "remote", "get-url", "upstream") == other.as_uri()


def test_a_remote_that_is_not_there_is_named(coding: Place) -> None:
    assert coding.repository is not None
    coding.repository["remotes"] = [{"name": "upstream", "url": "file:///nowhere"}]
    ran = coding.run("prepare")
    assert ran.code == 64
    assert ran.sentence.startswith("spec.repository.remotes, upstream: ")


def test_one_worktree_for_all(coding: Place, prepared: Callable[..., Path]) -> None:
    prepared(worktreeStrategy="shared")
    tree = coding.work / "worktrees" / "shared"
    assert [path.name for path in (coding.work / "worktrees").iterdir()] == ["shared"]
    assert git(tree, "symbolic-ref", "--short", "HEAD") == "kagents/demo/shared"
    assert "worktrees/shared" in coding.layout.config.read_text()


# Submodules


def add_submodule(repository: Path, url: str, path: str) -> None:
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, path)
    git(repository, "commit", "-q", "-m", f"Add {path}")


@pytest.fixture
def modules(tmp_path: Path, coding: Place) -> Path:
    """The repository with a submodule, by a relative address, that has one itself."""
    inner = make_repository(tmp_path / "inner")
    outer = make_repository(tmp_path / "outer")
    add_submodule(outer, inner.as_uri(), "deep/inner")
    source = tmp_path / "source"
    add_submodule(source, "../outer", "libs/outer")
    return source


def test_submodules_are_in_every_worktree_without_the_network(
    modules: Path, coding: Place, prepared: Callable[..., Path], tmp_path: Path
) -> None:
    scout = prepared()
    for tree in (scout, coding.work / "worktrees" / "lead"):
        assert (tree / "libs/outer/README.md").read_text() == "hello\n"
        assert (tree / "libs/outer/deep/inner/README.md").read_text() == "hello\n"
        assert git(tree, "status", "--porcelain") == ""
    assert git(scout / "libs/outer", "remote", "get-url", "origin") == (tmp_path / "outer").as_uri()
    identity = ["git", "config", "user.name"]
    named = subprocess.run(identity, cwd=scout / "libs/outer", capture_output=True, text=True, check=True)
    assert named.stdout.strip() == "scout (kagents)"


def test_a_submodules_commit_that_no_branch_holds_is_fetched(
    modules: Path, prepared: Callable[..., Path], tmp_path: Path
) -> None:
    pinned = modules / "libs" / "outer"
    wanted = commit(pinned, "loose", "x")
    git(pinned, "push", "-q", (tmp_path / "outer").as_uri(), "HEAD:refs/keep/it")
    git(modules, "commit", "-q", "-a", "-m", "Pin")
    assert git(prepared() / "libs/outer", "rev-parse", "HEAD") == wanted


def test_without_submodules(modules: Path, prepared: Callable[..., Path]) -> None:
    assert list((prepared(submodules=False) / "libs/outer").iterdir()) == []


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ext::sh -c touch% PWNED", "is not allowed"),
        ("--upload-pack=touch PWNED", "is not allowed"),
        ("-oProxyCommand=touch PWNED:x", "is not allowed"),
        ("ssh://-oProxyCommand=touch%20PWNED/x", "is not allowed"),
        ("../../../../../../../../../../../x", "is not allowed"),
        ("https://user:secret-canary@example.invalid/x", "is not allowed"),
        ("file:///nowhere", "was not found"),
    ],
)
def test_a_hostile_submodule_is_one_sentence(
    coding: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, sentence: str
) -> None:
    monkeypatch.chdir(coding.root)
    source = tmp_path / "source"
    (source / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = "{url}"\n')
    pinned = git(source, "rev-parse", "HEAD")
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{pinned},x")
    git(source, "add", ".gitmodules")
    git(source, "commit", "-q", "-m", "Trap")
    ran = coding.run("prepare")
    assert ran.code == 64
    assert sentence in ran.sentence and "spec.repository.submodules" in ran.sentence
    assert "secret-canary" not in ran.sentence + ran.out + ran.err
    assert list(tmp_path.rglob("PWNED*")) == []


@pytest.mark.parametrize("name", ["../../hooks", "x=y\\nz", "a.b"])
def test_a_submodules_name_reaches_no_path_and_no_option(
    coding: Place, tmp_path: Path, prepared: Callable[..., Path], name: str
) -> None:
    source, inner = tmp_path / "source", make_repository(tmp_path / "inner")
    (source / ".gitmodules").write_text(f'[submodule "{name}"]\n\tpath = x\n\turl = {inner.as_uri()}\n')
    pinned = git(inner, "rev-parse", "HEAD")
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{pinned},x")
    git(source, "add", ".gitmodules")
    git(source, "commit", "-q", "-m", "Trap")
    tree = prepared()
    assert (tree / "x").is_dir()
    assert not (coding.work / "repo" / ".git" / "hooks" / "HEAD").exists()
    assert (tree / "x/README.md").exists() is (".." not in name)


# Large files


@pytest.fixture
def large(tmp_path: Path, coding: Place) -> Path:
    """The repository with one large file."""
    if shutil.which("git-lfs") is None:
        assert os.environ.get("CI") != "true", "CI needs git-lfs: run tools/install-test-packages"
        pytest.skip("no git-lfs: install it, or run tools/install-test-packages")
    source = tmp_path / "source"
    git(source, "lfs", "install", "--local")
    git(source, "lfs", "track", "*.bin")
    commit(source, "big.bin", "large content\n")
    assert "version https://git-lfs" in git(source, "show", "HEAD:big.bin")
    return source


def test_large_files_are_there(large: Path, prepared: Callable[..., Path]) -> None:
    tree = prepared()
    assert (tree / "big.bin").read_text() == "large content\n"
    assert git(tree, "status", "--porcelain") == ""
    commit(tree, "more.bin", "more\n")
    assert "version https://git-lfs" in git(tree, "show", "HEAD:more.bin")


def test_without_large_files(large: Path, prepared: Callable[..., Path]) -> None:
    assert "version https://git-lfs" in (prepared(lfs=False) / "big.bin").read_text()


def test_a_machine_without_git_lfs_says_the_way_out(large: Path, coding: Place, tmp_path: Path) -> None:
    only = tmp_path / "only-git"
    only.mkdir()
    for name in ("git", "sh"):
        (only / name).symlink_to(str(shutil.which(name)))
    coding.variables["PATH"] = str(only)
    ran = coding.run("prepare")
    assert ran.code == 64
    assert "no git-lfs" in ran.sentence and "spec.repository.lfs" in ran.sentence


def test_where_the_repository_says_its_large_files_lie_is_not_obeyed(
    large: Path, coding: Place, prepared: Callable[..., Path], tmp_path: Path
) -> None:
    (large / ".lfsconfig").write_text("[lfs]\n\turl = https://example.invalid/elsewhere\n")
    git(large, "add", ".")
    git(large, "commit", "-q", "-m", "Point elsewhere")
    assert (prepared() / "big.bin").read_text() == "large content\n"
