"""What a team leaves, in its description and in the list of artifacts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.describe import describe
from kagents_tui.journal_view import JournalView
from kagents_tui.rows import artifacts, teams
from kagents_tui.rows.sizes import size
from kagents_tui.sample import data, leavings

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def audit(**status):
    [found] = [each for each in data.teams(NOW) if each["metadata"]["name"] == "api-audit"]
    found["status"] |= status
    return found


def test_the_description_tells_results_artifacts_and_notifications():
    told = [
        {"id": "1", "event": "team.started", "state": "sent", "attempts": 1, "at": "2026-11-21T14:00:00Z"},
        {
            "id": "2",
            "event": "team.completed",
            "subject": "finish",
            "state": "failed",
            "attempts": 20,
            "at": "2026-11-21T14:05:00Z",
            "message": "the receiver answered 500\x1b[2J",
        },
    ]
    text = str(describe(audit(notifications=told), [], NOW))
    digest = leavings.kept("backend", "findings", "")["sha256"]
    for words in (
        "Results:\n  backend:\n    endpoints: 118\n    unsafe: 2\n",
        "Artifacts:\n  backend/findings: 76 B  findings.md\n",
        f"    sha256 {digest}, 40m ago\n",
        "  tests/coverage: missing: it is not there  build/coverage.xml\n",
        "Notifications:\n    10m  sent  team.started\n",
        "  failed after 20 attempts  team.completed finish\n",
        "the receiver answered 500␛[2J",
    ):
        assert words in text
    assert "\x1b" not in text


def test_a_team_that_leaves_nothing_is_described_without_headings():
    [found] = [each for each in data.teams(NOW) if each["metadata"]["name"] == "docs-sweep"]
    text = describe(found, [], NOW)
    assert not any(heading in text for heading in ("Results:", "Artifacts:", "Notifications:"))


def test_only_the_latest_of_many_notifications_are_told():
    told = [{"id": str(n), "event": f"event-{n}", "state": "sent"} for n in range(64)]
    text = describe(audit(notifications=told), [], NOW)
    assert "44 earlier ones" in text
    assert "event-43" not in text
    assert "event-44" in text


def test_teams_without_artifacts_are_not_even_read(monkeypatch):
    plain = teams.project(data.team(NOW, "dev", "plain", "Running", "1/1", age=NOW - NOW))
    monkeypatch.setattr(teams.Team, "object", lambda self: pytest.fail("it was read"))
    assert artifacts.of_team(plain) == []


def test_hostile_texts_of_artifacts_are_shown_and_not_obeyed():
    odd = {"agent": "backend", "name": "findings", "path": "a\x1b[2J", "problem": "x\u202ey", "at": "soon"}
    [row, *_] = artifacts.of_teams([teams.project(audit(artifacts=[odd]))])
    assert "\x1b" not in row.path + row.words + row.text
    assert "\u202e" not in row.words + artifacts.story(row, NOW)
    assert row.at is None


def test_the_timeline_tells_of_artifacts():
    view = JournalView()
    kept = {"kind": "artifact", "agent": "one", "name": "report", "path": "r", "size": 2048, "sha256": "0"}
    view.apply(kept | {"seq": 1, "at": "2026-11-21T14:00:00Z"})
    view.apply({"kind": "artifact", "agent": "one", "name": "site", "problem": "it is a link", "seq": 2})
    assert [str(each.what) for each in view.timeline] == [
        "one/report is kept: 2.0 KiB",
        "one/site is missing: it is a link",
    ]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (10240, "10 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (1024**5, "1024 TiB"),
    ],
)
def test_sizes_are_short(count, words):
    assert size(count) == words


@given(st.integers(0, 1024**4))
def test_sizes_keep_their_magnitude(count):
    amount, unit = size(count).split()
    factor = 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].index(unit)
    assert abs(float(amount) * factor - count) <= max(0.06 * count, 0.5)
    assert len(amount) <= 4
