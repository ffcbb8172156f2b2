"""Completion: what can come next on a line, and the scripts in the shells that are there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kagents_tui.cli import kubectl
from kagents_tui.cli.command import build_parser
from kagents_tui.cli.completing import FILES, FOLDERS, Candidate, candidates
from kagents_tui.cli.completion import SCRIPTS
from kagents_tui.cli.names import names

KNOWN = {
    "teams": ["auth-refactor", "q3-report"],
    "agents": ["lead", "researcher"],
    "gates": ["spawn-writer"],
    "namespaces": ["dev-agents", "ops-agents"],
    "contexts": ["kind-dev"],
}


def completed(*words):
    asked = []

    def give(kind, line):
        asked.append((kind, line.options.get("namespace"), tuple(line.arguments)))
        return [Candidate(name) for name in KNOWN[kind]]

    found = candidates(build_parser(), words, give)
    return (found if isinstance(found, str) else [each.word for each in found]), asked


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("ap",), ["apply", "approve"]),
        (("get", "ga"), ["gates"]),
        (("get", "mail", "q"), ["q3-report"]),
        (("mail", ""), ["auth-refactor", "q3-report"]),
        (("mail", "--state", "un"), ["unread"]),
        (("mail", "--thr"), ["--threads"]),
        (("mail", "q3-report", ""), []),
        (("-n", "d"), ["dev-agents"]),
        (("--context", ""), ["kind-dev"]),
        (("send", "q3-report", "r"), ["researcher"]),
        (("approve", "q3-report", ""), ["spawn-writer"]),
        (("apply", "-f", "x"), FILES),
        (("get", "teams", "--data", ""), FOLDERS),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("wait", "q3-report", "--for", "C"), ["Completed"]),
        (("--bogus", "ap"), ["apply", "approve"]),
    ],
)
def test_what_can_come_next(words, found):
    assert completed(*words)[0] == found


def test_names_are_asked_for_where_the_line_says():
    assert completed("-n", "ops-agents", "send", "q3-report", "")[1] == [
        ("agents", "ops-agents", ("q3-report",))
    ]
    assert completed("send", "--namespace=ops-agents", "q3-report", "")[1][0][1] == "ops-agents"
    assert completed("get", "te")[1] == []


def test_names_that_cannot_be_had_are_no_error(tmp_path, monkeypatch, capfd):
    config = tmp_path / "config"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: far\n"
        "clusters: [{name: far, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "contexts: [{name: far, context: {cluster: far}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert [each.word for each in candidates(build_parser(), ["mail", ""], names)] == []
    assert [each.word for each in candidates(build_parser(), ["--context", ""], names)] == ["far"]
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KAGENTS_DATA", str(tmp_path / "data"))
    assert candidates(build_parser(), ["mail", ""], names) == []
    assert not (tmp_path / "data").exists(), "completion starts no engine"
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """kagents and its plugin of kubectl on PATH, as an installation has them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, call in (
        ("kagents", "from kagents_tui.cli import main"),
        ("kubectl-kagents", "from kagents_tui.cli.kubectl import main"),
        ("kubectl_complete-kagents", "from kagents_tui.cli.kubectl import complete as main"),
    ):
        program = folder / name
        program.write_text(f"#!{sys.executable}\nimport sys\n{call}\nsys.exit(main())\n")
        program.chmod(0o755)
    (tmp_path / "kubeconfig-near").write_text("")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KAGENTS_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return folder


def shell(*command, stdin=None):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, input=stdin)
    assert ran.stderr == ""
    return ran.stdout.split()


BASH = """
source <(kagents completion bash)
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_kagents
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("kagents ap", ["apply", "approve"]),
        ("kagents mail --state ''", ["waiting", "delivered", "seen", "unread"]),
        ("kagents apply -f kubeconfig", ["kubeconfig-near"]),
        ("kagents mail ''", []),
    ],
)
def test_bash_completes(programs, words, found):
    assert shell("bash", "--norc", "-c", BASH.format(words=words)) == found


def test_zsh_completes(programs):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not here")
    script = """
    autoload -Uz compinit; compinit -u -D
    source <(kagents completion zsh)
    _describe() { print -l -- ${(P)2} }
    _files() { print files $@ }
    words=(kagents ap); CURRENT=2; _kagents
    words=(kagents apply -f ''); CURRENT=4; _kagents
    print $_comps[kagents]
    """
    found = shell("zsh", "-f", "-c", script)
    assert found[0].startswith("apply:")
    assert [word for word in found if word.startswith("approve:")]
    assert found[-2:] == ["files", "_kagents"]


def test_fish_completes(programs):
    if not shutil.which("fish"):
        pytest.skip("fish is not here")
    script = "kagents completion fish | source; complete -C 'kagents ap'; complete -C 'kagents mail --state '"
    lines = subprocess.run(
        ["fish", "--no-config", "-c", script], capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
    words = [line.partition("\t")[0] for line in lines]
    assert words[:2] == ["apply", "approve"]
    assert sorted(words[2:]) == ["delivered", "seen", "unread", "waiting"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_what_the_verb_prints(name, kagents):
    assert kagents("completion", name).out == SCRIPTS[name]


def test_kubectl_is_answered_with_its_directive(capsys):
    assert kubectl.complete(["mail", "--state", "un"]) == 0
    assert capsys.readouterr().out == "unread\n:4\n"
    assert kubectl.complete(["apply", "-f", ""]) == 0
    assert capsys.readouterr().out == ":0\n"


def test_the_plugin_is_the_command_under_kubectls_name(programs):
    ran = subprocess.run(["kubectl-kagents", "get"], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("kubectl kagents get: ")


def test_an_installation_has_the_plugin():
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["kubectl-kagents"] == "kagents_tui.cli.kubectl:main"
    assert project["scripts"]["kubectl_complete-kagents"] == "kagents_tui.cli.kubectl:complete"
