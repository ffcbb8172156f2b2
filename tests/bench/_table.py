"""Tables of measurements: for a terminal, or as Markdown with ``KAGENTS_BENCH_MARKDOWN=1`` (``--markdown``).

Each has the machine's load beside it: figures of a busy machine are no figures.
"""

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass
class Table:
    """Rows of text under one title; the last columns are the target and, where known, the peer's figure."""

    title: str
    columns: Sequence[str]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    load: float = field(default_factory=lambda: load()[0])

    def add(self, *cells: str) -> None:
        """One row; as many cells as columns."""
        assert len(cells) == len(self.columns), cells
        self.rows.append(cells)

    def show(self) -> None:
        """Print it, with the load before and after the measurement."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        under = (
            f"{os.cpu_count()} cores ({_processor()}), {now}, load average {self.load:.1f} before and "
            f"{load()[0]:.1f} after"
        )
        markdown = bool(os.environ.get("KAGENTS_BENCH_MARKDOWN"))
        print("\n".join(self._markdown(under) if markdown else self._plain(under)), flush=True)

    def _plain(self, under: str) -> Iterable[str]:
        rows = [tuple(self.columns), *self.rows]
        widths = [max(len(row[number]) for row in rows) for number in range(len(self.columns))]
        yield f"\n{self.title}"
        for row in rows:
            yield (
                "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )
        yield f"  ({under})"

    def _markdown(self, under: str) -> Iterable[str]:
        yield f"\n**{self.title}**\n"
        yield "| " + " | ".join(self.columns) + " |"
        yield "|" + "---|" * len(self.columns)
        for row in self.rows:
            yield "| " + " | ".join(cell.strip().replace("|", "/") for cell in row) + " |"
        yield f"\n{under[:1].upper()}{under[1:]}."


def spread(seconds: Sequence[float]) -> str:
    """Median, 99th per cent and largest, in milliseconds."""
    if not seconds:
        return "-"
    return (
        f"p50 {1000 * statistics.median(seconds):.1f}, p99 {1000 * percentile(seconds, 0.99):.1f}, "
        f"max {1000 * max(seconds):.1f} ms"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of all lie, in the unit of ``values``."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def load() -> tuple[float, float, float]:
    """The machine's load averages over 1, 5 and 15 minutes."""
    return os.getloadavg()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"
