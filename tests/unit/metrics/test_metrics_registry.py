"""What is measured is documented and bounded, and a real parser reads it, whatever agents write."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kagents_controller.caches import Caches
from kagents_controller.measured import metrics_of_controller
from kagents_controller.team_numbers import TeamNumbers
from kagents_core.metrics import CONTROLLER, HUB, PREFIX, Family, Metrics
from kagents_core.metrics.page import FIX, metrics_page
from kagents_runner.documents import parse_team
from kagents_runner.record.metrics import page_of
from kagents_runner.record.numbers import Numbers

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
HOSTILE = 'a"b\\\n{x="y"} 1\n# TYPE x counter\ud800\x00'
SERVED = HOSTILE.replace("\ud800", "")
"""As an API server hands it out: half a character is none of JSON."""
NOW = 1_800_000_000.0


def samples(text: str) -> dict[str, list[Any]]:
    """By family as the registry names it: what a parser finds on a page, each of a kind and with a help."""
    found = {}
    kinds = {family.name: family for family in (*CONTROLLER, *HUB)}
    for family in text_string_to_metric_families(text):
        name = family.name.removeprefix(PREFIX) + ("_total" if family.type == "counter" else "")
        assert kinds[name].kind == family.type
        assert family.documentation == kinds[name].help
        found[name] = family.samples
    return found


def within(found: dict[str, list[Any]], families: tuple[Family, ...]) -> None:
    """Everything is in the registry, and no family has more lines than it says."""
    known = {family.name: family for family in families}
    for name, each in found.items():
        labels = {label.name for label in known[name].labels} | {"le"}
        assert all(set(sample.labels) <= labels for sample in each)
        assert len(each) <= known[name].most


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == metrics_page(), f"docs/metrics.md is not what the registry says: {FIX}"


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=300))
@settings(max_examples=30, deadline=None)
def test_no_label_value_breaks_a_page_or_its_bounds(words: list[tuple[str, str, str]]) -> None:
    for families in (CONTROLLER, HUB):
        metrics = Metrics(families)
        for family in families:
            for each in words:
                labels = {label.name: each[at % 3] for at, label in enumerate(family.labels)}
                if family.kind == "counter":
                    metrics.count(family.name, 1, **labels)
                elif family.kind == "histogram":
                    metrics.observe(family.name, 1.0, **labels)
                else:
                    metrics.gauge(family.name, lambda: 1.0, **labels)
        found = samples(metrics.text())
        within(found, families)
        assert set(found) == ({family.name for family in families} if words else set(found))


def test_what_the_registry_does_not_know_cannot_be_measured() -> None:
    metrics = Metrics(CONTROLLER)
    with pytest.raises(KeyError):
        metrics.count("invented_total")
    with pytest.raises(ValueError, match="has the labels"):
        metrics.count("spend_dollars_total", team="t")
    with pytest.raises(ValueError, match="is a gauge"):
        metrics.count("teams", namespace="a", phase="Running")


def test_a_name_that_is_gone_makes_room_for_another() -> None:
    metrics = Metrics(CONTROLLER)
    for number in range(101):
        metrics.count("spend_dollars_total", number, namespace=f"n{number}")
    assert metrics.value("spend_dollars_total", namespace="other") == 100
    metrics.forget("namespace", "n7")
    metrics.count("spend_dollars_total", 3, namespace="late")
    metrics.count("spend_dollars_total", 4, namespace="later")
    assert metrics.value("spend_dollars_total", namespace="late") == 3
    assert metrics.value("spend_dollars_total", namespace="n7") == 0
    assert metrics.value("spend_dollars_total", namespace="other") == 104


def test_large_counters_keep_their_last_digit() -> None:
    metrics = Metrics(CONTROLLER)
    metrics.count("tokens_total", 123_456_789_012, model="opus-5", kind="input")
    assert metrics.text().endswith('{model="opus-5",kind="input"} 123456789012\n')


# ── the controller's teams ────────────────────────────────────────────────────────────────────────────────


def team(name: str, namespace: str = "ns", **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"{namespace}/{name}", "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {"lifecycle": {"budgetLimit": "10.00"}}, "status": status}


class Teams:
    """The caches of a controller, and what it measures of them."""

    def __init__(self) -> None:
        self.caches, self.metrics, self.version = Caches(), metrics_of_controller(), 0
        TeamNumbers(self.caches.teams, self.metrics, lambda: NOW)

    def show(self, *teams: dict[str, Any]) -> None:
        for each in teams:
            self.version += 1
            each["metadata"]["resourceVersion"] = str(self.version)
        self.caches.teams.upsert(teams)

    def found(self) -> dict[tuple[str, ...], float]:
        page = samples(self.metrics.text())
        within(page, CONTROLLER)
        return {
            (name, *sample.labels.values()): sample.value for name, each in page.items() for sample in each
        }


def test_the_controller_sums_what_its_teams_say() -> None:
    teams = Teams()
    used = {"inputTokens": 10, "outputTokens": 5, "byModel": []}
    waits = {"type": "GatesPassed", "status": "False", "reason": "WaitingForApproval"}
    waits["lastTransitionTime"] = "2027-01-15T07:59:00Z"
    asked = {"id": "1", "kind": "question", "since": "2027-01-15T07:58:00Z"}
    teams.show(
        team("a", phase="Running", estimatedCost="1.00", usage=used),
        team(
            "b", phase="Running", conditions=[waits], teammates=[{"name": "x", "pendingApproval": "spawn-x"}]
        ),
        team("c", "far", phase="Completed", estimatedCost="4.00"),
    )
    model = {"agent": "lead", "model": "claude-opus-5-20260101", "costMicros": 700_000, "inputTokens": 8}
    odd = {"agent": "lead", "model": SERVED, "costMicros": 300_000, "outputTokens": 2}
    usage = {"inputTokens": 30, "outputTokens": 7, "costMicros": 8_500_000, "byModel": [model, odd]}
    activity = [{"agent": "lead", "unread": 2, "oldestUnreadAt": "2027-01-15T07:59:30Z", "requests": [asked]}]
    teams.show(
        team("a", phase="Running", usage=usage, activity=activity, lead={"restartCount": 2}),
    )
    found = teams.found()
    assert found["teams", "ns", "Running"] == 2
    assert found["teams", "far", "Completed"] == 1
    assert found["spend_dollars_total", "ns"] == pytest.approx(7.5)
    assert ("spend_dollars_total", "far") not in found, "what was spent before this controller does not count"
    assert found["model_spend_dollars_total", "opus-5"] == pytest.approx(0.7)
    assert found["model_spend_dollars_total", "other"] == pytest.approx(6.8)
    assert found["tokens_total", "opus-5", "input"] == 8
    assert found["tokens_total", "other", "input"] == 12
    assert found["agent_restarts_total", "ns"] == 2
    assert found["waiting_for_person", "ns", "gate"] == 1
    assert found["waiting_for_person_oldest_seconds", "ns", "gate"] == 60
    assert found["waiting_for_person_oldest_seconds", "ns", "question"] == 120
    assert found["unread_messages", "ns"] == 2
    assert found["unread_messages_oldest_seconds", "ns"] == 30
    assert found["budget_share_highest", "ns"] == pytest.approx(0.85)
    teams.caches.teams.retain([("ns", "a"), ("far", "c")])
    teams.show(team("a", phase="Completed", usage=usage, activity=activity))
    found = teams.found()
    assert [key for key in found if key[0].startswith(("waiting", "unread", "budget"))] == []
    assert {key: value for key, value in found.items() if key[0] == "teams"} == {
        ("teams", "far", "Completed"): 1,
        ("teams", "ns", "Completed"): 1,
    }


def test_a_thousand_namespaces_and_models_stay_within_the_bounds() -> None:
    teams = Teams()
    rows = [team(f"t{number}", f"n{number}", phase="Running") for number in range(1000)]
    teams.show(*rows)
    for number, each in enumerate(rows):
        used = [{"model": f"m{number}{SERVED}", "agent": "lead", "costMicros": 1_000_000}]
        each["status"] = {"phase": "Running", "usage": {"costMicros": 1_000_000, "byModel": used}}
    teams.show(*rows)
    found = teams.found()
    assert sum(value for key, value in found.items() if key[0] == "teams") == 1000
    assert len([key for key in found if key[0] == "teams"]) == 101
    assert found["spend_dollars_total", "other"] == 900
    assert found["model_spend_dollars_total", "other"] == 1000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    (
                        "phase",
                        "usage",
                        "byModel",
                        "activity",
                        "conditions",
                        "lead",
                        "teammates",
                        "estimatedCost",
                    )
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_status_is_odd_enough_to_stop_the_controller(status: Any) -> None:
    teams = Teams()
    body = team("a")
    body["status"] = status
    try:
        json.dumps(status).encode()
        teams.show(body)
    except (UnicodeEncodeError, TypeError):
        return  # no object of an API server: it has no half characters and no integers beyond 64 bits
    teams.found()


# ── the hub ───────────────────────────────────────────────────────────────────────────────────────────────

TEAM = parse_team(
    '{"name":"demo","namespace":"ns","uid":"u","mode":"cowork","repository":null,"outputDir":null,'
    '"inputs":[],"idleTimeoutSeconds":null,"agents":[]}'
)


def test_the_hub_counts_what_the_journal_says() -> None:
    numbers = Numbers(TEAM)
    letter = {"kind": "message", "id": "1", "from": "a", "to": "b", "type": "message", "text": HOSTILE}
    used = {"kind": "usage", "agent": "a", "model": "claude-opus-5", "costMicros": 2_500_000}
    used |= {"inputTokens": 1, "outputTokens": 2, "cacheReadTokens": 3, "cacheWriteTokens": 4}
    entries = [
        letter | {"written": "2027-01-15T07:59:00Z"},
        {"kind": "delivery", "id": "1"},
        {"kind": "seen", "id": "1"},
        used,
        used | {"model": HOSTILE},
        {"kind": "phase", "phase": "Running"},
        {"kind": "gate", "event": "spawn-b", "state": "waiting"},
        {"kind": "activity", "agent": "a", "state": "starting"},
        {"kind": "activity", "agent": "a", "state": "starting"},
        {"kind": "activity", "agent": "a", "state": "failed"},
        {"kind": "activity", "agent": "a", "state": "starting"},
        {"kind": "malformed", "source": HOSTILE},
    ]
    for entry in entries:
        numbers.learn(entry, NOW)
    numbers.observed({"spec": {"lifecycle": {"budgetLimit": "20.00"}}})
    states = [{"agent": f"{HOSTILE}{number}", "state": HOSTILE, "unread": 1} for number in range(200)]
    status = {"estimatedCost": "5.00", "activity": states}
    page = samples(page_of(numbers, lambda: status, lambda: NOW + 7)())
    within(page, HUB)
    found = {
        (sample.name, *list(sample.labels.values())[2:]): sample.value
        for each in page.values()
        for sample in each
    }
    assert found["kagents_team_mail_delivery_seconds_sum",] == 60
    assert found["kagents_team_mail_seen_seconds_count",] == 1
    assert found["kagents_team_model_cost_dollars_total", "opus-5"] == 2.5
    assert found["kagents_team_model_tokens_total", "other", "cacheWrite"] == 4
    assert found["kagents_team_phase", "Running"] == 1
    assert found["kagents_team_gates_waiting",] == 1
    assert found["kagents_team_gate_oldest_seconds",] == 7
    assert found["kagents_agent_attempts_total", "a"] == 2
    assert found["kagents_team_malformed_total",] == 1
    assert found["kagents_team_budget_share",] == 0.25
    assert found["kagents_agent_unread_messages", "other"] == 150
    numbers.learn({"kind": "gate", "event": "spawn-b", "state": "approved"}, NOW)
    assert "team_gate_oldest_seconds" not in samples(page_of(numbers, lambda: status)())
