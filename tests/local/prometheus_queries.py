"""Prometheus' own query engine (tools/promql) over series of a test, and the alerts of the chart."""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "kagents"
VALUES: Mapping[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())["metrics"]["alerts"]
STEP = 30.0
GROWING = ("_total", "_bucket", "_count", "_sum")


@dataclass(frozen=True)
class Row:
    """One series of an answer."""

    labels: dict[str, str]
    points: dict[float, float]
    text: str


@dataclass(frozen=True)
class Query:
    """What is asked, from ``start`` to ``end``."""

    expression: str
    start: float
    end: float
    text: str = ""


Series = tuple[Mapping[str, str], Sequence[tuple[float, float]]]
"""Labels, with ``__name__``, and samples: seconds and value."""


def program() -> str:
    """The engine that tools/get-promql built."""
    found = Path(os.environ.get("KAGENTS_PROMQL") or ROOT / ".cache" / "promql")
    if not found.exists():
        assert os.environ.get("CI") != "true", "CI needs Prometheus' query engine: run tools/get-promql"
        pytest.skip("no query engine of Prometheus: run tools/get-promql")
    return str(found)


def ask(series: Iterable[Series], queries: Sequence[Query]) -> list[list[Row]]:
    """The rows of each query; what is no number is no row."""
    asked = {
        "series": [{"labels": dict(labels), "samples": list(samples)} for labels, samples in series],
        "queries": [
            {
                "expr": each.expression,
                "start": each.start,
                "end": each.end,
                "step": STEP,
                "text": each.text,
            }
            for each in queries
        ],
    }
    ran = subprocess.run([program()], input=json.dumps(asked), capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return [
        [Row(row["labels"], dict(row["points"]), row["text"]) for row in rows]
        for rows in json.loads(ran.stdout)
    ]


def steady(labels: Mapping[str, str], value: float, *, seconds: float) -> Series:
    """One series as it would have been read: counters grow from nothing to ``value``, the others stay."""
    steps = int(seconds // STEP)
    growing = labels["__name__"].endswith(GROWING)
    return labels, [(n * STEP, value * n / steps if growing else value) for n in range(steps + 1)]


def alerts() -> list[dict[str, Any]]:
    """The chart's rules with its own values, as a cluster gets them."""
    text = (CHART / "templates" / "alerts.yaml").read_text()
    text = re.sub(r"^\{\{-.*$|\{\{- .*?\}\}", "", text, flags=re.M)
    text = re.sub(r"\{\{ `(.*?)` \}\}", r"\1", text)
    text = re.sub(r"(name|namespace): \{\{.*?\}\}", r"\1: x", text)
    text = re.sub(r"\{\{ (?:int )?\.([a-zA-Z]+) \}\}", lambda found: str(VALUES[found[1]]), text)
    [group] = yaml.safe_load(text)["spec"]["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def firing(rule: Mapping[str, Any], series: Iterable[Series], at: float) -> dict[str, str]:
    """The descriptions of what the rule says at a moment, by the labels of each."""
    waits = {"": 0.0, "5m": 300.0, "10m": 600.0}[rule.get("for", "")]
    query = Query(rule["expr"], at - waits, at, rule["annotations"]["description"])
    [rows] = ask(series, [query])
    steps = int(waits // STEP) + 1
    return {
        ",".join(f"{name}={value}" for name, value in sorted(row.labels.items())): row.text
        for row in rows
        if len(row.points) == steps  # it was true all the time
    }
