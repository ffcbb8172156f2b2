"""Finds the real CLI, and gives each test a scripted model and a team directory of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from scripted_model import ScriptedModel
    from small_team import SmallTeam

sys.path.insert(0, str(Path(__file__).parent))  # the scripted model is a package beside these tests
sys.path.append(str(Path(__file__).parents[1] / "local"))  # the terminal that keys are pressed in

REPOSITORY = Path(__file__).parents[2]
INSTALLED = REPOSITORY / ".cache/claude/node_modules/@anthropic-ai"


def find_claude() -> str | None:
    """``$KAGENTS_CLAUDE``, else what tools/get-claude put into ``.cache``."""
    if named := os.environ.get("KAGENTS_CLAUDE"):
        return named
    found = sorted(INSTALLED.glob("claude-code-*/claude"))
    return str(found[0]) if found else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the CLI: skipped loudly without it on a laptop, failed in CI."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.claude)


@pytest.fixture(scope="session")
def claude() -> str:
    """Path of the real CLI."""
    found = find_claude()
    if found is None:
        message = "the real Claude Code CLI is not here: run tools/get-claude, or set KAGENTS_CLAUDE"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """A model server without rules; the test sets its script."""
    from scripted_model import Script, ScriptedModel

    with ScriptedModel(Script()) as running:
        yield running


@pytest.fixture
async def small_team(
    tmp_path: Path, claude: str, model: ScriptedModel
) -> AsyncIterator[Callable[..., SmallTeam]]:
    """Makes the small team of a test, and ends its agents afterwards."""
    from small_team import SmallTeam

    made: list[SmallTeam] = []

    def make(*agents: str, cowork: bool = False) -> SmallTeam:
        made.append(SmallTeam(tmp_path, claude, model, agents, cowork=cowork))
        return made[-1]

    yield make
    for team in made:
        await team.close()
