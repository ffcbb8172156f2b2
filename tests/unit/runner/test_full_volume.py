"""A full volume: every verb names it, and what the recorder has accepted is never lost."""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from runner_places import LIMIT, Place, make_repository, steps, until

from kagents_core.api.constants import EXIT_VOLUME_FULL
from kagents_runner import supervise
from kagents_runner.termination import RunnerError

pytestmark = pytest.mark.long

Keep = Callable[[Popen[str]], Popen[str]]
SIZE = 768 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Place]:
    """A team on a volume of 768 KiB; its termination logs lie elsewhere, as a pod's do."""
    volume = tmp_path / "volume"
    volume.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(volume)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        if os.environ.get("CI"):
            pytest.fail("a small file system cannot be mounted: run as root")
        pytest.skip("a small file system cannot be mounted: run as root")
    try:
        place = Place(volume)
        place.variables["KAGENTS_TERMINATION_LOG"] = str(tmp_path / "termination-log")
        place.variables["TMPDIR"] = str(tmp_path)
        place.variables["KAGENTS_HOMES_DIR"] = str(volume / "home")
        yield place
    finally:
        subprocess.run(["umount", "-l", str(volume)], check=True)


def fill(place: Place) -> Path:
    """Take all the room there is; returns the file that holds it."""
    filler = place.root / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while file.write(b"\0" * 4096):
            pass
    return filler


def sentence(place: Place) -> str:
    return Path(place.variables["KAGENTS_TERMINATION_LOG"]).read_text()


def test_nothing_is_prepared_on_a_full_volume_and_the_same_volume_is_prepared_later(small: Place) -> None:
    filler = fill(small)
    ran = small.run("prepare")
    assert ran.code == EXIT_VOLUME_FULL
    assert sentence(small).startswith("The team's volume is full: ")
    assert "spec.storage.size" in sentence(small)
    assert not small.layout.ready.exists()
    filler.unlink()
    small.prepare()
    assert small.layout.ready.exists()


def test_an_artifact_without_room_is_no_end_and_takes_no_room(small: Place) -> None:
    small.agents["scout"] |= {
        "script": steps("shutdown: done"),
        "artifacts": [{"name": "big", "path": "big"}],
    }
    small.variables["KAGENTS_ARTIFACTS_DIR"] = str(small.root / "artifacts/scout")
    small.prepare()
    (small.root / "artifacts/scout").mkdir(parents=True)
    big = small.work / "output/big"
    big.write_bytes(os.urandom(SIZE * 2 // 3))
    ran = small.run("supervise", "scout")
    assert ran.code == EXIT_VOLUME_FULL
    assert sentence(small).startswith("The team's volume is full: ")
    assert list((small.root / "artifacts/scout/big").iterdir()) == []
    big.write_bytes(b"small")
    assert small.run("supervise", "scout").code == 0
    assert (small.root / "artifacts/scout/big/big").read_bytes() == b"small"


def test_a_clone_without_room_names_the_volume(small: Place, tmp_path: Path) -> None:
    source = make_repository(tmp_path / "source")
    (source / "large").write_bytes(os.urandom(2 * SIZE))
    subprocess.run(["git", "-C", str(source), "add", "."], check=True)
    author = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
    subprocess.run(["git", "-C", str(source), *author, "commit", "-qm", "Grow"], check=True)
    small.repository = {"url": source.as_uri(), "branch": "main", "worktreeStrategy": "per-teammate"}
    ran = small.run("prepare")
    assert ran.code == EXIT_VOLUME_FULL
    assert "The team's volume is full" in sentence(small)


def test_an_agent_is_not_started_on_a_full_volume(small: Place) -> None:
    small.agents["scout"]["script"] = steps("say: hello", "shutdown: done")
    small.prepare()
    small.home("scout").mkdir(exist_ok=True)
    fill(small)
    ran = small.run("supervise", "scout")
    assert ran.code == EXIT_VOLUME_FULL
    assert "[simulated] hello" not in ran.out
    assert sentence(small).startswith("The team's volume is full: the agent is not started on it")


def test_an_agent_whose_writes_fail_names_the_volume(small: Place, running: Keep) -> None:
    small.agents["scout"]["script"] = steps(
        "wait: {mail_from: lead}", f"work: {{write: {{big.txt: {'x' * 1000}}}}}"
    )
    small.agents["lead"]["script"] = steps("send: {to: scout, text: begin}", "shutdown: done")
    small.prepare()
    process = running(small.start("supervise", "scout"))
    until(lambda: any(hook["hook_event_name"] == "TeammateIdle" for hook in small.hooks("scout")))
    assert small.run("supervise", "lead").code == 0
    fill(small)
    assert process.wait(LIMIT) == EXIT_VOLUME_FULL
    assert sentence(small).startswith("The team's volume is full: ")


async def test_an_agent_that_writes_nothing_is_ended_when_the_volume_stays_full(
    small: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "HEARTBEAT_SECONDS", 0.02)
    small.prepare()
    small.agents["scout"]["script"] = steps("wait: {mail_from: lead}")
    task = asyncio.create_task(supervise.run(argparse.Namespace(), small.environment("scout")))
    async with asyncio.timeout(LIMIT):
        while small.state("scout").get("state") != "running":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        fill(small)
        with pytest.raises(RunnerError) as ended:
            await task
    assert ended.value.code == EXIT_VOLUME_FULL
    assert ended.value.sentence.startswith("The team's volume is full: the agent was ended")


def queue(place: Place, number: int) -> str | None:
    """Send a message as a person does; its id, or None when it was refused for want of room."""
    command = [sys.executable, "-m", "kagents_runner", "send", "--to", "scout"]
    text = f"message {number} " + "x" * 600
    done = subprocess.run(
        command,
        input=text,
        env=place.environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode == 0:
        return str(json.loads(done.stdout)["id"])
    assert done.returncode == EXIT_VOLUME_FULL, done.stderr
    assert done.stderr.startswith("The team's volume is full: ")
    return None


def test_nothing_that_was_accepted_is_lost_when_the_journal_has_no_room(small: Place, running: Keep) -> None:
    small.prepare()
    filler = small.root / "filler"
    filler.write_bytes(b"\0" * (SIZE - 120 * 1024))
    recorder = running(small.start("record", "lead"))
    accepted = [queue(small, 0)]
    until(lambda: small.layout.journal.exists() and small.mail("scout"))
    recorder.send_signal(signal.SIGSTOP)  # so that it finds everything that was accepted, and no room
    while (identity := queue(small, len(accepted))) is not None:
        accepted.append(identity)
    assert len(accepted) >= 8, "more than a page of the journal"
    more = small.root / "more"
    filler.rename(more)
    fill(small)
    recorder.send_signal(signal.SIGCONT)
    assert recorder.wait(LIMIT) == EXIT_VOLUME_FULL, "it stops rather than forgets"
    assert sentence(small).startswith("The team's volume is full: ")
    more.unlink()
    filler.unlink()
    again = running(small.start("record", "lead"))

    def journalled() -> list[str]:
        lines = small.layout.journal.read_text().splitlines()
        found = [json.loads(line) for line in lines]
        assert [entry["seq"] for entry in found] == list(range(1, len(found) + 1))
        return [entry["id"] for entry in found if entry["kind"] == "message"]

    until(lambda: set(journalled()) >= set(accepted))
    until(lambda: {mail["msg_id"] for mail in small.mail("scout")} == set(accepted))
    again.send_signal(signal.SIGTERM)
    assert again.wait(LIMIT) == 143
    assert sorted(journalled()) == sorted(accepted), "each once"
