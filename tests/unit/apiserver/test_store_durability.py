"""What was acknowledged stays: over a restart, and over a SIGKILL in the middle of writes."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kagents_local.apiserver.store import Store

WRITER = """
import sys
from pathlib import Path
from kagents_local.apiserver.store import Store
store = Store(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    obj = {"metadata": {"name": f"n{number % 50}", "namespace": "default", "uid": f"u{number % 50}"},
           "data": {"number": str(number), "filler": "x" * 2000}}
    entry = store.write("configmaps", obj)
    print(number, entry.version, flush=True)
"""


def obj(name: str, uid: str = "", **more: object) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "default", "uid": uid or f"uid-{name}"}, **more}


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = Store(path)
    for name in ("b", "a", "c"):
        first.write("configmaps", obj(name, data={"x": name}))
    gone = first.get("configmaps", "default", "c")
    assert gone is not None
    first.remove(gone, gone.object())
    secret, version = first.secret("key"), first.version
    first.close()
    second = Store(path)
    assert [entry.object()["data"] for entry in second.list("configmaps")] == [{"x": "a"}, {"x": "b"}]
    assert second.version == version
    assert second.secret("key") == secret
    assert second.write("configmaps", obj("d")).version == version + 1
    second.close()


def test_the_file_is_private(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    store.write("secrets", obj("s"))
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in tmp_path.iterdir()} == {0}
    store.close()


def test_owners_are_known_again_after_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path / "state.db")
    child = obj("child")
    child["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "owner"}]  # type: ignore[index]
    first.write("configmaps", child)
    first.close()
    second = Store(tmp_path / "state.db")
    assert [entry.name for entry in second.dependents("owner")] == ["child"]
    second.close()


@pytest.mark.parametrize("lines", [1, 40, 400])
def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "state.db"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(lines)]
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += writer.stdout.readlines()
    whole = [line.split() for line in acknowledged if line.endswith("\n")]
    last = {int(number) % 50: (int(number), int(version)) for number, version in whole}
    store = Store(path)
    for slot, (number, version) in last.items():
        entry = store.get("configmaps", "default", f"n{slot}")
        assert entry is not None
        assert entry.version >= version
        assert int(entry.object()["data"]["number"]) >= number
    assert store.version >= int(whole[-1][1])
    assert {len(entry.object()["data"]["filler"]) for entry in store.list("configmaps")} == {2000}
    store.close()
