"""The command line itself: help, usage errors, versions, and what the connection options mean."""

import subprocess
import sys

import pytest

from kagents_tui.cli.command import build_parser

VERBS = [
    "apply",
    "get",
    "describe",
    "approve",
    "deny",
    "kill",
    "delete",
    "suspend",
    "resume",
    "send",
    "tail",
    "logs",
    "wait",
    "local",
    "version",
]


def test_every_verb_has_help_and_examples(kagents):
    listed = kagents("--help").out
    for verb in VERBS:
        assert f"    {verb} " in listed
        if verb != "local":
            ran = kagents(verb, "--help")
            assert ran.code == 0
            assert "examples:" in ran.out
            assert f"kagents {verb}" in ran.out


def test_help_tells_the_exit_codes(kagents):
    text = kagents("--help").out
    assert "exit codes:" in text
    assert all(f"\n  {code}  " in text for code in range(7))


@pytest.mark.parametrize(
    "arguments",
    [(), ("bogus",), ("get",), ("get", "pods"), ("tail",), ("tail", "x", "--after", "-1"), ("apply",)],
)
def test_usage_errors_are_one_line(arguments, kagents):
    ran = kagents(*arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "--help" in ran.err


def test_help_loads_nothing_heavy():
    heavy = ("aiohttp", "pydantic", "textual", "yaml", "orjson", "asyncio")
    script = f"import sys, kagents_tui.cli; print([name for name in {heavy!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_connection_options_reach_the_connection(with_team, kagents):
    kagents("get", "teams", "--context", "kind-dev", "--kubeconfig", "/x")
    assert (with_team.choice.context, with_team.choice.kubeconfig, with_team.choice.local) == (
        "kind-dev",
        "/x",
        False,
    )
    kagents("--local", "get", "teams")
    assert with_team.choice.local
    kagents("get", "teams", "--data", "/d")
    assert (with_team.choice.local, with_team.choice.data) == (True, "/d")
    assert kagents("get", "teams", "--local", "--context", "x").code == 2


def test_a_name_and_all_namespaces_do_not_go_together(with_team, kagents):
    assert kagents("get", "teams", "q3-report", "-A").code == 2


def test_version(cluster, kagents):
    found = kagents("version", "-o", "json").json()
    assert found["server"] == "v1.36.0-fake"
    assert set(kagents("version", "--client", "-o", "json").json()) == {"client"}


def test_the_parser_can_be_walked():
    assert build_parser().prog == "kagents"
