"""``kagents-runner setup``: once in every worktree, its output kept, and nothing to steal in its reach."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from runner_places import Place

COUNT = "echo began; echo x >> set-up; echo done"


@pytest.fixture
def setting(coding: Place) -> Place:
    """A prepared coding team with a setup command."""
    return with_command(coding, "sh", "-c", COUNT)


def with_command(place: Place, *command: str, **fields: Any) -> Place:
    assert place.repository is not None
    place.repository |= {"setupCommand": list(command), **fields}
    place.prepare()
    assert not place.layout.ready.exists(), "agents must wait for the setup command"
    return place


def trees(place: Place) -> list[Path]:
    return sorted((place.work / "worktrees").iterdir())


def test_it_runs_once_in_every_worktree_and_its_output_is_kept(setting: Place) -> None:
    ran = setting.run("setup")
    assert ran.code == 0, ran.err
    assert setting.layout.ready.exists()
    assert [(tree / "set-up").read_text() for tree in trees(setting)] == ["x\n", "x\n"]
    assert (setting.work / "setup/scout.log").read_text() == "began\ndone\n"
    assert "began" in ran.out
    for verb in ("prepare", "setup"):
        assert setting.run(verb).code == 0
    assert (trees(setting)[0] / "set-up").read_text() == "x\n"


def test_a_shared_worktree_is_set_up_once(coding: Place) -> None:
    with_command(coding, "sh", "-c", COUNT, worktreeStrategy="shared")
    assert coding.run("setup").code == 0
    assert (coding.work / "worktrees/shared/set-up").read_text() == "x\n"


def test_a_failure_is_one_sentence_and_only_what_failed_is_done_again(coding: Place) -> None:
    at_scout = "echo x >> set-up; case $PWD in */lead) ;; *) echo 'no compiler' >&2; exit 3 ;; esac"
    with_command(coding, "sh", "-c", at_scout)
    for _ in range(2):
        ran = coding.run("setup")
        assert ran.code == 64
        assert "setupCommand ended with 3 in the worktree scout: no compiler" in ran.sentence
    assert not coding.layout.ready.exists()
    assert [(tree / "set-up").read_text() for tree in trees(coding)] == ["x\n", "x\nx\n"]


def test_a_program_that_is_not_there_is_one_sentence(coding: Place) -> None:
    with_command(coding, "no-such-program")
    ran = coding.run("setup")
    assert ran.code == 64
    assert "no-such-program cannot be started" in ran.sentence


def test_no_shell_reads_the_command(coding: Place) -> None:
    with_command(coding, "touch", "$(touch PWNED); `x`")
    assert coding.run("setup").code == 0
    assert (trees(coding)[0] / "$(touch PWNED); `x`").exists()
    assert not (trees(coding)[0] / "PWNED").exists()


def test_the_command_gets_none_of_our_variables(coding: Place) -> None:
    coding.variables["SOME_TOKEN"] = "canary-7f3a"
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    with_command(coding, sys.executable, "-c", show)
    ran = coding.run("setup")
    assert ran.code == 0, ran.err
    variables = json.loads((coding.work / "setup/lead.log").read_text())
    assert {"PATH", "HOME"} <= set(variables)
    assert not [name for name in variables if name.startswith(("KAGENTS_", "GIT_", "SOME_"))]
    assert not Path(variables["HOME"]).exists(), "its home goes with it"


def test_what_it_leaves_running_ends_with_it(coding: Place) -> None:
    with_command(coding, "sh", "-c", "sleep 600 & echo $! > background; echo started")
    assert coding.run("setup").code == 0
    pid = int((trees(coding)[0] / "background").read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_its_output_controls_no_terminal(coding: Place) -> None:
    with_command(coding, "printf", "\\033]0;owned\\007text\n")
    ran = coding.run("setup")
    assert "\x1b" not in ran.out and "text" in ran.out
