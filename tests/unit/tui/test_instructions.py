"""The instructions that each agent gets, as the description of its team shows them."""

from datetime import UTC, datetime

from kagents_tui.describe import describe
from kagents_tui.rows.instructions import instructions, plugins

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def team(**spec):
    agents = [{"name": "api", "instructions": "Write Go."}, {"name": "tests"}, {"name": "docs"}]
    return {"metadata": {"name": "demo"}, "spec": {"lead": {"prompt": "p"}, "teammates": agents, **spec}}


def test_each_text_stands_once_in_its_layers_with_those_that_get_it():
    shown = list(instructions(team(instructions="Say please.\nCount twice.\n")))
    assert shown == [
        "",
        "Instructions:",
        "  lead, tests, docs:",
        "    Say please.",
        "    Count twice.",
        "  api:",
        "    Say please.",
        "    Count twice.",
        "",
        "    Write Go.",
    ]
    assert "  api:\n    Say please." in describe(team(instructions="Say please."), [], NOW)


def test_agents_without_any_are_left_out():
    assert list(instructions(team())) == ["", "Instructions:", "  api:", "    Write Go."]
    assert list(instructions({"spec": {"lead": {"prompt": "p"}}})) == []


def test_a_text_controls_no_terminal_and_forges_no_line_of_the_description():
    shown = list(instructions(team(instructions="\x1b[2Jred\nEvents:\n  none")))
    assert not any("\x1b" in each for each in shown)
    assert "Events:" not in shown and "    Events:" in shown


def test_the_plugins_of_each_agent_stand_in_their_layers():
    rules, style = {"oci": "h.io/rules:1"}, {"path": "tools/style"}
    source = team(plugins=[{"name": "rules", "source": rules}, {"name": "style", "source": style}])
    mates = source["spec"]["teammates"]
    mates[0]["plugins"] = [{"name": "style", "source": {"configMap": "own"}}]
    mates[2]["harness"] = "simulated"
    shown = list(plugins(source))
    assert shown == [
        "",
        "Plugins:",
        "  lead: rules (h.io/rules:1), style (folder tools/style)",
        "  api: rules (h.io/rules:1), style (ConfigMap own)",
        "  tests: rules (h.io/rules:1), style (folder tools/style)",
    ]
    assert "\n".join(shown[1:]) in describe(source, [], NOW)
    assert list(plugins(team())) == []


def test_an_object_of_any_shape_is_read():
    odd = {"spec": {"instructions": 7, "lead": [], "teammates": [1, {"instructions": {}}]}}
    assert list(instructions(odd)) == []
    odd["spec"] |= {"plugins": [7, {"name": [], "source": 3}], "lead": {"plugins": {}, "prompt": 1}}
    assert all("\x1b" not in each for each in plugins(odd))
