"""A process on a terminal starts, is seen, is resized, ends, and leaves nothing behind."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from kagents_runner.pty_process import RING_BYTES, PtyProcess

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm-256color"}


@asynccontextmanager
async def running(*argv: str, cwd: Path = Path("/")) -> AsyncIterator[PtyProcess]:
    process = await PtyProcess.start(argv, cwd=cwd, environment=ENVIRONMENT, columns=90, rows=30)
    try:
        yield process
    finally:
        await process.kill()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def test_it_has_a_terminal_of_the_size_given_and_exactly_the_environment() -> None:
    async with running("/bin/sh", "-c", "stty size; tty; env | sort | tr '\\n' ' '; exit 7") as process:
        assert await process.wait() == 7
        drawn = process.screen().decode()
    assert "30 90" in drawn and "/dev/pts/" in drawn
    assert "HOME=" not in drawn and "TERM=xterm-256color" in drawn


async def test_arguments_reach_it_unchanged() -> None:
    async with running("/usr/bin/printf", "<%s>", "$(id)", "a b", "'\"") as process:
        assert await process.wait() == 0
        assert process.screen() == b"<$(id)><a b><'\">"


async def test_what_is_typed_and_resized_reaches_it() -> None:
    script = "trap 'stty size' WINCH; echo ready; while :; do read line && echo got-$line; done"
    async with running("/bin/sh", "-c", script) as process:
        await until(lambda: b"ready" in process.screen())
        await process.type(b"hello\n")
        await until(lambda: b"got-hello" in process.screen())
        process.resize(101, 41)
        await process.type(b"\n")
        await until(lambda: b"41 101" in process.screen())


async def test_a_polite_end_has_the_status_of_the_signal() -> None:
    async with running("/bin/sleep", "60") as process:
        assert await process.terminate(5) == 143


async def test_one_that_ignores_the_signal_is_killed_with_its_children() -> None:
    script = "trap '' TERM; sleep 600 & echo child=$!; wait; sleep 600"
    async with running("/bin/sh", "-c", script) as process:
        await until(lambda: b"child=" in process.screen() and process.screen().endswith(b"\n"))
        child = int(process.screen().split(b"child=")[1].split()[0])
        assert await process.terminate(0.2) == 137
        await until(lambda: not alive(child))


async def test_children_do_not_outlive_it() -> None:
    async with running("/bin/sh", "-c", "sleep 600 & echo $!") as process:
        assert await process.wait() == 0
        child = int(process.screen().split()[0])
        await until(lambda: not alive(child))


async def test_the_ring_is_bounded_and_keeps_the_end() -> None:
    async with running(sys.executable, "-c", "print('x' * 1_000_000); print('the end')") as process:
        await process.wait()
        assert len(process.screen()) == RING_BYTES
        assert process.screen().rstrip().endswith(b"the end")


async def test_it_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    supervisor = """
import asyncio, sys
from pathlib import Path
from kagents_runner.pty_process import PtyProcess
async def main():
    process = await PtyProcess.start(["/bin/sleep", "600"], cwd=Path("/"), environment={"PATH": "/bin"})
    print(process.pid, flush=True)
    await process.wait()
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", supervisor, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    await parent.wait()
    await until(lambda: not alive(pid))
