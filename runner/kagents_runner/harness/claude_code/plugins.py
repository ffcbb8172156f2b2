"""Plugins of the team, given to the CLI by name; those that a repository brings along are switched off.

A repository can name plugins in its settings, with marketplaces to get them from, and keep some among its
skills. The CLI would start their hooks and servers unasked.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.equipment import FolderDocument
from kagents_runner.harness.claude_code.folders import install, wrong

_MANIFEST: Final = ".claude-plugin/plugin.json"
_SETTINGS: Final = ("settings.json", "settings.local.json")
_SETTINGS_BYTES: Final = 4 * 1024 * 1024
_NAMED: Final = re.compile(r'"([^"\\\s]+@[^"\\\s]+)"\s*:')
"""``"plugin@marketplace":``, also in a file that is no strict JSON."""
_MOST_FOLDERS: Final = 2_000


def install_plugins(home: Path, plugins: Sequence[FolderDocument], worktree: Path) -> tuple[Path, ...]:
    """The folders of all plugins, made anew. Raises ``UnusableError``."""
    folder = home / "kagents-plugins"
    shutil.rmtree(folder, ignore_errors=True)
    names: dict[str, str] = {}
    for plugin in plugins:
        target = folder / plugin.name
        install(plugin, target, worktree, _MANIFEST, _root)
        for path in target.rglob("*"):
            _allow_to_run(path)
        own = _named(target)
        if own is None:
            raise wrong(plugin, f"has no name in {_MANIFEST}")
        if own in names:
            raise wrong(plugin, f"calls itself {own[:80]!r} as the plugin {names[own]} does")
        names[own] = plugin.name
    return tuple(folder / plugin.name for plugin in plugins)


def foreign_plugins(folders: Iterable[Path]) -> dict[str, bool]:
    """``enabledPlugins`` that switches off what these folders' own settings and skills bring along."""
    return {name: False for folder in folders for name in _brought_along(folder / ".claude")}


def _root(unpacked: Path) -> Path | None:
    """The plugin itself, or the one folder that it was packed as."""
    inside = [unpacked, *(each for each in unpacked.iterdir() if each.is_dir())]
    found = [each for each in inside if (each / _MANIFEST).is_file()]
    return found[0] if len(found) == 1 or unpacked in found else None


def _allow_to_run(path: Path) -> None:
    """A hook's program: what begins with ``#!``. An archive's own modes are not taken over."""
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as file:
            if file.read(2) == b"#!":
                path.chmod(0o700)


def _named(plugin: Path) -> str | None:
    name = _object(plugin / _MANIFEST).get("name")
    return name if isinstance(name, str) and name else None


def _brought_along(folder: Path) -> Iterator[str]:
    for name in _SETTINGS:
        yield from _NAMED.findall(_text(folder / name))
        enabled = _object(folder / name).get("enabledPlugins")
        yield from enabled if isinstance(enabled, dict) else ()
    try:
        kept = sorted(folder.joinpath("skills").iterdir())[:_MOST_FOLDERS]
    except OSError:
        return
    for each in kept:
        if (each / _MANIFEST).is_file():
            yield f"{each.name}@skills-dir"
            if own := _named(each):
                yield f"{own}@skills-dir"


def _object(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(_text(path))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    """As the CLI reads it, which follows links; empty when it cannot be read."""
    try:
        return read_bounded(path.resolve(), _SETTINGS_BYTES).decode(errors="replace")
    except (OSError, ValueError, RuntimeError):
        return ""
