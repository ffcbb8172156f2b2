"""From a container to a process: its command, its environment and its directory. Pure apart from
``sys.executable``.

A process sees the machine's file system, so mount paths in arguments and variables become real directories.
``/tmp`` stays what it is, because the machine has one that works; TMPDIR names the pod's own.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kagents_core.api.constants import HUB, LABEL_ROLE
from kagents_local.kubelet.expand import expand
from kagents_local.kubelet.processes import MARK
from kagents_local.kubelet.rewrite import mount_rewriter
from kagents_local.kubelet.settings import RUNNER_PROGRAM
from kagents_local.kubelet.volumes import TOKEN_PATH

Object = Mapping[str, Any]

SYSTEM_TEMPORARY: Final = "/tmp"  # noqa: S108  (a mount path of containers)
DEFAULT_TERMINATION_PATH: Final = "/dev/termination-log"

HUB_NICENESS: Final = 2
AGENT_NICENESS: Final = 10

PASSED_ON: Final = (
    "LANG",
    "LC_ALL",
    "KAGENTS_CLAUDE",
    "KAGENTS_SIMULATION_SPEED",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
)
"""The only variables of the daemon that reach a pod: no credential of the person's shell is among them."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the things of one run of a container are."""

    mounts: Mapping[str, str]
    """Real directory by mount path."""

    home: Path
    temporary: Path
    """What TMPDIR says: short, because sockets are made in it."""

    termination_log: Path
    api_host: str
    api_port: int
    mark: str
    """``<data directory>:<id of the run>``."""


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    niceness: int = 0


def inherited_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a pod gets from the daemon's own environment."""
    kept = {name: environ[name] for name in PASSED_ON if name in environ}
    programs = environ.get("PATH") or os.defpath
    return {"LANG": "C.UTF-8", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{programs}", **kept}


def plan_process(
    pod: Object, container: Object, own: Mapping[str, str], inherited: Mapping[str, str], places: Places
) -> ProcessPlan:
    """The process of a container whose own variables are ``own``."""
    rewrite = mount_rewriter(_rewritten_paths(container, places))
    provided = {
        "HOSTNAME": str(pod["metadata"]["name"]),
        "HOME": str(places.home),
        "TMPDIR": str(places.temporary),
    }
    service = {"KUBERNETES_SERVICE_HOST": places.api_host, "KUBERNETES_SERVICE_PORT": str(places.api_port)}
    fixed = {"KAGENTS_TERMINATION_LOG": str(places.termination_log), MARK: places.mark}
    if TOKEN_PATH in places.mounts:
        fixed["KAGENTS_SERVICE_ACCOUNT_DIR"] = places.mounts[TOKEN_PATH]
    env = {
        **inherited,
        **provided,
        **service,
        **{name: rewrite(value) for name, value in own.items()},
        **fixed,
    }
    known = {**service, **own}
    command = [expand(part, known) for part in container.get("command") or (RUNNER_PROGRAM,)]
    arguments = [expand(part, known) for part in container.get("args") or ()]
    argv = [rewrite(part) for part in (*command, *arguments)]
    cwd = rewrite(expand(container.get("workingDir") or "", known)) or str(places.home)
    return ProcessPlan(runner_command(argv), env, cwd, niceness(pod))


def niceness(pod: Object) -> int:
    """However many agents work at once: API server and controller go first, then recorders."""
    role = (pod["metadata"].get("labels") or {}).get(LABEL_ROLE)
    return HUB_NICENESS if role == HUB else AGENT_NICENESS


def runner_command(argv: list[str]) -> tuple[str, ...]:
    """``kagents-runner`` as the installed package; any other command as it is.

    ``-P`` keeps the working directory, which agents write to, out of Python's module search.
    """
    if argv and Path(argv[0]).name == RUNNER_PROGRAM:
        return (sys.executable, "-P", "-m", "kagents_runner", *argv[1:])
    return tuple(argv)


def _rewritten_paths(container: Object, places: Places) -> dict[str, str]:
    log = str(places.termination_log)
    paths = {path: real for path, real in places.mounts.items() if path != SYSTEM_TEMPORARY}
    return {
        **paths,
        DEFAULT_TERMINATION_PATH: log,
        container.get("terminationMessagePath") or DEFAULT_TERMINATION_PATH: log,
    }
