"""Plugins as an agent's container is given them, and what a repository brings along switched off."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.equipment import FolderDocument
from kagents_runner.harness.claude_code.executable import UnusableError
from kagents_runner.harness.claude_code.plugins import foreign_plugins, install_plugins


def put(folder: Path, **files: str) -> Path:
    """Files with these texts, ``__`` for a slash."""
    for name, text in files.items():
        path = folder.joinpath(*name.split("__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def plugin(worktree: Path, folder: str, name: str = "finance", **files: str) -> FolderDocument:
    """A plugin in the repository."""
    manifest = worktree / folder / ".claude-plugin/plugin.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"name": name}))
    put(worktree / folder, **files)
    return FolderDocument(folder.replace("/", "-"), path=folder, kind="plugin")


def test_a_plugin_is_whole_and_what_begins_as_a_program_may_run(tmp_path: Path) -> None:
    given_ = plugin(tmp_path, "tools", scripts__run="#!/bin/sh\n", commands__a="Say.")
    [folder] = install_plugins(tmp_path / "home", [given_], tmp_path)
    assert (folder / "commands/a").read_text() == "Say."
    assert os.access(folder / "scripts/run", os.X_OK) and not (folder / "commands/a").stat().st_mode & 0o111


def test_what_is_no_longer_given_is_gone(tmp_path: Path) -> None:
    one, two = plugin(tmp_path, "one", "one"), plugin(tmp_path, "two", "two", old="x")
    home = tmp_path / "home"
    assert len(install_plugins(home, [one, two], tmp_path)) == 2
    (tmp_path / "two/old").unlink()
    [left] = install_plugins(home, [two], tmp_path)
    assert [path.name for path in left.parent.iterdir()] == ["two"]
    assert not (left / "old").exists()
    assert install_plugins(home, [], tmp_path) == () and not left.exists()


def test_one_that_was_packed_as_a_folder_is_taken_out_of_it(tmp_path: Path) -> None:
    plugin(tmp_path, "pulled/finance", README="x")
    pulled = FolderDocument("f", str(tmp_path / "pulled"), oci="h.io/f:1", kind="plugin")
    [folder] = install_plugins(tmp_path / "home", [pulled], tmp_path)
    assert (folder / "README").read_text() == "x"
    assert [path.name for path in folder.parent.iterdir()] == ["f"], "nothing unfinished is left"


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (None, "has no file .claude-plugin/plugin.json"),
        ("{}", "has no name in .claude-plugin/plugin.json"),
        ("[]", "has no name"),
        ("no JSON", "has no name"),
        ('{"name": ["x"]}', "has no name"),
    ],
)
def test_what_is_no_plugin_is_refused_in_words(tmp_path: Path, manifest: str | None, says: str) -> None:
    put(tmp_path / "tools", README="x")
    if manifest is not None:
        put(tmp_path / "tools", **{".claude-plugin__plugin.json": manifest})
    with pytest.raises(UnusableError) as refused:
        install_plugins(tmp_path / "home", [FolderDocument("t", path="tools", kind="plugin")], tmp_path)
    assert str(refused.value).startswith("The plugin t ") and says in str(refused.value)
    assert str(refused.value).endswith("look at tools.")


def test_two_that_call_themselves_the_same_are_told_apart_by_nobody(tmp_path: Path) -> None:
    both = [plugin(tmp_path, "one"), plugin(tmp_path, "two")]
    with pytest.raises(UnusableError, match="calls itself 'finance' as the plugin one does"):
        install_plugins(tmp_path / "home", both, tmp_path)


def test_no_link_leads_out(tmp_path: Path) -> None:
    given_ = plugin(tmp_path, "tools")
    (tmp_path / "tools/away").symlink_to("/etc/passwd")
    with pytest.raises(UnusableError, match="'away'"):
        install_plugins(tmp_path / "home", [given_], tmp_path)


def test_everything_that_a_repository_brings_along_is_switched_off(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    escaped = '{"enabledPlugins": {"d\\u0040m": true}}'
    put(one / ".claude", **{"settings.json": '{"enabledPlugins": {"a@m": true, "b@m": ["x"]}}'})
    put(one / ".claude", **{"settings.local.json": '// a remark\n{"enabledPlugins": {"c@m": true,}}'})
    put(two / ".claude", **{"settings.json": escaped})
    plugin(two / ".claude/skills", "folder", "called")
    put(two / ".claude/skills/plain", **{"SKILL.md": "x"})
    put(two / ".claude/skills/torn/.claude-plugin", **{"plugin.json": "{"})
    found = foreign_plugins([one, two, tmp_path / "missing"])
    ids = {"a@m", "b@m", "c@m", "d@m", "folder@skills-dir", "called@skills-dir", "torn@skills-dir"}
    assert found == dict.fromkeys(ids, False)


def test_settings_behind_a_link_are_read_as_the_cli_reads_them(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", **{"settings.json": '{"enabledPlugins": {"a@m": true}}'})
    (tmp_path / "work").mkdir()
    (tmp_path / "work/.claude").symlink_to(tmp_path / "elsewhere")
    assert foreign_plugins([tmp_path / "work"]) == {"a@m": False}
    (tmp_path / "elsewhere/settings.json").unlink()
    (tmp_path / "elsewhere/settings.json").symlink_to("settings.json")
    assert foreign_plugins([tmp_path / "work"]) == {}


@given(
    st.binary(max_size=60) | st.from_regex(r'\{"enabledPlugins": .{0,30}\}', fullmatch=True).map(str.encode)
)
def test_settings_of_any_kind_are_read(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / ".claude").mkdir()
    (folder / ".claude/settings.json").write_bytes(data)
    assert all(value is False for value in foreign_plugins([folder]).values())
