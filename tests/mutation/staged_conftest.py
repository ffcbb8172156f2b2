"""In the project that mutmut runs in: the quickest tests first, laws tried less often and always alike.

mutmut collects its statistics and then forks for each mutant: what the simulation has kept of the unchanged
code by then would be what the mutant is measured with, which no real run of the tests has. It is forgotten.
"""

import os
import sys

import pytest
from hypothesis import settings

LAST = ("test_team_laws", "test_told_events", "test_child_names", "simulation")
"""Parts of the names of slow tests."""

EXAMPLES = 20

QUICK = "KAGENTS_MUTANTS_QUICK"
"""Set while only the unit tests judge mutants, not the simulation."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    collecting = os.environ.get("MUTANT_UNDER_TEST") in ("stats", "list_all_tests")
    if os.environ.get(QUICK) and not collecting:
        items[:] = [item for item in items if "simulation" not in item.nodeid]
    items.sort(key=lambda item: max((n for n, part in enumerate(LAST, 1) if part in item.nodeid), default=0))
    for item in items:
        case = getattr(item, "cls", None)
        if case is not None and isinstance(getattr(case, "settings", None), settings):
            case.settings = settings(case.settings, max_examples=EXAMPLES)


def pytest_runtestloop() -> None:
    settings.register_profile(
        "mutants", settings.get_profile("kagents"), derandomize=True, database=None, max_examples=EXAMPLES
    )
    settings.load_profile("mutants")
    if "simulator.runs" in sys.modules:
        sys.modules["simulator.runs"].reference.cache_clear()
