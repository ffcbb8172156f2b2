"""The data directory, its lock and its record, and what a shell's environment lends the daemon."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kagents_local.engine_record import new_record, read_record, write_record
from kagents_local.launch import daemon_environment, purge, status
from kagents_local.lock import DataLock, is_held
from kagents_local.main import main
from kagents_local.paths import DataDirectory, DataDirectoryError, default_data


def test_the_data_directory_follows_the_environment() -> None:
    assert default_data({"KAGENTS_DATA": "/d"}) == Path("/d")
    assert default_data({"XDG_DATA_HOME": "/x"}) == Path("/x/kagents")
    assert default_data({}) == Path.home() / ".local/share/kagents"


def test_an_open_directory_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    DataDirectory(tmp_path).create()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirectoryError, match=r"file/data cannot be used: Not a directory"):
        DataDirectory(tmp_path / "file" / "data").create()


def test_the_lock_has_one_holder_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    code = "import sys; from pathlib import Path; from kagents_local.lock import DataLock\n"
    code += "lock = DataLock(Path(sys.argv[1])); print(lock.take(), flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"True\n"
    assert is_held(path)
    assert not DataLock(path).take()
    holder.kill()
    holder.communicate()
    assert not is_held(path)
    mine = DataLock(path)
    assert mine.take()
    mine.release()


def test_a_record_counts_only_while_the_lock_is_held(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    record = new_record(6443, {})
    write_record(data, record)
    assert read_record(data) is None
    assert status(data) == {"running": False, "data": str(tmp_path)}
    lock = DataLock(data.lock)
    assert lock.take()
    assert read_record(data) == record
    shown = status(data)
    assert (shown["pid"], shown["server"]) == (os.getpid(), "https://127.0.0.1:6443")
    assert shown["memoryBytes"] > 1_000_000
    lock.release()


def test_keys_of_the_shell_do_not_reach_the_daemon() -> None:
    shell = {
        "PATH": "/bin",
        "HOME": "/h",
        "ANTHROPIC_API_KEY": "k",
        "AWS_SECRET_ACCESS_KEY": "k",
        "GITHUB_TOKEN": "k",
    }
    shell |= {"KAGENTS_CLAUDE": "/claude", "HTTPS_PROXY": "http://proxy"}
    lent = {name for name in daemon_environment(shell) if not name.startswith("MALLOC_")}
    assert lent == {"PATH", "HOME", "KAGENTS_CLAUDE", "HTTPS_PROXY"}


def test_purge_leaves_what_is_not_the_engines(tmp_path: Path) -> None:
    root = tmp_path / "data"
    data = DataDirectory(root)
    data.create()
    (root / "volumes" / "ns").mkdir(parents=True)
    (root / "state.db").touch()
    (root / "mine.txt").write_text("keep")
    purge(data)
    assert [path.name for path in root.iterdir()] == ["mine.txt"]
    (root / "mine.txt").unlink()
    data.create()
    purge(data)
    assert not root.exists()


def test_purge_asks_and_refuses_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down", "--purge", "--data", str(tmp_path)]) == 1
    assert "needs --yes" in capsys.readouterr().err
    assert tmp_path.exists()


def test_verbs_say_that_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    assert main(["status", *data]) == 3
    assert main(["status", "-o", "json", *data]) == 3
    assert main(["down", *data]) == 0
    assert main(["kubeconfig", *data]) == 1
    output = capsys.readouterr()
    document = "".join(output.out.splitlines()[1:5])
    assert json.loads(document) == {"running": False, "data": str(tmp_path)}
    assert "no engine was ever started" in output.err


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_wrong_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["up", "--port", port])
    assert caught.value.code == 2
    assert f"{port}: a port is a number from 1 to 65535" in capsys.readouterr().err


def test_a_directory_of_a_newer_release_is_refused_before_anything_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = DataDirectory(tmp_path)
    data.create()
    data.claim_format()
    assert data.format.read_text() == "1\n"
    data.format.write_text("7\n")
    kept = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert main(["up", "--data", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "a newer release wrote it (format 7; this one knows 1); nothing was changed" in said
    assert "start the newer release again, or use another directory with --data" in said
    fresh = {path.name for path in tmp_path.rglob("*") if path.is_file() and path not in kept}
    assert fresh == {"engine.lock", "engine.log"}
    assert data.format.read_text() == "7\n"
