"""The page of all metrics, written from the registry: ``python -m kagents_core.metrics.page FILE``."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kagents_core.metrics.families import CONTROLLER, HUB, PREFIX, Family, Label

FIX: Final = "run `make generate` and commit docs/metrics.md"

_HEAD: Final = """# Metrics

Generated from the registry by `make generate`; do not edit.

Every label has a bound, so nothing that people or agents write makes the number of series grow: models are
those of the price table and `other`; of namespaces the first hundred with teams are told apart and the rest
is `other`, until one has no team any more. No series has the name of a team but those of the team's own hub.

[operations.md](operations.md#metrics) says how they are read, and which dashboard and alerts the chart has.
"""

_CONTROLLER: Final = """
## Controller

`/metrics` of every controller, on port 8081. All of them watch all teams and tell the same of them: take the
largest (`max without (pod, instance) (…)`), never the sum. Counters start at 0 with the process.
"""

_HUB: Final = """
## Hub of a team

`/metrics` of a team's hub, with `observability.metrics.enabled`, on `observability.metrics.port` (9090).
Counters are those of the team's journal, so a hub that was started again goes on counting.
"""

_TABLE: Final = "\n| metric | kind | labels | meaning |\n|---|---|---|---|\n"


def metrics_page() -> str:
    """The page as Markdown."""
    return _HEAD + _CONTROLLER + _table(CONTROLLER) + _HUB + _table(HUB)


def _table(families: Iterable[Family]) -> str:
    rows = [
        f"| `{PREFIX}{family.name}` | {family.kind} | {', '.join(map(_label, family.labels)) or 'none'} | "
        f"{family.help} |"
        for family in families
    ]
    return _TABLE + "\n".join(rows) + "\n"


def _label(label: Label) -> str:
    if label.name == "model":
        return f"`model` (of the price table: {len(label.values)})"
    if label.values:
        return f"`{label.name}` ({', '.join(label.values)})"
    return f"`{label.name}`" if label.most == 1 else f"`{label.name}` (at most {label.most})"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(metrics_page(), encoding="utf-8")
