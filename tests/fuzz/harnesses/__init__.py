"""The harnesses: one for each parser of what comes from outside."""

from typing import Final

from fuzzing.harness import Harness

from harnesses import (
    archives,
    cluster,
    embedded,
    gateway,
    journals,
    manifests,
    repositories,
    services,
    teamfiles,
    terminal,
)

_MODULES: Final = (
    teamfiles,
    journals,
    manifests,
    cluster,
    gateway,
    services,
    archives,
    repositories,
    terminal,
    embedded,
)
HARNESSES: Final[dict[str, Harness]] = {each.name: each for module in _MODULES for each in module.HARNESSES}
