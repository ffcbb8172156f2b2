"""The base object and the table of refusals that the tests of the API share."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

REFUSED = Path(__file__).parents[2] / "fixtures" / "api" / "refused.yaml"
TABLE: dict[str, Any] = yaml.safe_load(REFUSED.read_text())


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with some dotted paths replaced; null removes."""
    obj = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = obj
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return obj


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "refused_case" in metafunc.fixturenames:
        cases = TABLE["cases"]
        metafunc.parametrize("refused_case", cases, ids=[case["name"] for case in cases])


@pytest.fixture
def change():
    """Function (changes) → the base team with those changes."""
    return lambda changes: changed(TABLE["base"], changes)
