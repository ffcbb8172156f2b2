"""The keeper of processes, with real processes: starts, output, endings, and that it outlives its client."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kagents_local.kubelet.keeper_client import KeeperClient, KeeperUnreachableError
from kagents_local.kubelet.layout import AttemptLayout, KubeletLayout
from kagents_local.kubelet.logs import read_log
from kagents_local.kubelet.processes import is_running, marked
from kagents_local.kubelet.records import Attempt, read_attempt, read_record, settle_lost, write_intent
from kagents_local.pod_access import LogQuery

LIMIT = 20.0


class Bench:
    """A client of a keeper in a temporary data directory."""

    def __init__(self, data: Path) -> None:
        self.layout = KubeletLayout(data)
        self.exited: set[str] = set()
        self.client = KeeperClient(data, self.exited.add)
        self._listening: asyncio.Task[None] | None = None

    async def connect(self) -> list[str]:
        running = await self.client.connect()
        self._listening = asyncio.create_task(self.client.listen())
        return running

    async def disconnect(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, KeeperUnreachableError):
                await self._listening
        await self.client.close()

    def attempt(self, name: str = "main", number: int = 0) -> AttemptLayout:
        return self.layout.pod("uid").attempt(name, number)

    def identity(self, attempt: AttemptLayout) -> str:
        return str(attempt.root.relative_to(self.layout.data))

    def start(
        self, script: str, name: str = "main", *, grace: float = 5.0, log_bytes: int = 1 << 20
    ) -> AttemptLayout:
        return self.start_program(["sh", "-c", script], name, grace=grace, log_bytes=log_bytes)

    def start_program(
        self, argv: list[str], name: str = "main", *, grace: float = 5.0, log_bytes: int = 1 << 20
    ) -> AttemptLayout:
        attempt = self.attempt(name)
        identity = self.identity(attempt)
        write_intent(attempt, identity, 0)
        env = {"PATH": os.environ["PATH"], "KAGENTS_PROCESS_OF": f"{self.layout.data}:{identity}"}
        cwd = str(self.layout.data)
        self.client.start(identity, argv, env, cwd, niceness=3, grace=grace, log_bytes=log_bytes, log_files=4)
        return attempt

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():  # noqa: ASYNC110  (files and processes tell nobody)
                await asyncio.sleep(0.01)

    async def ended(self, attempt: AttemptLayout) -> Attempt:
        await self.until(lambda: self.identity(attempt) in self.exited)
        found = read_attempt(attempt)
        assert found is not None and found.ending is not None
        return found

    async def text(self, attempt: AttemptLayout, query: LogQuery | None = None) -> str:
        log = read_log(attempt.log, query or LogQuery(), lambda: True)
        return b"".join([chunk async for chunk in log]).decode()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    await bench.connect()
    yield bench
    await bench.disconnect()
    # Whatever a test left is ended by the keeper itself.
    last = KeeperClient(tmp_path, lambda _: None)
    await last.connect()
    last.shutdown()
    with contextlib.suppress(KeeperUnreachableError):
        async with asyncio.timeout(LIMIT):
            await last.listen()
    assert marked(f"{tmp_path}:") == []


async def test_output_and_exit_code_are_kept(bench: Bench) -> None:
    attempt = bench.start("echo out; echo err >&2; printf unfinished; exit 7")
    found = await bench.ended(attempt)
    assert found.ending is not None
    assert (found.ending.code, found.ending.signal, found.ending.interrupted) == (7, None, False)
    assert sorted((await bench.text(attempt)).splitlines()) == ["err", "out", "unfinished"]
    streams = {line.split()[1] for line in attempt.log.read_text().splitlines()}
    assert streams == {"stdout", "stderr"}


async def test_a_signal_becomes_its_exit_code(bench: Bench) -> None:
    found = await bench.ended(bench.start("kill -KILL $$"))
    assert found.ending is not None
    assert (found.ending.code, found.ending.signal) == (137, 9)


async def test_a_missing_program_is_named(bench: Bench) -> None:
    found = await bench.ended(bench.start_program(["no-such-program"]))
    assert found.ending is not None
    assert (found.ending.code, found.ending.reason) == (128, "StartError")
    assert found.ending.message == (
        'cannot start "no-such-program": no-such-program: executable file not found in $PATH'
    )


async def test_the_same_run_is_never_started_twice(bench: Bench) -> None:
    script = f"echo x >> {bench.layout.data}/count; sleep 0.2"
    attempt = bench.start(script)
    bench.start(script)
    await bench.ended(attempt)
    bench.start(script)
    bench.start("true", "other")
    await bench.ended(bench.attempt("other"))
    assert (bench.layout.data / "count").read_text() == "x\n"


async def test_stop_asks_first_and_kills_after_the_grace(bench: Bench) -> None:
    polite = bench.start("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done", "polite")
    stubborn = bench.start("trap '' TERM; echo up; while :; do sleep 0.05; done", "stubborn")
    for attempt in (polite, stubborn):
        await bench.until(lambda attempt=attempt: attempt.log.exists() and attempt.log.stat().st_size)
    bench.client.stop(bench.identity(polite), 10)
    bench.client.stop(bench.identity(stubborn), 0.3)
    first, second = await bench.ended(polite), await bench.ended(stubborn)
    assert first.ending and first.ending.code == 3
    assert (await bench.text(polite)).splitlines()[-1] == "bye"
    assert second.ending and second.ending.code == 137


async def test_nothing_of_a_container_outlives_its_first_process(bench: Bench) -> None:
    escape = (
        "import os,sys,time\n"
        "if os.fork()==0:\n"
        " os.setsid()\n"
        " if os.fork()==0:\n"
        "  open('escaped','w').write(str(os.getpid())); time.sleep(600)\n"
        " os._exit(0)\n"
        "os.wait()\n"
        "while not os.path.exists('escaped'): time.sleep(0.01)\n"
    )
    attempt = bench.start_program([sys.executable, "-c", escape])
    found = await bench.ended(attempt)
    assert found.ending is not None and found.ending.code == 0
    pid = int((bench.layout.data / "escaped").read_text())
    await bench.until(lambda: not is_running(pid, None))


async def test_processes_and_their_output_survive_the_client(bench: Bench) -> None:
    attempt = bench.start("echo before; while [ ! -e go ]; do sleep 0.02; done; echo after; exit 5")
    await bench.until(lambda: attempt.log.exists() and "before" in attempt.log.read_text())
    await bench.disconnect()
    assert await bench.connect() == [bench.identity(attempt)]
    await bench.disconnect()
    (bench.layout.data / "go").touch()
    await bench.until(attempt.exit.exists)
    assert await bench.connect() == []
    found = read_attempt(attempt)
    assert found is not None and found.ending is not None and found.ending.code == 5
    assert (await bench.text(attempt)).split() == ["before", "after"]


async def test_shutdown_marks_what_it_ends_as_interrupted(bench: Bench) -> None:
    attempt = bench.start("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done")
    await bench.until(lambda: attempt.log.exists() and attempt.log.stat().st_size)
    bench.client.shutdown()
    await bench.until(bench.client.gone.is_set)
    found = read_attempt(attempt)
    assert found is not None and found.ending is not None
    assert (found.ending.code, found.ending.interrupted) == (0, True)


async def test_a_killed_keeper_leaves_no_process_and_no_unknown_run(bench: Bench) -> None:
    attempt = bench.start("echo up; sleep 600")
    await bench.until(lambda: attempt.log.exists() and attempt.log.stat().st_size)
    process = read_record(attempt.process)
    assert process is not None
    parent = int(Path(f"/proc/{process['pid']}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    await bench.until(bench.client.gone.is_set)
    await bench.disconnect()
    assert await bench.connect() == []
    settle_lost(attempt, bench.layout.data, bench.identity(attempt))
    await bench.until(lambda: not is_running(process["pid"], process["started"]))
    found = read_attempt(attempt)
    assert found is not None and found.ending is not None and found.ending.interrupted


async def test_an_intent_without_a_process_is_forgotten(bench: Bench) -> None:
    attempt = bench.attempt()
    write_intent(attempt, bench.identity(attempt), 0)
    settle_lost(attempt, bench.layout.data, bench.identity(attempt))
    assert read_attempt(attempt) is None


async def test_logs_rotate_without_losing_the_order(bench: Bench) -> None:
    attempt = bench.start("i=0; while [ $i -lt 900 ]; do echo line $i; i=$((i+1)); done", log_bytes=16 * 1024)
    await bench.ended(attempt)
    assert attempt.log.with_name("log.1").exists()
    assert (await bench.text(attempt)).splitlines() == [f"line {n}" for n in range(900)]
    tail = await bench.text(attempt, LogQuery(tail_lines=450))
    assert tail.splitlines() == [f"line {n}" for n in range(450, 900)]
    assert await bench.text(attempt, LogQuery(tail_lines=0)) == ""
    assert len(await bench.text(attempt, LogQuery(limit_bytes=100))) == 100


async def test_a_log_is_followed_across_rotation_until_the_end(bench: Bench) -> None:
    attempt = bench.start(
        "i=0; while [ $i -lt 600 ]; do echo line $i; i=$((i+1)); [ $((i % 50)) = 0 ] && sleep 0.02; done; :",
        log_bytes=16 * 1024,
    )
    await bench.until(attempt.log.exists)
    async with asyncio.timeout(LIMIT):
        ended = lambda: bench.identity(attempt) in bench.exited  # noqa: E731
        read = b"".join([chunk async for chunk in read_log(attempt.log, LogQuery(follow=True), ended)])
    assert read.decode().splitlines() == [f"line {n}" for n in range(600)]


async def test_long_lines_come_back_whole(bench: Bench) -> None:
    code = "import sys; sys.stdout.write('x'*100000); sys.stdout.flush(); sys.stdout.write('y\\nend\\n')"
    attempt = bench.start_program([sys.executable, "-c", code])
    await bench.ended(attempt)
    assert await bench.text(attempt) == "x" * 100000 + "y\nend\n"
    stamped = await bench.text(attempt, LogQuery(timestamps=True))
    assert [len(line.split(" ", 1)[0]) for line in stamped.splitlines()] == [30, 30]
