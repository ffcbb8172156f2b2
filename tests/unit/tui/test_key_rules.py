"""Rules of the package about keys: every binding is of the registry, and no code looks at a key."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest
from textual import containers, widgets
from textual.dom import DOMNode

import kagents_tui
from kagents_tui.actions import BY_ID, SURFACES
from kagents_tui.actions.bindings import Bound
from kagents_tui.actions.keymap import ImpossibleKeyError, binding_id, key_of
from kagents_tui.screens.modal import Modal
from kagents_tui.screens.view import View

PACKAGE = Path(kagents_tui.__file__).parent
MAKES_BINDINGS = "actions/bindings.py"
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).as_posix() != MAKES_BINDINGS
)
TELLS_THE_KEY = frozenset(("key", "name", "aliases", "name_aliases", "character"))
"""What a key event has that says which key it is."""


BRING_KEYS = frozenset(
    name
    for module in (containers, widgets)
    for name in getattr(module, "__all__", dir(module))
    if isinstance(each := getattr(module, name), type)
    and issubclass(each, DOMNode)
    and each._merged_bindings.key_to_bindings
)
"""Textual's own that have keys nobody could change."""


def name_of(node: ast.expr | None) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_key(name: str) -> bool:
    try:
        key_of(name)
    except ImpossibleKeyError:
        return False
    return True


def looks_at_key(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Where a function asks a key event which key it is."""
    events = {
        each.arg
        for each in function.args.args
        if name_of(each.annotation) == "Key" or function.name in ("on_key", "_on_key")
    } - {"self"}
    return [
        f"line {node.lineno}: {function.name} looks at the key"
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and node.attr in TELLS_THE_KEY
        and isinstance(node.value, ast.Name)
        and node.value.id in events
    ]


def offences(source: str) -> list[str]:
    """One sentence for every place that names or asks for a key beside the registry."""
    found = []
    tree = ast.parse(source)
    bring_keys = BRING_KEYS & {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual.")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node.func) in ("Binding", "bind", "_bind"):
            found.append(f"line {node.lineno}: a binding is made by hand")
        elif isinstance(node, ast.Call) and name_of(node.func) in bring_keys:
            found.append(f"line {node.lineno}: {name_of(node.func)} brings keys of its own")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found += looks_at_key(node)
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                target = each.targets[0] if isinstance(each, ast.Assign) else getattr(each, "target", None)
                value = getattr(each, "value", None)
                made = isinstance(value, ast.Call) and name_of(value.func) in ("bindings", "bindings_of")
                if name_of(target) == "BINDINGS" and not made:
                    found.append(f"line {each.lineno}: BINDINGS are not made of the registry")
                method = getattr(each, "name", "").lstrip("_").removeprefix("key_")
                if getattr(each, "name", "").lstrip("_").startswith("key_") and is_key(method):
                    found.append(f"line {each.lineno}: Textual calls {method}'s method when it is pressed")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_key_is_named_or_asked_for_beside_the_registry(path):
    assert offences(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n    BINDINGS = [('x', 'do')]",
        "class A:\n    BINDINGS: list = other()",
        "self._bindings.bind('x', 'do')",
        "x = Binding('x', 'do')",
        "def on_key(self, event):\n    if event.key == 'x': pass",
        "async def _on_key(self, event):\n    match event.character:\n        case 'x': pass",
        "def take(self, pressed: events.Key):\n    return pressed.key in KEYS",
        "class A:\n    def key_enter(self): pass",
        "class A:\n    async def _key_space(self): pass",
        "from textual.widgets import Input\nyield Input(value)",
        "from textual.containers import VerticalScroll\nwith VerticalScroll(): pass",
    ],
)
def test_the_rule_finds_what_it_forbids(source):
    assert len(offences(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n    BINDINGS = bindings('teams')",
        "class A:\n    def key_cells(self): pass",
        "from kagents_tui.feed import Link\nLink()",
        "from textual.widgets import Input\nclass Field(Input): pass",
        "def on_key(self, event):\n    if event.time < self.seen: event.stop()",
        "def find(item, event):\n    return item.key == event.key",
    ],
)
def test_the_rule_lets_pass_what_is_harmless(source):
    assert offences(source) == []


def classes() -> list[type[DOMNode]]:
    """Every widget, screen and application of the package."""
    found: dict[str, type[DOMNode]] = {}
    for module in pkgutil.walk_packages([str(PACKAGE)], "kagents_tui."):
        for each in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(each, type)
                and issubclass(each, DOMNode)
                and each.__module__.startswith("kagents_tui.")
            ):
                found[f"{each.__module__}.{each.__qualname__}"] = each
    return [found[name] for name in sorted(found)]


CLASSES = classes()


@pytest.mark.parametrize("made", CLASSES, ids=lambda each: each.__qualname__)
def test_every_key_of_a_class_is_an_action_that_it_can_do(made):
    """Also those that Textual's classes bring along: one that is not in the registry could not be changed."""
    for key, bindings in made._merged_bindings.key_to_bindings.items():
        for binding in bindings:
            assert binding.id is not None, f"{key}: {binding.action}"
            action = BY_ID[binding.id.rpartition("-")[0]]
            does = binding.action.partition("(")[0]
            assert hasattr(made, f"action_{does}"), binding.action
            if does == "act" and issubclass(made, Bound):
                assert hasattr(made, f"do_{action.id}"), action.id


def test_every_action_is_bound_somewhere():
    bound = {
        binding.id
        for made in CLASSES
        for bindings in made._merged_bindings.key_to_bindings.values()
        for binding in bindings
    }
    shown = {action.id for action in BY_ID.values() if action.keys}
    assert {name for name in shown if binding_id(name, 0) not in bound} == set()


def test_every_class_that_takes_keys_is_known_to_the_registry():
    kinds = {made.kind for made in CLASSES if issubclass(made, View | Modal) and hasattr(made, "kind")}
    assert kinds <= SURFACES.keys()
