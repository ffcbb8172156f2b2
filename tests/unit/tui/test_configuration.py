"""The configuration file: every field, what is refused and how it is said, the page, the keys."""

from dataclasses import fields
from pathlib import Path

import pytest

from kagents_tui import configuration
from kagents_tui.actions import ACTIONS, BY_ID, shown_key
from kagents_tui.actions.keymap import DEFAULT, ImpossibleKeyError, Keymap, key_of, keymap_of
from kagents_tui.configuration import ConfigurationError, load, parse
from kagents_tui.configuration_page import default_file, page
from kagents_tui.launch import build_parser, main, options_of
from kagents_tui.settings import ContextSettings, Settings, Thresholds

ROOT = Path(__file__).parents[3]
WHOLE = """
theme: light
ascii: true
mouse: off
readOnly: yes
restore: false
notifications: off
detachKey: ctrl-x
attention:
  staleMailMinutes: 7
  silentAgentMinutes: 20
  budgetPercent: 90
contexts:
  production:
    readOnly: true
    namespaces: [a, b]
keys:
  kill: ctrl-x
  help: ['?', f1]
  sort_cost: []
"""


def test_every_field_is_read():
    found = parse(WHOLE.encode(), "f")
    assert found == Settings(
        theme="light",
        ascii=True,
        mouse=False,
        read_only=True,
        restore=False,
        notifications="off",
        detach_key="ctrl-x",
        attention=Thresholds(7, 20, 90),
        contexts={"production": ContextSettings(True, ("a", "b"))},
        keys={"kill": ("ctrl-x",), "help": ("?", "f1"), "sort_cost": ()},
    )
    assert all(getattr(found, each.name) != getattr(Settings(), each.name) for each in fields(Settings))
    assert found.of_context("production").read_only
    assert not found.of_context("another").read_only


