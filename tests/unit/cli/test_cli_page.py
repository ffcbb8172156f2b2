"""The page of the command is what its parser says."""

from pathlib import Path

from kagents_tui.cli.page import FIX, cli_page

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_committed_page_is_fresh():
    assert PAGE.read_text() == cli_page(), f"docs/cli.md is not what the parser says: {FIX}"


def test_every_argument_has_a_meaning():
    rows = [line for line in cli_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    assert not [row for row in rows if row.endswith("| None |") or row.startswith("| `` |")]
