"""Files outside an agent's scope that have changed while it worked, where no repository will tell.

They are kept in the agent's home: whatever runs the agent writes them, and its supervisor hands them on.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.teamfiles.files import read_bounded, replace_file

_LIMIT: Final = 8 * 1024 * 1024


def scope_state(home: Path) -> Path:
    """The folder of an agent's home for what is seen of its scope."""
    return home / "scope"


def tell_outside(state: Path, names: Iterable[str]) -> None:
    """These, and no others any more. Raises ``OSError``."""
    state.mkdir(parents=True, exist_ok=True)
    replace_file(state / "outside.json", orjson.dumps(sorted(map(_written, names))))


def told_outside(home: Path) -> list[str]:
    """What was told last. The agent could have written it; what cannot be read is nothing."""
    try:
        found: Any = orjson.loads(read_bounded(scope_state(home) / "outside.json", _LIMIT))
    except (OSError, ValueError):
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _written(name: str) -> str:
    """A file's name need not be a text."""
    return name.encode(errors="surrogateescape").decode(errors="replace")
