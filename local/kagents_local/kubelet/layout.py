"""Where the kubelet keeps what belongs to pods: one place that knows every path below the data directory."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AttemptLayout:
    """One run of one container. ``number`` counts from 0."""

    root: Path

    @property
    def number(self) -> int:
        return int(self.root.name)

    @property
    def intent(self) -> Path:
        """Written before the process may start, so that a start is never repeated by mistake."""
        return self.root / "intent.json"

    @property
    def process(self) -> Path:
        """Written by the process itself before it becomes the program."""
        return self.root / "process.json"

    @property
    def exit(self) -> Path:
        return self.root / "exit.json"

    @property
    def log(self) -> Path:
        """Current log file; older parts of the same run are ``log.1`` (newest) and up."""
        return self.root / "log"

    @property
    def termination(self) -> Path:
        return self.root / "termination-log"


@dataclass(frozen=True, slots=True)
class PodLayout:
    """Everything of one pod: ``pods/<uid>/``."""

    root: Path

    @property
    def pod(self) -> Path:
        """Namespace, name and UID, for a pod whose object is gone."""
        return self.root / "pod.json"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def scratch(self) -> Path:
        """What TMPDIR means when the pod mounts nothing at /tmp."""
        return self.root / "tmp"

    def volume(self, name: str) -> Path:
        return self.root / "volumes" / name

    @property
    def containers(self) -> Path:
        return self.root / "containers"

    def attempt(self, container: str, number: int) -> AttemptLayout:
        return AttemptLayout(self.containers / container / str(number))

    def attempts(self, container: str) -> list[AttemptLayout]:
        """Runs that are on disk, oldest first."""
        directory = self.containers / container
        if not directory.is_dir():
            return []
        numbers = sorted(int(entry.name) for entry in directory.iterdir() if entry.name.isdecimal())
        return [self.attempt(container, number) for number in numbers]


@dataclass(frozen=True, slots=True)
class KubeletLayout:
    """The kubelet's part of the data directory."""

    data: Path

    @property
    def pods(self) -> Path:
        return self.data / "pods"

    @property
    def volumes(self) -> Path:
        return self.data / "volumes"

    def pod(self, uid: str) -> PodLayout:
        return PodLayout(self.pods / uid)

    def claim(self, namespace: str, name: str, uid: str) -> Path:
        return self.volumes / namespace / f"{name}-{uid}"

    @property
    def short_links(self) -> Path:
        """A private directory of links with short names: a socket's path may have only about 100 bytes."""
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:8]
        return Path("/tmp") / f"kagents-{os.getuid()}-{digest}"  # noqa: S108  (0700 and ours, checked before use)
