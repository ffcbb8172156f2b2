"""Counters, gauges and histograms of one process, within the bounds of the registry, and their page."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from kagents_core.metrics.families import OTHER, PREFIX, Family, Label

Values = tuple[str, ...]
"""The values of a family's labels, in their declared order."""

Read = Callable[[], float | Mapping[Values, float]]
"""What is looked up when the page is read: one number, or one for each set of label values."""

Measurements = Mapping[Values, float]

_LONGEST: Final = 200
"""Characters of a label's value."""


class Metrics:
    """All measurements of one process. What the registry does not name cannot be measured."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = {family.name: family for family in families}
        self._counters: dict[str, dict[Values, float]] = {}
        self._read: dict[str, list[Read]] = {}
        self._histograms: dict[str, dict[Values, Histogram]] = {}
        self._names: dict[str, set[str]] = {}

    def count(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        family = self._of(name, "counter")
        series = self._counters.setdefault(name, {})
        key = self._bounded(family, self._key(family, labels))
        series[key] = series.get(key, 0) + amount

    def observe(self, name: str, seconds: float, /, **labels: str) -> None:
        """Add a duration to a histogram."""
        family = self._of(name, "histogram")
        series = self._histograms.setdefault(name, {})
        key = self._bounded(family, self._key(family, labels))
        if key not in series:
            series[key] = Histogram(family.buckets)
        series[key].add(seconds)

    def gauge(self, name: str, read: Read, **labels: str) -> None:
        """A value that is read when somebody asks; of a counter one that is counted elsewhere."""
        family = self._families[name]
        key = self._key(family, labels) if labels or not family.labels else None

        def found() -> Mapping[Values, float]:
            value = read()
            if isinstance(value, Mapping):
                return value
            return {} if key is None else {key: value}

        self._read.setdefault(name, []).append(found)

    def forget(self, label: str, value: str) -> None:
        """Nothing has this name any more: its series end, and another name may have its place."""
        self._names.get(label, set()).discard(value)
        for name, family in self._families.items():
            places = [place for place, each in enumerate(family.labels) if each.name == label]
            for series in (self._counters.get(name), self._histograms.get(name)):
                for key in [key for key in series or () if any(key[at] == value for at in places)]:
                    del (series or {})[key]

    def value(self, name: str, **labels: str) -> float:
        """The present value of a counter."""
        family = self._of(name, "counter")
        return self._counters.get(name, {}).get(self._key(family, labels), 0)

    def text(self) -> str:
        """Everything, in the text exposition format."""
        return "".join(f"{line}\n" for family in self._families.values() for line in self._lines(family))

    # ── within the bounds ─────────────────────────────────────────────────────────────────────────────────

    def _of(self, name: str, kind: str) -> Family:
        family = self._families[name]
        if family.kind != kind:
            raise ValueError(f"{name} is a {family.kind}")
        return family

    @staticmethod
    def _key(family: Family, labels: Mapping[str, str]) -> Values:
        if labels.keys() != {label.name for label in family.labels}:
            raise ValueError(f"{family.name} has the labels {[label.name for label in family.labels]}")
        return tuple(labels[label.name] for label in family.labels)

    def _bounded(self, family: Family, key: Values) -> Values:
        return tuple(self._told_apart(label, value) for label, value in zip(family.labels, key, strict=True))

    def _told_apart(self, label: Label, value: str) -> str:
        if label.values:
            return value if value in label.values else OTHER
        known, value = self._names.setdefault(label.name, set()), value[:_LONGEST]
        if value not in known and len(known) >= label.most:
            return OTHER
        known.add(value)
        return value

    # ── the page ──────────────────────────────────────────────────────────────────────────────────────────

    def _lines(self, family: Family) -> Iterator[str]:
        body = list(
            self._histogram_lines(family) if family.kind == "histogram" else self._number_lines(family)
        )
        if body:
            yield f"# HELP {PREFIX}{family.name} {_escaped_help(family.help)}"
            yield f"# TYPE {PREFIX}{family.name} {family.kind}"
            yield from body

    def _number_lines(self, family: Family) -> Iterator[str]:
        series = dict(self._counters.get(family.name, {}))
        for read in self._read.get(family.name, ()):
            found = read()
            assert isinstance(found, Mapping)
            for key, value in found.items():
                bounded = self._bounded(family, key)
                before = series.get(bounded)
                if before is not None:
                    value = max(before, value) if family.merge == "max" else before + value
                series[bounded] = value
        for key, value in sorted(series.items()):
            yield f"{PREFIX}{family.name}{_braces(family.labels, key)} {_number(value)}"

    def _histogram_lines(self, family: Family) -> Iterator[str]:
        for key, histogram in sorted(self._histograms.get(family.name, {}).items()):
            yield from histogram.lines(PREFIX + family.name, family.labels, key)


class Histogram:
    """How many values there were up to each bound, and their sum."""

    def __init__(self, buckets: Sequence[float]) -> None:
        self._buckets = buckets
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._buckets, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: Sequence[Label], key: Values) -> Iterator[str]:
        total = 0
        limits = (*map(_number, self._buckets), "+Inf")
        for limit, count in zip(limits, self._counts, strict=True):
            total += count
            yield f"{name}_bucket{_braces(labels, key, limit)} {total}"
        yield f"{name}_sum{_braces(labels, key)} {self._sum:.6f}"
        yield f"{name}_count{_braces(labels, key)} {total}"


def _braces(labels: Sequence[Label], key: Values, limit: str | None = None) -> str:
    pairs = [(label.name, value) for label, value in zip(labels, key, strict=True)]
    pairs += [("le", limit)] if limit is not None else []
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{inside}}}" if pairs else ""


def _escaped(text: str) -> str:
    carried = text.encode("utf-8", "replace").decode()  # an agent's word may hold half a character
    return carried.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    """All digits that there are: a large counter must not lose its last ones."""
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
