"""A message from the mailbox to the screen: written natively, journalled, streamed by exec, painted.

Measured alone, then beside ``KAGENTS_BENCH_BUSY_TEAMS`` (50) teams at work; there also the cursor keys.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from kagents_core.api.constants import API_VERSION
from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.mailbox import deliver, new_message

HERE = Path(__file__).parent
MESSAGES = 30
KEYS = 40
BUSY = int(os.environ.get("KAGENTS_BENCH_BUSY_TEAMS", "50"))
TEAM = "quiet"


def beside(name: str) -> ModuleType:
    """Another bench of this folder."""
    spec = spec_from_file_location(f"kagents_bench_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


terminal, fifty = beside("terminal"), beside("fifty_teams")


def quiet_team() -> dict:
    """A lead that rests for hours: what is written to it is all that happens."""
    script = "- wait: {seconds: 80000}\n"
    spec = {
        "harness": "simulated",
        "workspace": {"output": {}},
        "lead": {"prompt": "Wait.", "script": script},
    }
    return {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": TEAM}, "spec": spec}


def volume(data: Path) -> Path:
    """The quiet team's directory."""
    command = [sys.executable, "-m", "kagents_local", "volume", TEAM, "--data", str(data)]
    return Path(
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    )


def messages(shown, layout: TeamLayout, mark: str) -> list[float]:
    """Seconds from each message's delivery into the mailbox until its text is painted."""
    taken = []
    for number in range(MESSAGES):
        shown.drain(0.05)
        text = f"{mark}{number:03}"
        began = time.perf_counter()
        asyncio.run(deliver(layout, "lead", new_message("team-lead", text)))
        taken.append(shown.until(text.encode()) - began)
    return taken


def keys(shown) -> list[float]:
    """Seconds from a cursor key until something is painted."""
    return [terminal.press_down(shown, number) for number in range(KEYS)]


async def start_busy(kubeconfig: Path) -> None:
    """Fifty teams at once."""
    async with Client(load_kubeconfig(str(kubeconfig))) as client:
        for number in range(BUSY):
            await client.create(AGENT_TEAMS, "default", fifty.team(number))


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        kubeconfig = data / "kubeconfig"
        fifty.engine(data, "up")
        try:
            asyncio.run(_apply(kubeconfig))
            layout = TeamLayout(volume(data) / "team", TEAM)
            with terminal.screen(terminal.terminal(kubeconfig)) as shown:
                shown.until(TEAM.encode())
                shown.press(b"\r")
                shown.until(b"live")
                fifty.row(
                    "message written → painted",
                    fifty.percentiles(messages(shown, layout, "calm")),
                    "p99 ≤ 500 ms",
                )
                asyncio.run(start_busy(kubeconfig))
                busy = messages(shown, layout, "busy")
                fifty.row(f"the same beside {BUSY} teams at work", fifty.percentiles(busy), "p99 ≤ 500 ms")
                shown.press(b"\x1b")
                shown.until(b"team-0")
                fifty.row(
                    f"key → painted beside {BUSY} teams",
                    fifty.percentiles(keys(shown)),
                    "p50 ≤ 5, p99 ≤ 30 ms",
                )
        finally:
            fifty.engine(data, "down")


async def _apply(kubeconfig: Path) -> None:
    async with Client(load_kubeconfig(str(kubeconfig))) as client:
        await client.create(AGENT_TEAMS, "default", quiet_team())
        listed = await client.list(AGENT_TEAMS, "default")
        async with (
            asyncio.timeout(60),
            aclosing(
                client.watch(AGENT_TEAMS, "default", resource_version=listed.resource_version)
            ) as events,
        ):
            async for event in events:
                if event.object.get("status", {}).get("phase") == "Running":
                    break


if __name__ == "__main__":
    main()
