"""The archive of an export as it is written here: objects and logs from the API server, files from the pod.

Nothing in it is a link, has an absolute path or leads out of its folder, whatever the pod sent.
"""

import gzip
import io
import json
import re
import tarfile
import time
import zlib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import IO, Any, Final

from kagents_core.secretshapes import masked

SUMMARY: Final = "export.json"
_LONGEST_PATH: Final = 4096
_SUMMARY_BYTES: Final = 4 * 1024 * 1024
_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class BrokenArchiveError(Exception):
    """What the pod sent is no archive, or more than was agreed; the text says so."""


class TeamArchive:
    """One archive with a folder of the team's name."""

    def __init__(self, stream: IO[bytes], folder: str, limit: int) -> None:
        self._packed = gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=6, mtime=0)
        self._tar = tarfile.TarFile(fileobj=self._packed, mode="w", format=tarfile.PAX_FORMAT)
        self._folder = folder
        self._left = limit
        self._told: dict[str, Any] = {}
        self.files = 0
        self.bytes = 0
        self.omitted: list[dict[str, str]] = []

    def omit(self, path: str, reason: str) -> None:
        """Something that was looked for is not in the archive."""
        self.omitted.append({"path": path, "reason": reason})

    def add_objects(self, kind: str, found: Iterable[Mapping[str, Any]]) -> None:
        """Objects of the API server, each as JSON."""
        for each in found:
            text = json.dumps(_plain(each), indent=1, ensure_ascii=False)
            self.add(f"objects/{kind}-{each['metadata']['name']}.json", masked(text.encode()))

    def add(self, path: str, data: bytes) -> None:
        """A file of these bytes."""
        if len(data) > self._left:
            self.omit(path, "it has no room within the limit")
            return
        self._add(path, len(data), time.time(), io.BytesIO(data))

    def take(self, sent: IO[bytes]) -> None:
        """Every file of the pod's archive. Raises ``BrokenArchiveError``."""
        try:
            with tarfile.open(fileobj=sent, mode="r|gz") as files:
                for member in files:
                    self._take(files, member)
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, TypeError) as error:
            # A TypeError is what tarfile makes of a compressed stream that ends in its first bytes.
            raise BrokenArchiveError(f"what the pod sent is no whole archive: {error}") from error

    def _take(self, files: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        source = files.extractfile(member) if member.isreg() else None
        path = _inside(member.name)
        if source is None or path is None:
            self.omit(member.name[:_LONGEST_PATH], "not a plain file")
        elif path == SUMMARY:
            self._read_summary(source.read(_SUMMARY_BYTES))
        elif member.size > self._left:
            self.omit(path, "it has no room within the limit")
        else:
            self._add(path, member.size, member.mtime, source)

    def _read_summary(self, data: bytes) -> None:
        try:
            told = json.loads(data)
        except ValueError:
            raise BrokenArchiveError("what the pod says of its archive cannot be read") from None
        if isinstance(told, dict):
            self._told = told

    def close(self) -> int:
        """Ends the archive with what is in it and what is not; returns how many files are not."""
        if not self._told:
            raise BrokenArchiveError("the pod's archive ended before it was complete")
        omitted = [*self.omitted, *(self._told.get("omitted") or ())]
        told = {**self._told, "files": self.files, "bytes": self.bytes, "omitted": omitted}
        data = json.dumps(told, indent=1).encode()
        self._add(SUMMARY, len(data), time.time(), io.BytesIO(data))
        self._tar.close()
        self._packed.close()
        return len(omitted)

    def _add(self, path: str, size: int, at: float, source: IO[bytes]) -> None:
        entry = tarfile.TarInfo(f"{self._folder}/{path}")
        entry.size, entry.mtime, entry.mode = size, max(0, int(at)), 0o644
        self._tar.addfile(entry, source)
        self._left -= size
        self.files += 1
        self.bytes += size


def _inside(name: str) -> str | None:
    """The path, if it stays where it is unpacked."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or len(name) > _LONGEST_PATH:
        return None
    return str(path)


def _plain(value: Any, within: str = "") -> Any:
    """An object without bookkeeping, values of variables named like a secret, and webhooks' URLs."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: "***" if _is_secret(within, key, value) else _plain(item, key)
        for key, item in value.items()
        if key not in ("managedFields", _APPLIED)
    }


def _is_secret(within: str, key: str, value: Mapping[str, Any]) -> bool:
    if key == "value":
        return isinstance(value[key], str) and bool(_SECRET_NAME.search(str(value.get("name", ""))))
    return key == "webhookUrl" or (within == "webhook" and key == "url")
