"""The waivers of the scanners: each has its reason and its day, and none stands twice."""

import datetime
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

SCAN = Path(__file__).parents[3] / "tools/scan"
WAIVERS: list[dict[str, Any]] = yaml.safe_load((SCAN / "waivers.yaml").read_text())
FIRST_DAY = datetime.date(2026, 11, 22)


@pytest.mark.parametrize("waiver", WAIVERS, ids=lambda waiver: f"{waiver.get('check')}-{waiver.get('where')}")
def test_a_waiver_says_what_where_why_and_since_when(waiver: dict[str, Any]) -> None:
    assert set(waiver) == {"check", "where", "why", "since"}
    assert re.fullmatch(r"CKV2?_K8S_[0-9]+|B[0-9]{3}", waiver["check"])
    assert len(waiver["why"].split()) >= 8 and waiver["why"].endswith(".")
    assert isinstance(waiver["since"], datetime.date) and waiver["since"] >= FIRST_DAY
    if waiver["check"].startswith("B"):
        assert list(SCAN.parents[1].glob(waiver["where"])), "no such file"


def test_no_waiver_stands_twice() -> None:
    places = [(waiver["check"], waiver["where"]) for waiver in WAIVERS]
    assert len(set(places)) == len(places)


def test_every_scanner_is_pinned() -> None:
    for line in (SCAN / "requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9]+(\.[0-9]+)+", line)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCAN))
    for name in ("main", "objects"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import main  # type: ignore[import-not-found]

    yield main
    for name in ("main", "objects"):
        sys.modules.pop(name, None)


def test_a_finding_needs_a_waiver_and_a_waiver_a_finding(judged: Any) -> None:
    waivers = [{"check": "B104", "where": "a/*.py"}, {"check": "B506", "where": "b.py"}]
    findings = [judged.Finding("B104", "a/x.py", "w"), judged.Finding("B104", "c/x.py", "w")]
    assert list(judged.judged(findings, waivers)) == [
        "B104 c/x.py: w",
        "the waiver of B506 for b.py is of no finding any more",
    ]


def test_pods_of_every_part_of_a_team_are_looked_at(judged: Any) -> None:
    pods = [pod for text in judged.team_pods().values() for pod in yaml.safe_load_all(text)]
    roles = {pod["metadata"]["labels"]["claude.amcheste.io/role"] for pod in pods}
    assert roles == {"hub", "lead", "teammate", "finish", "export"}
