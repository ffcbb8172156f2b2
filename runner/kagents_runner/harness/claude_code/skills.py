"""Skills, put into the agent's own folder at its start."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kagents_runner.equipment import FolderDocument
from kagents_runner.harness.claude_code.folders import install

_MANIFEST: Final = "SKILL.md"


def install_skills(home: Path, skills: Sequence[FolderDocument], worktree: Path) -> None:
    """Makes ``<home>/skills/<name>`` equal to what each skill holds now. Raises ``UnusableError``."""
    for skill in skills:
        install(skill, home / "skills" / skill.name, worktree, _MANIFEST, _root)


def _root(unpacked: Path) -> Path | None:
    return unpacked if (unpacked / _MANIFEST).is_file() else None
