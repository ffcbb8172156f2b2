"""The pictures of the documentation: drawn by the application, complete, loading nothing from elsewhere."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from kagents_tui.sample.pictures import PICTURES, draw

ROOT = Path(__file__).parents[2]


def words_of(picture: str) -> str:
    """The text of a picture, with plain spaces."""
    return " ".join("".join(ElementTree.fromstring(picture).itertext()).split())


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_is_what_the_application_shows(name):
    drawn = await draw(*PICTURES[name])
    kept = (ROOT / "docs" / "images" / f"{name}.svg").read_text()
    assert words_of(drawn) == words_of(kept), "run: make generate"
    assert "url(http" not in kept
    assert "@font-face" not in kept


def test_the_tour_shows_every_picture_and_no_other():
    shown = re.findall(r"!\[[^]]+\]\(images/([a-z]+)\.svg\)", (ROOT / "docs" / "tour.md").read_text())
    assert sorted(shown) == sorted(PICTURES)
    assert sorted(each.stem for each in (ROOT / "docs" / "images").iterdir()) == sorted(PICTURES)
