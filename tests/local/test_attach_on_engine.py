"""Attaching over the engine's exec: a real program in a pod's terminal, a simulated agent, and kubectl."""

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from pathlib import Path
from typing import Any

import pyte
import pytest
import yaml

from kagents_core.api.resources import PODS
from kagents_core.kube.client import Client
from kagents_tui import attaching
from kagents_tui.acts import ActError

PROGRAM = """
import os, signal, sys, tty
def size(*_):
    columns, rows = os.get_terminal_size()
    os.write(1, f"[{columns}x{rows}]\\r\\n".encode())
signal.signal(signal.SIGWINCH, size)
tty.setraw(0)
os.write(1, b"\\x1b]0;stolen\\x07\\x1b]52;c;cm0=\\x07\\x1b[c\\x1b[?1003hREADY\\r\\n")
size()  # the person's may have come before the handler
while True:
    data = os.read(0, 65536)
    if data == b"q":
        break
    os.write(1, b"<%d:%s>\\r\\n" % (len(data), data[:20]))
"""
SUPERVISOR = f"""
import asyncio, os, signal, sys
from pathlib import Path
from kagents_runner.pty_process import PtyProcess
from kagents_runner.terminal.place import socket_path
from kagents_runner.terminal.server import TerminalServer
async def main():
    server = TerminalServer(socket_path(os.environ), {{"agent": "lead", "team": "demo"}})
    await server.start()
    argv = [sys.executable, "-c", {PROGRAM!r}]
    process = await PtyProcess.start(argv, cwd=Path("/"), environment={{"PATH": os.environ["PATH"]}})
    server.show(process)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: os._exit(0))
    await process.wait()
    await server.close("lead has ended")
asyncio.run(main())
"""
WANTED = attaching.Wanted("default", "p", "lead")


class Person:
    """A pseudo-terminal with a person before it."""

    def __init__(self) -> None:
        self.raw = bytearray()
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.size(80, 24)
        os.set_blocking(self.master, False)
        asyncio.get_running_loop().add_reader(self.master, self._read)

    @property
    def terminal(self) -> attaching.Descriptors:
        return attaching.Descriptors(self.slave, self.slave)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self.master, 65536)
            self.raw += data
            self._stream.feed(data)

    def size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def keys(self, text: str) -> None:
        os.write(self.master, text.encode())

    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def shows(self, *words: str) -> None:
        async with asyncio.timeout(60):
            while not all(word in self.text() for word in words):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
async def person() -> Any:
    someone = Person()
    yield someone
    someone.close()


