"""Writes docs/helm-values.md from the comments of the chart's values.yaml.

A comment that begins with ``# --`` describes the value below it; further comment lines go on.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
VALUES = ROOT / "charts" / "kagents" / "values.yaml"
PAGE = ROOT / "docs" / "helm-values.md"

HEADER = """# Values of the Helm chart

Generated from `charts/kagents/values.yaml` by `make generate`. Any other value is refused.

| value | default | meaning |
|---|---|---|
"""


def described(text: str) -> Iterator[tuple[str, object, str]]:
    """Path, default and description of every described value, in the file's order."""
    lines = text.splitlines()
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    yield from _within(root, "", lines)


def _within(node: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[tuple[str, object, str]]:
    for key, value in node.value:
        path = f"{prefix}{key.value}"
        comment = _comment(lines, key.start_mark.line)
        if comment:
            yield path, yaml.safe_load(yaml.serialize(value)), comment
        elif isinstance(value, yaml.MappingNode):
            yield from _within(value, f"{path}.", lines)
        else:
            raise ValueError(f"{path} in values.yaml has no comment that begins with '# --'")


def _comment(lines: list[str], line: int) -> str:
    found: list[str] = []
    for text in reversed(lines[:line]):
        if not text.strip().startswith("#"):
            return ""
        found.insert(0, text.strip().removeprefix("#").strip())
        if found[0].startswith("--"):
            return " ".join(found).removeprefix("--").strip()
    return ""


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{path}` | `{json.dumps(default)}` | {meaning} |"
        for path, default, meaning in described(VALUES.read_text(encoding="utf-8"))
    ]
    return HEADER + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit(0)
