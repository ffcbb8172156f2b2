"""The registry: no clash, everything documented, the page of keys fresh."""

from pathlib import Path

import pytest

from kagents_core.api import resources
from kagents_tui.acting import DOERS
from kagents_tui.actions import ACTIONS, BY_ID, SCREENS, SURFACES, clashes, of_screen
from kagents_tui.actions.dialogs import DIALOG_TITLES, DIALOGS
from kagents_tui.commands import (
    BY_COMMAND,
    About,
    CommandError,
    Request,
    about_of,
    complete,
    of_all_teams,
    parse,
    request_of,
)
from kagents_tui.keys_page import page
from kagents_tui.navigation import DRILLED, screen_class
from kagents_tui.screens.help import help_text
from kagents_tui.screens.view import View

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("surface", SURFACES)
def test_no_two_actions_of_a_screen_or_dialog_share_a_key(surface):
    assert clashes(of_screen(surface)) == []


def test_every_action_belongs_to_something_that_takes_keys():
    scopes = {scope for each in SURFACES.values() for scope in each}
    assert [action.id for action in ACTIONS if not scopes.issuperset(action.scopes)] == []
    assert DIALOGS.keys() == DIALOG_TITLES.keys()
    assert not SCREENS.keys() & DIALOGS.keys()


def test_a_clash_is_told_with_both_names():
    twice = [BY_ID["approve"], BY_ID["approve"]]
    assert clashes(twice) == ["the key a is claimed by approve and by approve"]


def test_every_action_is_documented_and_reachable():
    assert len(BY_ID) == len(ACTIONS)
    for action in ACTIONS:
        assert action.help, action.id
        assert action.title, action.id
        assert action.keys or action.command, action.id
        assert f"`{action.id}`" in page() or not action.keys


def test_every_act_on_a_team_is_carried_out_somewhere():
    assert {action.id for action in ACTIONS if action.target != "nothing" and not action.opens} == set(DOERS)


def test_permissions_name_known_resources():
    for action in ACTIONS:
        if action.needs:
            assert hasattr(resources, action.needs.resource)


def test_what_changes_something_has_a_permission_and_what_is_dangerous_changes_something():
    for action in ACTIONS:
        assert not action.mutates or action.needs
        assert not action.dangerous or action.mutates


@pytest.mark.parametrize("screen", SCREENS)
def test_help_lists_every_key_of_its_screen(screen):
    text = help_text(screen, read_only=False)
    for action in (*of_screen(screen), *(each for dialog in DIALOGS for each in of_screen(dialog))):
        assert action.help in text


def test_read_only_leaves_out_what_changes_something():
    text = help_text("teams", read_only=True)
    assert BY_ID["kill"].help not in text
    assert ":kill" not in text
    assert not any(action.mutates for action in of_screen("teams", read_only=True))


def test_the_page_of_keys_is_fresh():
    assert (ROOT / "docs" / "keys.md").read_text() == page(), "run: make generate"


@pytest.mark.parametrize(
    ("typed", "action", "arguments"),
    [
        ("teams", "teams", ()),
        (":q", "quit", ()),
        ("ns dev ops", "namespace", ("dev", "ops")),
        ("kill dev/auth", "kill", ("dev/auth",)),
        ("gat", "gates", ()),
        ("resume", "suspend", ()),
    ],
)
def test_command_lines(typed, action, arguments):
    command = parse(typed)
    assert (command.action.id, command.arguments) == (action, arguments)


@pytest.mark.parametrize(
    ("typed", "request_"),
    [
        ("teams", Request()),
        ("teams dev", Request(("dev",))),
        ("teams dev,ops dev", Request(("dev", "ops"))),
        ("teams all", Request(())),
        ("gates /spawn-.*", Request(None, "spawn-.*")),
        ("gates /two words @kind", Request(None, "two words", (), "kind")),
        ("t dev /a|b app=web @kind", Request(("dev",), "a|b", ("app=web",), "kind")),
        ("teams app=web tier!=1", Request(None, "", ("app=web", "tier!=1"))),
        ("teams /-l app=web", Request(None, "-l app=web")),
        ("teams /!Running", Request(None, "!Running")),
    ],
)
def test_what_follows_a_kind(typed, request_):
    assert request_of(parse(typed).arguments) == request_


@pytest.mark.parametrize("typed", ["teams a=b=c", "teams =", "teams $x=1"])
def test_a_label_that_cannot_be_read_is_told(typed):
    with pytest.raises(CommandError, match="label"):
        request_of(parse(typed).arguments)


