"""Rules of the package about text from outside: no widget that reads markup, no text that was not cleaned."""

import ast
from pathlib import Path

import pytest

import kagents_tui

PACKAGE = Path(kagents_tui.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent.name != "cli")
"""The full screen's modules; the command beside them writes plain lines."""

READS_MARKUP = frozenset(
    (
        *("Static", "Label", "Button", "Checkbox", "Collapsible", "DataTable", "Digits", "Footer", "Header"),
        *("ListItem", "Markdown", "OptionList", "RadioButton", "RichLog", "Rule", "SelectionList", "Select"),
        *("Switch", "Tab", "TabbedContent", "Tabs", "Toast", "Tooltip", "Tree"),
    )
)
"""Widgets that read markup in a text they are given, unless told otherwise."""

MAKES_MARKUP = frozenset({"from_markup", "notify", "print"})
SETS_MARKUP = frozenset({"border_title", "border_subtitle", "tooltip", "title", "sub_title"})


def literal(node: ast.expr | None) -> bool:
    """Whether a text is written in the source itself, so that nobody outside can choose it."""
    return node is None or (isinstance(node, ast.Constant))


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def offences(source: str) -> list[str]:
    """One sentence for every place where a text from outside could be read as markup."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            told = any(
                word.arg == "markup" and isinstance(word.value, ast.Constant) and word.value.value is False
                for word in node.keywords
            )
            safe = all(map(literal, node.args)) and all(literal(word.value) for word in node.keywords)
            if (name in READS_MARKUP or name in MAKES_MARKUP) and not safe and not told:
                found.append(f"line {node.lineno}: {name}() may read markup")
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if (
                    isinstance(target, ast.Attribute)
                    and target.attr in SETS_MARKUP
                    and not literal(node.value)
                ):
                    found.append(f"line {node.lineno}: .{target.attr} reads markup")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_text_from_outside_is_read_as_markup(path):
    assert offences(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(text)",
        "widgets.Label(f'{name}')",
        "self.notify(error)",
        "app.notify(str(error), markup=True)",
        "Text.from_markup(text)",
        "self.border_title = name",
        "Button(label=name)",
    ],
)
def test_the_rule_finds_what_it_forbids(source):
    assert len(offences(source)) == 1


@pytest.mark.parametrize(
    "source",
    ["Static('ready')", "self.notify(error, markup=False)", "self.border_title = 'Mail'", "Bar(text)"],
)
def test_the_rule_lets_pass_what_is_harmless(source):
    assert offences(source) == []


def test_segments_are_made_of_cells_and_own_words_only():
    """Only the painting widgets make segments, and each takes its text from cleaned cells or lines."""
    makers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "Segment(" in path.read_text() or "rich.text" in path.read_text()
    }
    assert makers == {
        f"widgets/{name}.py" for name in ("bar", "buttons", "document", "logbook", "painter", "searched")
    }