@pytest.mark.parametrize("text", ["", "# nothing\n", "theme:\nkeys:\ncontexts:\n"])
def test_what_says_nothing_is_the_defaults(text):
    assert parse(text.encode(), "f") == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("them: 1", "f: them: there is no field 'them'; known are theme, ascii, mouse, readOnly, "),
        ("theme: blue", "f: theme: 'blue' is not possible; it is one of 'dark', 'light', 'high-contrast'"),
        ("mouse: maybe", "f: mouse: must be true or false, not 'maybe'"),
        ("attention: {budgetPercent: x}", "f: attention.budgetPercent: must be a whole number, not 'x'"),
        ("attention: {budgetPercent: 101}", "must be less than or equal to 100, not '101'"),
        ("attention: 3", "f: attention: must be fields with values, not '3'"),
        ("attention: {budget: 3}", "known are staleMailMinutes, silentAgentMinutes, budgetPercent"),
        (
            "contexts: {prod: {ro: 1}}",
            "f: contexts.prod.ro: there is no field 'ro'; known are readOnly, namesp",
        ),
        ("keys: {kil: x}", "f: keys.kil: there is no action 'kil'; did you mean kill?"),
        ("keys: {zzz: x}", "known are "),
        ("keys: {kill: foo}", "f: keys.kill: 'foo' is no key; a key is a character"),
        (
            "keys: {kill: ctrl-d}",
            "keys.kill: ctrl-d is also the key of delete (view 'teams'); give keys.delete",
        ),
        ("keys: {approve: ctrl-m}", "keys.approve: enter is also the key of open"),
        ("keys: {quit: [], interrupt: [], command: []}", "must keep a key, or the terminal cannot be left"),
        ("keys: {quit: x}", "keys.quit: holds also where text is typed"),
        ("keys: {quit: tab}", "keys.quit: holds also where text is typed, where tab types"),
        ("keys: {give_up: x}", "keys.give_up: holds also where text is typed, where x types; give it a key"),
        ("keys: {send: enter}", "keys.send: holds also where text is typed, where enter types"),
        ("keys: {text_cut: space}", "keys.text_cut: holds also where text is typed, where space types"),
        ("keys: {send: ctrl-q}", "keys.send: ctrl-q is also the key of quit (view 'message')"),
        ("keys: {answer_no: j}", "keys.answer_no: j is also the key of story_down (view 'question')"),
        (
            "keys: {prompt_complete: ctrl-a}",
            "keys.prompt_complete: ctrl-a is also the key of text_start (view 'prompt')",
        ),
        ("keys: {give_up: []}", "keys.give_up: must keep a key, or a dialog cannot be left"),
        ("theme: dark\ntheme: light", "'theme' is given twice (line 2)"),
        ("a: &x 1\nb: *x", "anchors and aliases (&, *) are not supported (line 2)"),
        ("- a", "must be fields with values"),
        ("a: [", "is not YAML that can be used"),
        ("? [a]\n: b", "a field's name must be a plain word"),
        ('theme: "\\e]0;x\\a"', "is not possible"),
    ],
)
def test_what_cannot_be_is_refused_with_field_value_and_way_out(text, said):
    with pytest.raises(ConfigurationError) as refused:
        parse(text.encode(), "f")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_the_file_is_found_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.delenv("KAGENTS_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load() == Settings()
    (tmp_path / "kagents").mkdir()
    (tmp_path / "kagents" / "config.yaml").write_text("theme: light\n")
    assert load().theme == "light"
    other = tmp_path / "other.yaml"
    other.write_text("theme: tritanopia\n")
    monkeypatch.setenv("KAGENTS_CONFIG", str(other))
    assert load().theme == "tritanopia"
    assert load(str(tmp_path / "kagents" / "config.yaml")).theme == "light"
    other.unlink()
    with pytest.raises(ConfigurationError, match=r"other\.yaml: there is no such file; .*--print-config"):
        load()


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(str(tmp_path))
    big = tmp_path / "big"
    big.write_bytes(b"#" * (configuration.SIZE_LIMIT + 1))
    with pytest.raises(ConfigurationError, match="larger than 64 KiB"):
        load(str(big))


def test_the_printed_file_reads_as_the_defaults_and_so_does_each_line_in_it():
    text = default_file()
    assert parse(text.encode(), "f") == Settings()
    keys = text[text.index("\nkeys:") :].replace("  # ", "  ")
    assert parse(keys.encode(), "f").keys.keys() == BY_ID.keys()
    contexts = text[text.index("\ncontexts:") : text.index("# Keys of an action")]
    spoken = "\n".join(line.replace("  # ", "  ") for line in contexts.split("\n") if ":" in line[:30])
    assert parse(spoken.encode(), "f").of_context("production").read_only


def test_the_page_is_fresh():
    assert (ROOT / "docs" / "configuration.md").read_text() == page(), "run: make generate"


def test_the_command_line_prints_it_and_refuses_a_wrong_file(tmp_path, capsys, monkeypatch):
    assert main(["--print-config"]) == 0
    assert capsys.readouterr().out == default_file()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("keys: {kill: ctrl-d}\n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit) as ending:
        main(["--config", str(wrong)])
    assert ending.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kagents-tui: {wrong}: keys.kill: ctrl-d is also the key of delete")
    assert said.count("\n") == 1


def test_the_command_line_wins_over_the_file():
    settings = Settings(read_only=False, ascii=False, mouse=True)
    given = build_parser().parse_args(["--read-only", "--ascii", "--no-mouse", "-n", "x"])
    options = options_of(given, settings)
    assert (options.read_only, options.ascii, options.mouse, options.namespaces) == (
        True,
        True,
        False,
        ("x",),
    )
    options = options_of(build_parser().parse_args([]), Settings(read_only=True, ascii=True, mouse=False))
    assert (options.read_only, options.ascii, options.mouse) == (True, True, False)


# Keys


def test_every_key_of_the_registry_can_be_written_as_it_is_shown():
    for action in ACTIONS:
        assert tuple(key_of(shown_key(key)) for key in action.keys) == action.keys


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("ctrl-K", "ctrl+k"),
        ("Ctrl+k", "ctrl+k"),
        ("shift-g", "G"),
        ("shift-tab", "shift+tab"),
        ("shift-ctrl-up", "ctrl+shift+up"),
        ("ctrl-i", "tab"),
        ("ctrl-m", "enter"),
        ("-", "minus"),
        ("ctrl--", "ctrl+minus"),
        ("+", "plus"),
        ("ctrl-space", "ctrl+space"),
        ("[", "left_square_bracket"),
        ("ctrl-\\", "ctrl+backslash"),
        ("ESC", "escape"),
        ("ä", "ä"),
        ("F5", "f5"),
        ("question_mark", "question_mark"),
    ],
)
def test_keys_are_written_as_people_write_them(written, key):
    assert key_of(written) == key


@pytest.mark.parametrize("written", ["", "foo", "ctrl-", "hyper-x", "\x1b", "f25", "kk"])
def test_what_is_no_key_is_refused(written):
    with pytest.raises(ImpossibleKeyError, match="is no key"):
        key_of(written)


def test_two_actions_may_swap_their_keys():
    keymap = keymap_of({"approve": ["r"], "deny": ["a"]})
    assert keymap.words("approve") == "r"
    assert keymap.words("deny") == "a"
    assert DEFAULT.words("approve") == "a"


def test_an_action_without_a_key_stays_on_the_command_line():
    keymap = keymap_of({"kill": []})
    assert keymap.words("kill") == ":kill"
    assert keymap.for_textual() == {"kill-0": "no-key-kill"}
    assert keymap_of({"down": ["X", "f9", "f10"]}).for_textual() == {
        "down-0": "X,f9,f10",
        "down-1": "no-key-down",
    }


def test_every_action_can_get_another_key():
    for action in ACTIONS:
        if not action.numbered:
            assert (
                Keymap({action.id: ("f19",)}).apply(action).keys
                == keymap_of({action.id: ["f19"]}).apply(action).keys
            )


@pytest.mark.parametrize("key", ["x", "ctrl-m", "ctrl-"])
def test_a_key_that_cannot_detach_is_refused(key):
    with pytest.raises(ConfigurationError, match="detachKey: "):
        parse(f"detachKey: {key}".encode(), "f")


def test_half_of_a_character_is_refused_with_its_line():
    with pytest.raises(ConfigurationError, match=r"half of a character .* stands alone \(line 2\)"):
        configuration.parse(b'ascii: on\ntheme: "\\ud800"\n', "config.yaml")
