"""Counters, gauges and histograms in the Prometheus text format, named as controller-runtime names its own.

Labels never carry names of namespaces or objects: their number has no bound.
"""

from bisect import bisect_left
from collections.abc import Callable

PREFIX = "kagents_"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """All measurements of one process."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, tuple[Labels, Callable[[], float]]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter; its name ends in ``_total``."""
        family = self._counters.setdefault(name, {})
        key = tuple(sorted(labels.items()))
        family[key] = family.get(key, 0) + amount

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Add a duration to a histogram; its name ends in ``_seconds``."""
        family = self._histograms.setdefault(name, {})
        family.setdefault(tuple(sorted(labels.items())), _Histogram()).add(seconds)

    def gauge(self, name: str, read: Callable[[], float], **labels: str) -> None:
        """A value that is read when somebody asks."""
        self._gauges[name] = (tuple(sorted(labels.items())), read)

    def value(self, name: str, **labels: str) -> float:
        """The present value of a counter."""
        return self._counters.get(name, {}).get(tuple(sorted(labels.items())), 0)

    def text(self) -> str:
        """Everything, in the text exposition format."""
        lines: list[str] = []
        for name, series in sorted(self._counters.items()):
            lines.append(f"# TYPE {PREFIX}{name} counter")
            lines += [
                f"{PREFIX}{name}{_braces(labels)} {value:g}" for labels, value in sorted(series.items())
            ]
        for name, (labels, read) in sorted(self._gauges.items()):
            lines += [f"# TYPE {PREFIX}{name} gauge", f"{PREFIX}{name}{_braces(labels)} {read():g}"]
        for name, histograms in sorted(self._histograms.items()):
            lines.append(f"# TYPE {PREFIX}{name} histogram")
            for labels, histogram in sorted(histograms.items()):
                lines += histogram.lines(PREFIX + name, labels)
        return "\n".join(lines) + "\n"


class _Histogram:
    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(_BUCKETS, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: Labels) -> list[str]:
        total = 0
        lines = []
        for bound, count in zip((*map(str, _BUCKETS), "+Inf"), self._counts, strict=True):
            total += count
            lines.append(f"{name}_bucket{_braces((*labels, ('le', bound)))} {total}")
        return [
            *lines,
            f"{name}_sum{_braces(labels)} {self._sum:.6f}",
            f"{name}_count{_braces(labels)} {total}",
        ]


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels) + "}" if labels else ""
