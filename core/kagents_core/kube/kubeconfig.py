"""Kubeconfig files, read and merged: KUBECONFIG may name several, and the first that sets an entry wins.

Imports nothing heavy at the top: the terminal loads this before its first frame.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kagents_core.kube.errors import ConfigError, NoKubeconfig

_SIZE_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One named cluster, user or context: its fields, and the file and place they stand in."""

    file: Path
    where: str
    values: Mapping[str, Any]

    def error(self, name: str, problem: str) -> ConfigError:
        """A ConfigError that names file and field."""
        return ConfigError(f"{self.file}: {self.where}.{name}: {problem}")

    def text(self, name: str) -> str | None:
        """A string field; empty counts as absent."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.error(name, f"must be a string, not {type(value).__name__}")
        return value

    def flag(self, name: str) -> bool:
        """A boolean field; absent is false."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self.error(name, f"must be true or false, not {value!r}")
        return value

    def path(self, name: str) -> Path | None:
        """A file name, relative to the file it stands in."""
        text = self.text(name)
        return None if text is None else self.file.parent / Path(text).expanduser()

    def data(self, name: str) -> bytes | None:
        """The content of ``<name>-data`` (base64) or else of the file ``<name>``."""
        inline = self.text(f"{name}-data")
        if inline is not None:
            try:
                return base64.b64decode(inline, validate=True)
            except ValueError:
                raise self.error(f"{name}-data", "is not base64") from None
        path = self.path(name)
        if path is None:
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            raise self.error(name, f"{path} cannot be read ({error.strerror})") from None


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """Merged kubeconfig files: named entries, each with the file it came from."""

    files: tuple[Path, ...]
    current_context: str
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    contexts: Mapping[str, Entry]

    @property
    def context_names(self) -> tuple[str, ...]:
        """Names of all contexts, in file order."""
        return tuple(self.contexts)


def kubeconfig_paths(path: str | None = None) -> tuple[Path, ...]:
    """The files that count: ``path``, else KUBECONFIG, else ``~/.kube/config``."""
    if path is not None:
        return (Path(path).expanduser(),)
    listed = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(listed) or (Path.home() / ".kube" / "config",)


def read_kubeconfig(path: str | None = None) -> Kubeconfig:
    """Read and merge the kubeconfig files.

    Raises NoKubeconfig when none of them exists, ConfigError when one cannot be used.
    """
    current = ""
    sections: dict[str, dict[str, Entry]] = {"clusters": {}, "users": {}, "contexts": {}}
    found = []
    for file in kubeconfig_paths(path):
        document = _read_document(file)
        if document is None:
            continue
        found.append(file)
        chosen = document.get("current-context")
        current = current or (chosen if isinstance(chosen, str) else "")
        for section, entries in sections.items():
            for name, entry in _named(file, section, document.get(section)).items():
                entries.setdefault(name, entry)
    if not found:
        names = ", ".join(str(file) for file in kubeconfig_paths(path))
        raise NoKubeconfig(f"There is no kubeconfig: {names} does not exist.")
    return Kubeconfig(tuple(found), current, sections["clusters"], sections["users"], sections["contexts"])


def _read_document(file: Path) -> Mapping[str, Any] | None:
    # 25 ms that a caller without a kubeconfig need not spend
    from kagents_core.api.manifests import ManifestError, read_yaml

    try:
        with file.open("rb") as stream:
            data = stream.read(_SIZE_LIMIT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    if len(data) > _SIZE_LIMIT:
        raise ConfigError(f"{file}: is larger than 4 MiB, so it is not a kubeconfig")
    try:
        documents = read_yaml(data.decode("utf-8-sig"), str(file))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: byte {error.start} is not UTF-8 text") from None
    except ManifestError as error:
        raise ConfigError(str(error)) from None
    document = documents[0] if documents else None
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise ConfigError(f"{file}: must be a mapping at the top, not a {type(document).__name__}")
    return document


def _named(file: Path, section: str, raw: Any) -> dict[str, Entry]:
    """The entries of ``clusters``, ``users`` or ``contexts``, by name."""
    if raw is None:
        return {}
    if not isinstance(raw, list):
        raise ConfigError(f"{file}: {section}: must be a list")
    inner = section[:-1]
    entries: dict[str, Entry] = {}
    for index, item in enumerate(raw):
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(name, str):
            raise ConfigError(f"{file}: {section}[{index}].name: is missing")
        values = item.get(inner) or {}
        if not isinstance(values, Mapping):
            raise ConfigError(f"{file}: {section}[{name}].{inner}: must be a mapping")
        entries.setdefault(name, Entry(file, f"{section}[{name}].{inner}", values))
    return entries
