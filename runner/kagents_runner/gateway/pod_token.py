"""The token by which a pod proves to the hub which agent it is; the kubelet replaces it from time to time."""

from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded

_LIMIT: Final = 64 * 1024


class PodToken:
    """Reads the file again whenever it has been replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._token = b""

    def bytes(self) -> bytes:
        """As it is now. Raises ``OSError`` and ``ValueError``."""
        # The files of a projected volume are links that the kubelet has made.
        state = self._path.stat()
        seen = (state.st_mtime_ns, state.st_ino, state.st_size)
        if seen != self._seen:
            found = read_bounded(self._path.resolve(), _LIMIT).strip()
            if not found or not found.isascii() or b" " in found or b"\n" in found:
                raise ValueError("the token is none")
            self._token, self._seen = found, seen
        return self._token
