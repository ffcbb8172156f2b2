"""The runs of one pod's containers, in memory as they are on disk."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from kagents_local.kubelet.layout import AttemptLayout, KubeletLayout, PodLayout
from kagents_local.kubelet.records import (
    Attempt,
    Ending,
    read_attempt,
    remove_older_attempts,
    settle_lost,
    write_intent,
    write_record,
)

TERMINATION_LIMIT: Final = 4096
"""Bytes of a termination message, as in Kubernetes."""

FALLBACK_LIMIT: Final = 2048
"""Bytes at the end of the log that stand in for a termination message (FallbackToLogsOnError)."""


class PodRuns:
    """Reads and begins runs; the newest one of each container is ``latest``, the one before it
    ``previous``."""

    def __init__(self, layout: KubeletLayout, uid: str, containers: Mapping[str, Mapping[str, Any]]) -> None:
        """``containers`` are the container specs by name, init containers included."""
        self._kubelet = layout
        self.layout: PodLayout = layout.pod(uid)
        self.containers = containers
        self.latest: dict[str, Attempt] = {}
        self.previous: dict[str, Attempt] = {}

    def remember(self, pod: Mapping[str, Any]) -> None:
        """Put down who the pod is, so that its remains can be cleared when its object is gone."""
        self.layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity = {key: pod["metadata"][key] for key in ("namespace", "name", "uid")}
        names = [{"name": name} for name in self.containers]
        write_record(self.layout.pod, {"metadata": identity, "spec": {"containers": names}})

    def load(self, running: Collection[str]) -> None:
        """Read everything again; a run that is not among the keeper's ``running`` and has no ending is
        lost."""
        self.latest.clear()
        self.previous.clear()
        for name in self.containers:
            for attempt in self.layout.attempts(name):
                identity = self.identity(name, attempt.number)
                if identity not in running:
                    settle_lost(attempt, self._kubelet.data, identity)
            found = [run for layout in self.layout.attempts(name) if (run := self._read(name, layout))]
            if found:
                self.latest[name] = found[-1]
            if len(found) > 1:
                self.previous[name] = found[-2]

    def begin(self, name: str, number: int, failures: int) -> AttemptLayout:
        """Record the intent of a run; only after that may the keeper be asked to start it."""
        layout = self.layout.attempt(name, number)
        attempt = write_intent(layout, self.identity(name, number), failures)
        descriptor = os.open(layout.termination, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        os.close(descriptor)
        if name in self.latest:
            self.previous[name] = self.latest[name]
        self.latest[name] = attempt
        return layout

    def forget(self, name: str, number: int) -> None:
        """Take back the intent of a run whose start was never asked for."""
        self.layout.attempt(name, number).intent.unlink(missing_ok=True)
        del self.latest[name]
        if name in self.previous:
            self.latest[name] = self.previous.pop(name)

    def began(self, name: str) -> None:
        """The newest run is on its way: logs of all but the one before it may go."""
        remove_older_attempts(self.layout, name)

    def ended(self, name: str, number: int) -> None:
        """Read how a run has ended."""
        attempt = self.latest.get(name)
        if attempt is not None and attempt.number == number:
            self.latest[name] = self._read(name, self.layout.attempt(name, number)) or attempt

    def identity(self, name: str, number: int) -> str:
        """The keeper's id of a run: its directory below the data directory."""
        return str(self.layout.attempt(name, number).root.relative_to(self._kubelet.data))

    def identities(self) -> dict[str, str]:
        return {name: self.identity(name, attempt.number) for name, attempt in self.latest.items()}

    def _read(self, name: str, layout: AttemptLayout) -> Attempt | None:
        attempt = read_attempt(layout)
        if attempt is None or attempt.ending is None or attempt.ending.message:
            return attempt
        message = self._message(name, layout, attempt.ending)
        if not message:
            return attempt
        ending = attempt.ending
        shown = Ending(
            ending.code,
            ending.signal,
            ending.reason,
            message,
            ending.started_at,
            ending.finished_at,
            ending.interrupted,
        )
        return Attempt(attempt.number, attempt.failures, attempt.started_at, shown)

    def _message(self, name: str, layout: AttemptLayout, ending: Ending) -> str:
        written = _read_end(layout.termination, TERMINATION_LIMIT)
        policy = self.containers[name].get("terminationMessagePolicy")
        if not written.strip() and ending.code != 0 and policy == "FallbackToLogsOnError":
            lines = _read_end(layout.log, 2 * FALLBACK_LIMIT).splitlines()
            written = "\n".join(line.split(" ", 3)[-1] for line in lines)[-FALLBACK_LIMIT:]
        return written.rstrip("\n")


def pod_containers(pod: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """All containers of a pod by name, init containers first."""
    spec = pod["spec"]
    return {entry["name"]: entry for entry in (*(spec.get("initContainers") or ()), *spec["containers"])}


def _read_end(path: Path, limit: int) -> str:
    """The last ``limit`` bytes of a file that a container may have replaced by anything."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        try:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                file.seek(size - limit)
            return file.read(limit).decode("utf-8", "replace")
        except OSError:
            return ""
