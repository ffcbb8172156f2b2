"""The reference page is what the models say, and says something of every field."""

import re
from pathlib import Path

from kagents_core.api.reference import FIX, reference_page

PAGE = Path(__file__).parents[3] / "docs" / "reference.md"


def test_the_committed_page_is_fresh():
    assert PAGE.read_text() == reference_page(), f"docs/reference.md is not what the models say: {FIX}"


def test_every_field_has_a_meaning():
    rows = [line for line in reference_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 200
    assert [row for row in rows if re.search(r"\|\s*\|$", row)] == []
