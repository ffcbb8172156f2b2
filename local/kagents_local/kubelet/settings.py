"""What can be set about the kubelet; every duration is in seconds."""

from dataclasses import dataclass
from typing import Final

NODE_NAME: Final = "local"
"""The one node; pods report it and fieldRef ``spec.nodeName`` answers it."""

RUNNER_PROGRAM: Final = "kagents-runner"
"""A command of this name is the installed package, whatever is on PATH."""


@dataclass(frozen=True, slots=True)
class KubeletSettings:
    runner_image: str
    """The only image that has a meaning here; containers of any other are refused."""

    backoff_base: float = 10.0
    """Wait before the second restart of a failing container; doubles each time. The first is immediate."""

    backoff_limit: float = 300.0
    """Longest wait between two restarts. A container that ran for twice as long starts over."""

    retry_base: float = 0.5
    """First wait before a missing volume source or variable is looked for again; doubles with each try."""

    retry_limit: float = 5.0
    """Longest wait between two such looks."""

    force_grace: float = 2.0
    """Time between SIGTERM and SIGKILL for a pod whose object is already gone."""

    rotation_seconds: float = 30.0
    """Pause between two looks at the tokens of all pods."""

    log_file_bytes: int = 16 * 1024 * 1024
    """A log file is put aside once it has grown to this size."""

    log_files: int = 4
    """Files kept of one container's run, the current one included; the oldest goes first."""