@pytest.fixture
async def pod(engine: Any, engine_client: Client) -> dict[str, Any]:
    """A pod ``p`` whose container serves a real program's terminal as the supervisor does."""
    main = {"name": "agent", "image": engine.image, "command": [sys.executable, "-c", SUPERVISOR]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "containers": [main]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    await engine_client.create(PODS, "default", manifest)

    async def running() -> bool:
        found = await engine_client.get(PODS, "default", "p")
        states = (found.get("status") or {}).get("containerStatuses") or [{}]
        return "running" in (states[0].get("state") or {})

    async with asyncio.timeout(60):
        while not await running():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return manifest


async def attached(client: Client, person: Person, wanted: attaching.Wanted) -> "asyncio.Task[Any]":
    """A visit that has got its first picture; the program may need a moment to begin."""
    async with asyncio.timeout(60):
        while True:
            visit = asyncio.create_task(attaching.attach(client, wanted, person.terminal))
            while "READY" not in person.text():
                if visit.done():
                    assert "no agent's terminal here" in str(visit.exception()), visit
                    break
                await asyncio.sleep(0.02)
            else:
                return visit
            await asyncio.sleep(0.1)


async def test_a_person_sees_types_resizes_and_leaves(
    engine_client: Client, pod: Any, person: Person
) -> None:
    visit = await attached(engine_client, person, WANTED)
    await person.shows("READY", "[80x24]")
    person.keys("hello")
    await person.shows("<5:hello>")
    person.size(77, 22)
    signal.raise_signal(signal.SIGWINCH)
    await person.shows("[77x22]")
    person.keys("\x1d")
    assert await asyncio.wait_for(visit, 30) == "detached from lead, which goes on"
    assert termios.tcgetattr(person.slave) == person.before
    for stolen in (b"stolen", b"\x1b]52", b"\x1b[c", b"\x1b[?1003h"):
        assert stolen not in person.raw
    person.screen.reset()
    again = await attached(engine_client, person, WANTED)
    await person.shows("<5:hello>")
    person.keys("q")
    assert await asyncio.wait_for(again, 30) == "lead has ended"


async def test_who_only_looks_types_nothing(engine_client: Client, pod: Any, person: Person) -> None:
    looking = attaching.Wanted("default", "p", "lead", read_only=True, key="ctrl-q")
    visit = await attached(engine_client, person, looking)
    person.keys("q")
    person.keys("\x1d")
    person.size(70, 20)
    signal.raise_signal(signal.SIGWINCH)
    await person.shows("[70x20]")
    assert not visit.done()
    person.keys("\x11")
    assert await asyncio.wait_for(visit, 30) == "detached from lead, which goes on"


async def test_leaving_waits_for_no_server(
    engine_client: Client, pod: Any, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    visit = await attached(engine_client, person, WANTED)
    monkeypatch.setattr("kagents_core.kube.exec.ExecStream.send", hang)
    person.keys("typed into nothing")
    person.keys("\x1d")
    assert await asyncio.wait_for(visit, 30) == "detached from lead, which goes on"
    assert termios.tcgetattr(person.slave) == person.before


async def test_a_pod_that_is_not_there_is_one_sentence(engine_client: Client, person: Person) -> None:
    from kagents_core.kube.errors import ApiError

    with pytest.raises(ApiError, match="nobody"):
        await attaching.attach(engine_client, attaching.Wanted("default", "nobody", "lead"), person.terminal)
    assert termios.tcgetattr(person.slave) == person.before


async def test_without_a_terminal_it_is_refused(engine_client: Client) -> None:
    reading, writing = os.pipe()
    with pytest.raises(ActError, match="needs a terminal"):
        await attaching.attach(engine_client, WANTED, attaching.Descriptors(reading, writing))
    os.close(reading)
    os.close(writing)


@pytest.mark.kubectl
async def test_kubectl_can_do_it_too(engine_kubectl: Any, pod: Any, person: Person) -> None:
    process = await asyncio.create_subprocess_exec(
        engine_kubectl.program,
        *("exec", "-it", "p", "-c", "agent", "--", "sh", "-c"),
        "until kagents-runner attach; do sleep 0.1; done",
        stdin=person.slave,
        stdout=person.slave,
        stderr=person.slave,
        env={**engine_kubectl.environment, "TERM": "xterm"},
        start_new_session=True,
    )
    try:
        await person.shows("attached to lead of demo; ctrl-] detaches", "READY", "[80x24]")
        person.keys("from kubectl")
        await person.shows("<12:from kubectl>")
        person.keys("\x1d")
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await person.shows("detached from lead, which goes on")
    assert b"stolen" not in person.raw


TEAM = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: demo}
spec:
  harness: simulated
  workspace: {output: {}}
  lead:
    prompt: Lead.
    script: "[{say: reading the minutes}, {wait: {seconds: 600}}]"
  teammates: [{name: late, prompt: Wait., dependsOn: []}]
  lifecycle: {approvalGates: [{event: spawn-late}]}
  storage: {size: 10Mi}
"""


async def test_the_command_attaches_to_a_simulated_agent(
    engine: Any, engine_client: Client, person: Person, tmp_path: Path
) -> None:
    from kagents_core.api.resources import AGENT_TEAMS

    await engine_client.create(AGENT_TEAMS, "default", yaml.safe_load(TEAM))
    command = [str(Path(sys.executable).with_name("kagents")), "--kubeconfig", str(engine.kubeconfig)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KAGENTS")}

    async def run(*more: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            *("attach", "demo"),
            *more,
            stdin=person.slave,
            stdout=person.slave,
            stderr=person.slave,
            env={**environment, "TERM": "xterm", "HOME": str(tmp_path)},
            start_new_session=True,
        )

    assert await asyncio.wait_for((await run("late")).wait(), 60) == 4
    await person.shows("late of demo has no pod yet, so it has no terminal")
    async with asyncio.timeout(90):
        while True:
            process = await run("lead")
            while "reading the minutes" not in person.text() and process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            if process.returncode is None:
                break
    await person.shows("A simulated agent has no screen of its own", "reading the minutes")
    person.keys("\x1d")
    assert await asyncio.wait_for(process.wait(), 30) == 0
    await person.shows("detached from lead, which goes on")
    assert "Traceback" not in person.text()
