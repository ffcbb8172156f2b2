"""What a shared screen or widget leaves to others: every one that a person meets says all of it.

Such a method fails only when somebody presses the key for it, so what is missing is looked for here.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from textual.widget import Widget

import kagents_tui.screens
import kagents_tui.widgets
from kagents_tui.screens.across import Across
from kagents_tui.screens.listing import Listing
from kagents_tui.widgets.searched import Searched


def owed(kind: type) -> set[str]:
    """Our methods of a class that do nothing but raise ``NotImplementedError``."""
    found = {name: inspect.getattr_static(kind, name) for name in dir(kind)}
    return {
        name
        for name, value in found.items()
        if inspect.isfunction(value)
        and value.__module__.startswith("kagents_tui")
        and value.__code__.co_names == ("NotImplementedError",)
    }


def classes() -> Iterator[type[Widget]]:
    """Every screen and widget of kagents."""
    for package in (kagents_tui.screens, kagents_tui.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, Widget) and value.__module__ == module.name:
                    yield value


ALL = list(classes())
WHOLE = [each for each in ALL if not any(each in other.__mro__[1:] for other in ALL)]


@pytest.mark.parametrize("kind", WHOLE, ids=lambda kind: kind.__name__)
def test_nothing_is_left_to_others(kind):
    assert owed(kind) == set()


def test_what_is_left_is_seen():
    assert len(WHOLE) > 30
    assert owed(Listing) == {"table"}
    assert owed(Across) == {"changed_rows", "rows_of"}
    assert owed(Searched) == {"laid_out", "text_at", "line_at"}
    assert "table" in owed(type("Forgetful", (Listing,), {}, inherit_bindings=False))
