"""Where the embedded engine keeps its things: the data directory and every file in it."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.formats import NewerFormatError, claim_format

FORMAT: Final = 1
"""Of everything in a data directory. To be counted up when an engine of the release before could not go on
with what this one writes."""


class DataDirectoryError(Exception):
    """The data directory cannot be used; one sentence with the path."""


def default_data(environ: Mapping[str, str]) -> Path:
    """``$KAGENTS_DATA``, else ``$XDG_DATA_HOME/kagents``, else ``~/.local/share/kagents``."""
    if environ.get("KAGENTS_DATA"):
        return Path(environ["KAGENTS_DATA"])
    if environ.get("XDG_DATA_HOME"):
        return Path(environ["XDG_DATA_HOME"]) / "kagents"
    return Path.home() / ".local" / "share" / "kagents"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The data directory of one engine."""

    root: Path

    @property
    def engine(self) -> Path:
        """Who runs: ``{"pid","port","startedAt","version","parts"}``; there only while a daemon is ready."""
        return self.root / "engine.json"

    @property
    def lock(self) -> Path:
        """Locked (flock) by the one daemon of this directory."""
        return self.root / "engine.lock"

    @property
    def port(self) -> Path:
        """The port, so that it stays the same: running pods and kubeconfigs know it."""
        return self.root / "port"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def store(self) -> Path:
        return self.root / "state.db"

    @property
    def log(self) -> Path:
        return self.root / "engine.log"

    @property
    def format(self) -> Path:
        """The number of the form in which this directory is kept."""
        return self.root / "format"

    def claim_format(self) -> None:
        """Say in which form the directory is kept from now on, before anything else in it is touched.

        Raises DataDirectoryError when a newer release has had it.
        """
        try:
            claim_format(self.format, FORMAT)
        except NewerFormatError as error:
            raise DataDirectoryError(
                f"{self.root} cannot be used: {error}; nothing was changed: "
                "start the newer release again, or use another directory with --data"
            ) from error
        except OSError as error:
            raise DataDirectoryError(f"{self.format} cannot be used: {error.strerror}") from error

    def create(self) -> None:
        """Make the directory for this user alone. Raises DataDirectoryError."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.root.stat()
            if found.st_uid != os.getuid():
                raise DataDirectoryError(f"{self.root} belongs to another user: choose another with --data")
            if stat.S_IMODE(found.st_mode) & 0o077:
                self.root.chmod(0o700)
            self.pki.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DataDirectoryError(f"{self.root} cannot be used: {error.strerror}") from error


OWN_NAMES: Final = (
    "engine.json",
    "engine.lock",
    "format",
    "port",
    "kubeconfig",
    "pki",
    "state.db",
    "state.db-wal",
    "state.db-shm",
    "engine.log",
    "engine.log.1",
    "engine.log.2",
    "engine.log.3",
    "keeper.log",
    "keeper.lock",
    "keeper.sock",
    "volumes",
    "pods",
)
"""Everything an engine makes in its data directory; ``down --purge`` removes these and nothing else."""


def write_private(path: Path, data: bytes) -> None:
    """Replace a file whole; only this user may read it."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
