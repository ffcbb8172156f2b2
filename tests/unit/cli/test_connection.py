"""Which API server is meant: the kubeconfig's as kubectl does, else the embedded engine."""

import json
import os
import sys

import pytest

from kagents_core.kube.errors import ConfigError, Unreachable
from kagents_tui import connection
from kagents_tui.connection import Choice, choose, data_directory, engine_answers, start_engine

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: {name}
clusters: [{{name: c, cluster: {{server: "https://{name}.example:6443"}}}}]
users: [{{name: u, user: {{token: t}}}}]
contexts:
- {{name: {name}, context: {{cluster: c, user: u, namespace: dev}}}}
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Neither kubeconfig nor pod nor engine."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KAGENTS_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """An engine that comes up at once; remembers where it was started."""
    started = []

    async def start(directory):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "kubeconfig").write_text(KUBECONFIG.format(name="kagents-local"))
        (directory / "engine.json").write_text(json.dumps({"pid": os.getpid(), "port": 1}))
        started.append(directory)

    monkeypatch.setattr(connection, "start_engine", start)
    return started


async def test_the_kubeconfig_comes_first(tmp_path, monkeypatch, engine):
    (tmp_path / "config").write_text(KUBECONFIG.format(name="kind-dev"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    found = await choose(Choice())
    assert (found.context, found.namespace) == ("kind-dev", "dev")
    assert engine == []


async def test_without_kubeconfig_the_engine_is_started_once(tmp_path, engine):
    told = []
    assert (await choose(Choice(), told.append)).context == "kagents-local"
    assert (await choose(Choice(), told.append)).context == "kagents-local"
    assert engine == [tmp_path / ".local" / "share" / "kagents"]
    assert told == ["starting the embedded engine"]


async def test_local_means_the_engine_whatever_the_kubeconfig_says(tmp_path, monkeypatch, engine):
    (tmp_path / "config").write_text(KUBECONFIG.format(name="kind-dev"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert (await choose(Choice(local=True, data=str(tmp_path / "d")))).context == "kagents-local"
    assert engine == [tmp_path / "d"]


@pytest.mark.parametrize("choice", [Choice(kubeconfig="/nonexistent"), Choice(context="kind-dev")])
async def test_a_named_kubeconfig_or_context_is_never_replaced_by_the_engine(choice, engine):
    with pytest.raises(ConfigError):
        await choose(choice)
    assert engine == []


def test_data_directory(monkeypatch, tmp_path):
    assert data_directory() == tmp_path / ".local" / "share" / "kagents"
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert str(data_directory()) == "/xdg/kagents"
    monkeypatch.setenv("KAGENTS_DATA", "/data")
    assert str(data_directory()) == "/data"
    assert str(data_directory("/given")) == "/given"


@pytest.mark.parametrize("record", [None, "", "[]", '{"pid": "x"}', '{"pid": 999999999}'])
def test_an_engine_that_does_not_run(record, tmp_path):
    if record is not None:
        (tmp_path / "engine.json").write_text(record)
        (tmp_path / "kubeconfig").write_text("")
    assert not engine_answers(tmp_path)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "import sys; print('first', file=sys.stderr); sys.exit('the port is taken\\x1b[2J')",
            "port is taken␛",
        ),
        ("import sys; sys.exit(3)", "exit code 3"),
    ],
)
async def test_an_engine_that_fails_says_why(script, says, tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "$SCRIPT"\n')
    program.chmod(0o755)
    monkeypatch.setenv("SCRIPT", script)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(Unreachable, match=says):
        await start_engine(tmp_path)


async def test_an_engine_that_hangs_is_given_up(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(connection, "START_SECONDS", 0.1)
    with pytest.raises(Unreachable, match="was not ready"):
        await start_engine(tmp_path)
