"""Measures the recorder: message written → line in ``tail``, start of ``tail``, memory, idle CPU.

Run it: ``python tests/bench/recorder.py``. It prints a table beside the targets and asserts nothing.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from kagents_core.journal import Journal, JournalReader
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.events import append_event
from kagents_core.teamfiles.layout import TeamLayout

MESSAGES = 300
PACE = 0.02
IDLE_SECONDS = 10.0
ENTRIES = 100_000
AGENTS = ("lead", "scout", "writer")
TICKS = os.sysconf("SC_CLK_TCK")


def team_document() -> str:
    """``KAGENTS_TEAM`` of three agents."""
    agents = [
        {"name": name, "role": "lead" if name == "lead" else "teammate", "model": "sonnet"}
        | {"harness": "claude-code", "dependsOn": [], "gate": None, "prompt": "x"}
        for name in AGENTS
    ]
    fields = {"name": "bench", "namespace": "default", "uid": "u", "mode": "cowork", "repository": None}
    return json.dumps(
        fields | {"outputDir": None, "inputs": [], "idleTimeoutSeconds": None, "agents": agents}
    )


def environment(root: Path, *, cluster: bool) -> dict[str, str]:
    """The hub's variables; ``cluster`` adds a service account of an API server that does not answer."""
    found = {**os.environ, "KAGENTS_TEAM": team_document(), "KAGENTS_TEAM_DIR": str(root / "team")}
    found["KAGENTS_HOMES_DIR"] = str(root / "home")
    found.pop("KUBERNETES_SERVICE_HOST", None)
    if cluster:
        account = root / "account"
        account.mkdir(exist_ok=True)
        (account / "token").write_text("t")
        (account / "namespace").write_text("default")
        (account / "ca.crt").write_bytes(b"")
        found |= {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
        found["KAGENTS_SERVICE_ACCOUNT_DIR"] = str(account)
    return found


def start(root: Path, *arguments: str, cluster: bool = False) -> subprocess.Popen[bytes]:
    """One verb as a program."""
    command = [sys.executable, "-m", "kagents_runner", *arguments]
    output = subprocess.PIPE if arguments[0] == "tail" else subprocess.DEVNULL
    return subprocess.Popen(command, env=environment(root, cluster=cluster), stdout=output, bufsize=0)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of all lie, in milliseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def row(what: str, value: str, target: str = "") -> None:
    """One line of the table."""
    print(f"{what:<58} {value:>22}   {target}")


def timed(act: Callable[[], object]) -> float:
    """Seconds that ``act`` took."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def send_hook(message: mailbox.Message) -> dict[str, object]:
    """What the CLI's hook tells of a message to ``scout``; one read at once may else be missed."""
    routing = {"target": "@scout", "content": message.text}
    response = {"success": True, "msg_id": message.id, "routing": routing}
    return {"hook_event_name": "PostToolUse", "tool_name": "SendMessage", "tool_response": response}


async def latencies(root: Path, tail: subprocess.Popen[bytes]) -> list[float]:
    """Seconds from before a message is written until its line has been read from ``tail``."""
    layout, arrived = TeamLayout(root / "team", "bench"), dict[str, float]()

    def listen() -> None:
        assert tail.stdout is not None
        for line in open(tail.stdout.fileno(), "rb", closefd=False):  # noqa: SIM115
            entry = json.loads(line)
            if entry["kind"] == "message":
                arrived[entry["id"]] = time.perf_counter()

    threading.Thread(target=listen, daemon=True).start()
    written: dict[str, float] = {}
    for number in range(MESSAGES):
        message = mailbox.new_message("lead", f"message {number}")
        written[str(message.id)] = time.perf_counter()
        await mailbox.deliver(layout, "scout", message)
        append_event(layout, "lead", send_hook(message))
        if number % 10 == 9:
            await mailbox.take(layout, "scout")
        await asyncio.sleep(PACE)
    deadline = time.monotonic() + 10
    while len(arrived) < MESSAGES and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    if len(arrived) < MESSAGES:
        print(f"{MESSAGES - len(arrived)} messages never arrived", file=sys.stderr)
    return [arrived[key] - at for key, at in written.items() if key in arrived]


def measure_tail(root: Path) -> None:
    """Start of ``tail`` on a short and on a long journal."""
    for label, entries in (("an empty journal", 0), (f"the last of {ENTRIES:,} entries", ENTRIES)):
        with tempfile.TemporaryDirectory() as folder:
            team = Path(folder) / "team"
            team.mkdir()
            with Journal(team / "journal.jsonl") as journal:
                for _ in range(entries // 5000):
                    journal.append(
                        [{"kind": "message", "text": "x" * 200}] * 5000, at="2026-11-21T00:00:00.000Z"
                    )

            def until_live(folder: str = folder, entries: int = entries) -> None:
                process = start(Path(folder), "tail", "--follow", "--after", str(max(0, entries - 1)))
                assert process.stdout is not None
                while b'"live"' not in process.stdout.readline():
                    pass
                process.kill()
                process.wait()

            best = min(timed(until_live) for _ in range(5))
            row(f"tail: start → live, {label}", f"{best * 1000:.0f} ms", "≤ 150 ms where possible")
            if entries:
                reader = JournalReader(team / "journal.jsonl", after=entries - 10)
                row(
                    "  of which finding the place",
                    f"{timed(lambda reader=reader: list(reader.read())) * 1000:.1f} ms",
                )


def measure_recorder(root: Path, *, cluster: bool) -> None:
    """Latency, memory and idle CPU of one recorder."""
    layout = TeamLayout(root / "team", "bench")
    for directory in (*layout.directories(), *(layout.requests(name) for name in AGENTS)):
        directory.mkdir(parents=True, exist_ok=True)
    recorder = start(root, "record", cluster=cluster)
    tail = start(root, "tail", "--follow")
    try:
        assert tail.stdout is not None
        tail.stdout.readline()
        while not layout.journal.exists():
            time.sleep(0.05)
        time.sleep(1)
        row(
            "recorder: resident memory at start" + (" (with status)" if cluster else ""),
            f"{resident(recorder.pid):.0f} MiB",
        )
        found = asyncio.run(latencies(root, tail))
        label = f"message written → line in tail, {len(found)} messages"
        row(
            label,
            f"p50 {percentile(found, 0.5):.0f}, p99 {percentile(found, 0.99):.0f} ms",
            "p99 ≤ 500 ms to the mail view",
        )
        time.sleep(3)
        before, tail_before = cpu_seconds(recorder.pid), cpu_seconds(tail.pid)
        time.sleep(IDLE_SECONDS)
        used = (cpu_seconds(recorder.pid) - before) / IDLE_SECONDS * 100
        row("recorder: idle CPU", f"{used:.1f} %", "50 on 2 cores near zero")
        row("tail --follow: idle CPU", f"{(cpu_seconds(tail.pid) - tail_before) / IDLE_SECONDS * 100:.1f} %")
        row("recorder: resident memory after it", f"{resident(recorder.pid):.0f} MiB")
        row("tail: resident memory", f"{resident(tail.pid):.0f} MiB")
    finally:
        for process in (recorder, tail):
            process.kill()
            process.wait()


def main() -> None:
    """Prints the table."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for cluster in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            measure_recorder(Path(folder), cluster=cluster)
    with tempfile.TemporaryDirectory() as folder:
        measure_tail(Path(folder))


if __name__ == "__main__":
    main()