@pytest.mark.parametrize("kind", [*(action.id for action in ACTIONS if action.opens), *DRILLED])
def test_every_kind_has_a_screen_that_can_be_made(kind):
    found = screen_class(kind)
    assert found is not None
    assert issubclass(found, View)
    assert found.kind in SCREENS


def test_no_kind_has_the_name_of_another():
    names = [name for action in ACTIONS for name in (action.command, *action.aliases) if name]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "type a command"),
        ("fly", "there is no command 'fly'"),
        ("quit now", "takes no argument"),
        ("de", "it could be"),
    ],
)
def test_lines_that_cannot_be_done_are_told_in_one_sentence(typed, why):
    with pytest.raises(CommandError, match=why):
        parse(typed)


def test_read_only_refuses_a_command_that_changes_something():
    with pytest.raises(CommandError, match="read-only"):
        parse("kill", read_only=True)


def completed(text, **more):
    known = {"namespaces": ["dev", "ops"], "contexts": ["kind"], "teams": ["dev/auth", "dev/docs"]}
    known["agents"] = lambda team: ["lead", "docs"] if team == "dev/auth" else []
    return complete(text, **(known | more))


def test_completion_knows_commands_namespaces_contexts_and_teams():
    assert completed("ga") == ["gates"]
    assert completed("ns d") == ["ns dev"]
    assert completed("gates o") == ["gates ops"]
    assert completed("gates dev @") == ["gates dev @kind"]
    assert completed("ctx ") == ["ctx kind"]
    assert completed("kill dev/a") == ["kill dev/auth"]
    assert "kill" not in completed("k", read_only=True)
    assert all(parse(line) for name in BY_COMMAND for line in completed(name)[:1])


@pytest.mark.parametrize(
    ("typed", "about"),
    [
        ("mail", About()),
        ("mail dev/auth", About("dev/auth")),
        ("mail auth /from:lead two words", About("auth", None, "from:lead two words")),
        ("tasks /test", About("", None, "test")),
        ("logs auth docs", About("auth", "docs")),
        ("kill auth", About("auth")),
    ],
)
def test_what_follows_a_command_about_a_team(typed, about):
    command = parse(typed)
    assert about_of(command.action, command.arguments) == about


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("kill auth now", r"kill takes \[TEAM\], but 'now' was given too"),
        ("logs auth docs tests", r"logs takes \[TEAM \[AGENT\]\], but 'tests' was given too"),
        ("mail dev/auth lead /x", r"mail takes \[TEAM or NAMESPACE…\] .*, but 'lead' was given too"),
        ("kill auth /x", "but '/x' was given too"),
    ],
)
def test_no_word_behind_a_command_is_passed_over(typed, why):
    command = parse(typed)
    with pytest.raises(CommandError, match=why):
        about_of(command.action, command.arguments)


@pytest.mark.parametrize(
    ("typed", "outside", "inside"),
    [
        ("mail", True, False),
        ("mail /text", True, False),
        ("mail all", True, True),
        ("mail dev", True, True),
        ("mail dev ops /text", True, True),
        ("mail tier=gold", True, True),
        ("mail @other", True, True),
        ("mail unknown @other", True, True),
        ("mail auth", False, False),
        ("mail dev/auth", False, False),
        ("mail dev/auth tier=gold", False, False),
        ("mail both", False, False),
        ("mail unknown", False, False),
        ("mail a=b=c", True, True),
    ],
)
def test_a_view_of_one_team_and_of_all_teams(typed, outside, inside):
    teams, spaces = [("dev", "auth"), ("dev", "both")], ["dev", "ops", "both"]
    words = parse(typed).arguments
    found = [of_all_teams(words, inside=each, teams=teams, spaces=spaces) for each in (False, True)]
    assert found == [outside, inside]


def test_completion_goes_from_the_team_to_its_agents():
    teams, spaces = ["dev/auth", "dev/docs", "auth", "docs"], ["dev", "ops", "all"]
    assert completed("mail ") == [f"mail {each}" for each in (*teams, *spaces)]
    assert completed("mail au") == ["mail auth"]
    assert completed("tasks o") == ["tasks ops"]
    assert completed("mail dev @") == ["mail dev @kind"]
    assert completed("mail /x ") == []
    assert completed("logs dev/auth l") == ["logs dev/auth lead"]
    assert completed("kill dev/auth ") == []
    assert "mail docs" not in completed("mail ", teams=["dev/docs", "ops/docs"])
