"""Which checks a team wants, and what each of them runs: a command of the spec, or the repository's own.

A repository tells how it is tested and linted by the files in its root: a target of its Makefile, a script of
its ``package.json``, or the tool that its language comes with. The first that is found counts.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from kagents_core.teamfiles.files import read_bounded

TESTS: Final = "requireTests"
LINT: Final = "requireLint"
SCRIPT: Final = "validationScript"

_FILE_LIMIT: Final = 4 * 1024 * 1024
_MAKEFILES: Final = ("GNUmakefile", "makefile", "Makefile")
"""In the order in which make looks for them."""
_TARGETS: Final = {TESTS: "test", LINT: "lint"}
_BY_FILE: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    TESTS: (
        ("Cargo.toml", "", "cargo test"),
        ("go.mod", "", "go test ./..."),
        ("pytest.ini", "", "python3 -m pytest"),
        ("pyproject.toml", "[tool.pytest", "python3 -m pytest"),
    ),
    LINT: (
        ("Cargo.toml", "", "cargo clippy -- -D warnings"),
        ("go.mod", "", "go vet ./..."),
        ("ruff.toml", "", "ruff check ."),
        ("pyproject.toml", "[tool.ruff", "ruff check ."),
    ),
}
"""File, a text that it must hold, and the command that follows."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The ``qualityGates`` of a team."""

    tests: bool = False
    lint: bool = False
    test_command: str | None = None
    lint_command: str | None = None
    script: str | None = None
    rounds: int = 3
    """Failed checks in a row that go back to the agent; one more ends it."""
    seconds: float = 900.0
    """Time limit of each check."""

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates that are wanted, in the order in which they are run."""
        wanted = ((LINT, self.lint), (TESTS, self.tests), (SCRIPT, self.script is not None))
        return tuple(gate for gate, is_wanted in wanted if is_wanted)


NO_CHECKS: Final = Quality()


@dataclass(frozen=True, slots=True)
class Check:
    """One gate and the shell text that decides on it; None when nothing tells what to run."""

    gate: str
    shell: str | None
    shown: str
    """What is run, in a few words."""


def checks(quality: Quality, folder: Path) -> list[Check]:
    """What to run in ``folder``, quick things first."""
    found = []
    for gate in quality.gates:
        given = {TESTS: quality.test_command, LINT: quality.lint_command, SCRIPT: quality.script}[gate]
        shell = given if given is not None else _told_by(folder, gate)
        shown = "the team's script" if gate == SCRIPT else shell or "nothing"
        found.append(Check(gate, shell, shown))
    return found


def nothing_to_run(gate: str) -> str:
    """What to say of a gate for which nothing tells what to run."""
    target = _TARGETS[gate]
    files = ", ".join(file for file, _, _ in _BY_FILE[gate])
    return (
        f"Nothing in the working directory tells how to run this check: no target `{target}` in a Makefile, "
        f"no script `{target}` in package.json, and none of {files}. Add one of them, or ask the people "
        f"to set spec.qualityGates.{target}Command."
    )


def _told_by(folder: Path, gate: str) -> str | None:
    target = _TARGETS[gate]
    for name in _MAKEFILES:
        text = _read(folder / name)
        if re.search(rf"^{target}[ \t]*::?(?![=:])", text, re.MULTILINE):
            return f"make {target}"
    if _script_of(folder / "package.json", target):
        return f"npm run --silent {shlex.quote(target)}"
    for name, needed, command in _BY_FILE[gate]:
        if (folder / name).is_file() and (not needed or needed in _read(folder / name)):
            return command
    return None


def _script_of(path: Path, name: str) -> bool:
    try:
        document = orjson.loads(_read(path) or "{}")
    except orjson.JSONDecodeError:
        return False
    scripts = document.get("scripts") if isinstance(document, dict) else None
    return isinstance(scripts, dict) and isinstance(scripts.get(name), str)


def _read(path: Path) -> str:
    try:
        return read_bounded(path, _FILE_LIMIT).decode(errors="replace")
    except OSError:
        return ""
