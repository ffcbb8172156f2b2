"""What is remembered: written whole, bounded, shared by several terminals, set aside when it is broken."""

import json
import os
import stat

import pytest

from kagents_tui import memory as module
from kagents_tui.memory import Memory, Seen, locked, usual_file
from kagents_tui.places import Look, Place
from kagents_tui.taste import Taste, taste_of


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "kagents" / "terminal.json"


def used(file, **changes):
    memory = Memory(file).load()
    for name, value in changes.items():
        setattr(memory, name, value)
    return memory


def test_what_was_seen_is_there_again(file):
    first = used(
        file, place=Place("gates", look=Look("x", ("a=b",), "COST", True, True, True)), context="dev"
    )
    first.root = Place("teams", look=Look(filter="^dev"))
    first.see("dev", Seen(("a", "b"), ("b",)))
    first.commands += ["teams dev", "ns a"]
    first.save()
    again = Memory(file).load()
    assert (again.place, again.root, again.context) == (first.place, first.root, "dev")
    assert again.contexts == {"dev": Seen(("a", "b"), ("b",))}
    assert again.commands == ["teams dev", "ns a"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".")] == []


def test_two_terminals_keep_what_each_did(file):
    first, second = Memory(file).load(), Memory(file).load()
    first.see("dev", Seen(("a",)))
    first.commands.append("one")
    second.see("prod", Seen(("b",)))
    second.commands.append("two")
    first.save()
    second.save()
    first.commands.append("three")
    first.save()
    again = Memory(file).load()
    assert again.contexts == {"prod": Seen(("b",)), "dev": Seen(("a",))}
    assert again.commands == ["one", "two", "three"]


def test_what_was_chosen_holds_and_another_terminals_choice_too(file):
    first, second = Memory(file).load(), Memory(file).load()
    assert first.taste == Taste()
    first.choose(theme="light", instead="dark")
    first.choose(wrap=False)
    second.choose(stamps=False)
    first.save()
    second.save()
    first.commands.append("x")
    second.choose(wrap=True)
    second.save()
    first.save()
    assert first.taste == Taste("light", "dark", wrap=False)
    assert Memory(file).load().taste == Taste("light", "dark", wrap=True, stamps=False)


def test_the_theme_that_holds_is_the_later_of_the_chosen_and_the_configured_one():
    assert Taste().theme_over("light") == "light"
    assert Taste("tritanopia", "light").theme_over("light") == "tritanopia"
    assert Taste("tritanopia", "light").theme_over("dark") == "dark"


@pytest.mark.parametrize("document", [None, 3, [], {"theme": 7, "wrap": 0, "stamps": "no", "instead": None}])
def test_a_taste_that_cannot_be_read_is_none(document):
    assert taste_of(document) == Taste()


def test_an_unknown_theme_is_none():
    assert taste_of({"theme": "neon", "instead": "dark"}).theme_over("dark") == "dark"


def test_nothing_is_written_when_nothing_was_done(file):
    memory = Memory(file).load()
    memory.save()
    assert not file.exists()
    memory.commands.append("x")
    memory.save()
    before = file.stat().st_mtime_ns, file.stat().st_ino
    memory.save()
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 2}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"x" * (module.SIZE_LIMIT + 1),
    ],
)
def test_a_broken_file_is_set_aside_and_said(file, content):
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    memory = Memory(file).load()
    assert "could not be used and is now terminal.unusable" in memory.remark
    assert file.with_suffix(".unusable").read_bytes() == content
    memory.commands.append("x")
    memory.save()
    assert Memory(file).load().commands == ["x"]


def test_fields_of_the_wrong_type_read_as_absent(file):
    file.parent.mkdir(parents=True)
    document = {
        "version": 1,
        "place": 3,
        "root": {"kind": 1},
        "contexts": {"a": 7, "b": {"namespaces": [1, "n"]}},
    }
    file.write_text(json.dumps({**document, "commands": [1, "x", None], "context": None}))
    memory = Memory(file).load()
    assert (memory.place, memory.root, memory.context, memory.remark) == (None, None, "", "")
    assert memory.contexts == {"a": Seen(), "b": Seen(("n",))}
    assert memory.commands == ["x"]


def test_the_file_is_bounded(file):
    memory = Memory(file).load()
    memory.commands += ["y" * 10_000] * 1000
    for number in range(500):
        memory.see(f"context-{number}", Seen(tuple(f"n{each}" for each in range(1000))))
    memory.save()
    again = Memory(file).load()
    assert len(again.commands) == module.COMMANDS
    assert len(again.contexts) == module.CONTEXTS
    assert "context-499" in again.contexts
    assert file.stat().st_size < module.SIZE_LIMIT


def test_a_file_that_cannot_be_written_or_read_is_no_error(tmp_path):
    memory = Memory(tmp_path / "file" / "terminal.json")
    (tmp_path / "file").write_text("no directory")
    memory.load()
    memory.commands.append("x")
    memory.save()
    directory = tmp_path / "terminal.json"
    directory.mkdir()
    assert "cannot be read" in Memory(directory).load().remark


def test_without_a_file_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    memory = Memory().load()
    memory.commands.append("x")
    memory.save()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_another_holds_is_not_waited_for_without_end(tmp_path):
    waits = []
    with locked(tmp_path / "lock") as held, locked(tmp_path / "lock", waits.append) as second:
        assert (held, second) == (True, False)
    assert len(waits) == module.LOCK_TRIES
    with locked(tmp_path / "lock") as held:
        assert held


def test_a_link_in_place_of_the_new_file_is_not_followed(file, tmp_path):
    file.parent.mkdir(parents=True)
    (file.parent / f".{file.name}.{os.getpid()}").symlink_to(tmp_path / "target")
    memory = Memory(file).load()
    memory.commands.append("x")
    memory.save()
    assert not (tmp_path / "target").exists()


def test_the_usual_place(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert usual_file() == tmp_path / "kagents" / "terminal.json"
