"""The command line of kagents-tui, what it imports before the first frame, and the demonstration."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from kagents_core.api.validation import validate
from kagents_core.kube.errors import AlreadyExists
from kagents_core.kube.paging import ObjectList
from kagents_tui import demo
from kagents_tui.connection import Choice
from kagents_tui.launch import Connector, build_parser, main

ROOT = Path(__file__).parents[3]
KAGENTS_TUI = Path(sys.executable).with_name("kagents-tui")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["-n", "a", "-A"], "-n and -A contradict each other"),
        (["--local", "--context", "x"], "--local uses the embedded engine"),
        (["--data", "d", "--kubeconfig", "x"], "--local uses the embedded engine"),
        (["--demo-team", "--context", "x"], "--demo-team uses the embedded engine"),
        (["--demo-team", "--read-only"], "--read-only forbids"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_options_that_contradict_each_other_are_told_in_one_line(arguments, why, capsys):
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    said = capsys.readouterr().err
    assert ending.value.code == 2
    assert why in said
    assert said.count("\n") == 1


def test_every_option_is_explained():
    for action in build_parser()._actions:
        assert action.help, action.dest


def run(*arguments):
    environment = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    return subprocess.run(
        [KAGENTS_TUI, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )


def test_without_a_terminal_it_names_the_other_command():
    ran = run()
    assert ran.returncode == 2
    assert ran.stderr == "kagents-tui: this is not a terminal; `kagents` does the same in plain lines\n"


def test_the_version_is_printed():
    ran = run("--version")
    assert (ran.returncode, ran.stdout.split()[0]) == (0, "kagents-tui")


def test_what_the_first_frame_does_not_need_is_imported_after_it():
    code = (
        "import sys, kagents_tui.launch, kagents_tui.app, kagents_tui.screens.teams\n"
        "heavy = ('aiohttp', 'pydantic', 'yaml', 'cryptography', 'kagents_core.kube.client',\n"
        "         'kagents_tui.journal_view', 'kagents_tui.acting')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[]\n", ran.stderr


def test_garbage_is_collected_after_the_start_even_without_a_connection():
    code = (
        "import gc, kagents_tui.ending as ending\n"
        "ending.COLLECT_SECONDS = 0.0\n"
        "class App:\n"
        "    return_code = 0\n"
        "    def run(self, *, mouse, loop):\n"
        "        loop.run_until_complete(__import__('asyncio').sleep(0.01))\n"
        "        print(gc.isenabled())\n"
        "gc.disable()\n"
        "ending.run(App(), mouse=False)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "True\n", ran.stderr


def test_what_was_made_at_the_start_is_not_looked_at_again():
    code = (
        "import gc, kagents_tui.launch as launch\n"
        "gc.disable()\n"
        "launch.settle()\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "True True\n", ran.stderr


def test_the_contexts_are_the_kubeconfigs_and_the_engine(tmp_path):
    config = tmp_path / "config"
    config.write_text("contexts:\n- {name: dev, context: {cluster: c}}\n")
    assert Connector(Choice(kubeconfig=str(config))).contexts() == ["dev", "kagents-local"]
    assert Connector(Choice(kubeconfig=str(tmp_path / "none"))).contexts() == ["kagents-local"]


# The demonstration


def test_the_demonstration_is_valid_and_is_the_example():
    team = demo.manifest()
    assert validate(team) == []
    shipped = (files("kagents_tui") / demo.MANIFEST).read_bytes()
    assert (ROOT / "examples" / "02-gate.yaml").read_bytes() == shipped, "copy one over the other"


class Cluster:
    """Teams by name; ``hidden`` ones are taken although no list shows them."""

    def __init__(self, *teams, hidden=()):
        self.teams = list(teams)
        self.hidden = set(hidden)

    async def list(self, resource, namespace):
        return ObjectList(self.teams, "1")

    async def create(self, resource, namespace, body):
        if body["metadata"]["name"] in self.hidden:
            raise AlreadyExists(409, "AlreadyExists", "it exists")
        self.teams.append(body)
        return body


def team(name, phase=None, created="2026-11-21T10:00:00Z"):
    metadata = {"namespace": "default", "name": name, "creationTimestamp": created}
    return {"metadata": metadata, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("cluster", "name"),
    [
        (Cluster(), "demonstration"),
        (Cluster(team("demonstration", "Running")), "demonstration"),
        (Cluster(team("demonstration")), "demonstration"),
        (Cluster(team("demonstration", "Completed")), "demonstration-2"),
        (Cluster(team("demonstration", "Failed"), team("demonstration-2", "Running")), "demonstration-2"),
        (Cluster(hidden=["demonstration"]), "demonstration-2"),
        (Cluster(team("another", "Running")), "demonstration"),
    ],
)
async def test_a_demonstration_that_works_is_shown_and_a_finished_one_is_made_under_a_new_name(cluster, name):
    assert await demo.ensure_team(cluster) == ("default", name)
