"""Which API server is spoken to: the kubeconfig's, the pod's, or the embedded engine, started if need be."""

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kagents_core.kube.config import ClientConfig, load_in_cluster, load_kubeconfig
from kagents_core.kube.errors import ConfigError, NoKubeconfig, Unreachable
from kagents_core.safetext import clean

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

START_SECONDS: Final = 60.0
"""How long the engine may take to come up."""

LOCAL_CONTEXT: Final = "kagents-local"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said about the API server; nothing at all means: as kubectl does, else the engine."""

    kubeconfig: str | None = None
    context: str | None = None
    local: bool = False
    """The embedded engine, whatever the kubeconfig says."""
    data: str | None = None
    """The engine's data directory, when it is not the usual one."""


async def open_client(choice: Choice, tell: Callable[[str], None] | None = None) -> "Client":
    """A client for the chosen server; enter it with ``async with`` to use it.

    Starts the embedded engine when that is the server and it does not run; ``tell`` hears of it. Raises
    ConfigError for a kubeconfig that cannot be used, Unreachable when the engine does not come up.
    """
    from kagents_core.kube.client import Client

    return Client(await choose(choice, tell))


async def choose(choice: Choice, tell: Callable[[str], None] | None = None) -> ClientConfig:
    """The server and credential that the choice means; see :func:`open_client`."""
    if not choice.local:
        found = _from_kubeconfig(choice)
        if found is not None:
            return found
    directory = data_directory(choice.data)
    if not engine_answers(directory):
        if tell is not None:
            tell("starting the embedded engine")
        await start_engine(directory)
    return load_kubeconfig(str(directory / "kubeconfig"), LOCAL_CONTEXT)


def _from_kubeconfig(choice: Choice) -> ClientConfig | None:
    """The kubeconfig's server, inside a pod its own cluster, or None when there is neither."""
    try:
        return load_kubeconfig(choice.kubeconfig, choice.context)
    except NoKubeconfig:
        if choice.kubeconfig is not None or choice.context is not None:
            raise
    with contextlib.suppress(ConfigError):
        return load_in_cluster()
    return None


def data_directory(given: str | None = None) -> Path:
    """Where the embedded engine keeps its files (docs/internals.md, section 6)."""
    chosen = given or os.environ.get("KAGENTS_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "kagents"


def engine_answers(directory: Path) -> bool:
    """Whether an engine of this data directory seems to run: its process lives, its kubeconfig is there."""
    try:
        pid = int(json.loads((directory / "engine.json").read_bytes())["pid"])
        os.kill(pid, 0)
    except PermissionError:
        return (directory / "kubeconfig").exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return (directory / "kubeconfig").exists()


async def start_engine(directory: Path) -> None:
    """Bring the engine up; returns when it is ready. Raises Unreachable with the engine's own words."""
    import asyncio  # 40 ms that a command without an engine to start need not spend

    if importlib.util.find_spec("kagents_local") is None:
        raise Unreachable("The embedded engine is not installed: run pip install 'kagents[local]'.")
    command = (sys.executable, "-m", "kagents_local", "up", "--data", str(directory))
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), START_SECONDS)
    except TimeoutError:
        raise Unreachable(f"The embedded engine was not ready after {START_SECONDS:.0f} s.") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = said.decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
        why = clean(lines[-1].removeprefix("kagents local: "), limit=500, multiline=False)
        raise Unreachable(f"The embedded engine cannot be used: {why}")
