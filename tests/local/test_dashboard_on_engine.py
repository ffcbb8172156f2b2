"""The chart's dashboard and alerts against what a controller and a hub of a whole engine really serve."""

import importlib.util
import json
import re
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp
import promql_parser as promql
import pytest
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

import prometheus_queries
from prometheus_queries import Query, ask, steady
from simulated_team import SPEED, Team, agent, until

from kagents_controller.controller import Controller
from kagents_core.kube.client import Client
from kagents_core.metrics import CONTROLLER, PREFIX

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "kagents"
DASHBOARD = json.loads((CHART / "files" / "grafana-dashboard.json").read_text())
CHOICES = {
    "$namespace": ".*",
    "$team": ".*",
    "$__rate_interval": "5m",
}
TROUBLE = {"kagents_write_failures_total", "kagents_webhook_attempts_total", "kagents_agent_restarts_total"}
"""Series that there are only once something has gone wrong, or was told: looked for in the registry."""

HOUR = 3600.0

Series = dict[str, str]


def queries() -> list[tuple[str, str]]:
    return [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]


def alerts() -> list[tuple[str, str]]:
    """Name and expression, without the values that Helm puts in."""
    text = (CHART / "templates" / "alerts.yaml").read_text()
    rules = re.findall(r"- alert: (\w+)\n +expr: (.*)", text)
    return [(name, re.sub(r"\{\{[^}]*\}\}", "1", expression)) for name, expression in rules]


def selected(expression: str) -> list[promql.VectorSelector]:
    """Every selector of a query."""
    for variable, value in CHOICES.items():
        expression = expression.replace(variable, value)
    found: list[promql.VectorSelector] = []

    def look(node: Any) -> bool:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        return True

    promql.walk(promql.parse(expression), look)
    return found


def matches(selector: promql.VectorSelector, series: Series) -> bool:
    """Whether the selector takes this series."""
    if series["__name__"] != selector.name:
        return False
    for matcher in selector.matchers.matchers:
        value = series.get(matcher.name, "")
        equal = re.fullmatch(matcher.value, value) if "Re" in str(matcher.op) else value == matcher.value
        if bool(equal) is str(matcher.op).endswith(("NotEqual", "NotRe")):
            return False
    return True


def samples(page: str) -> list[Series]:
    return [
        {**sample.labels, "__name__": sample.name}
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]


def grouped_by(expression: str) -> set[str]:
    return {
        label.strip() for part in re.findall(r"\bby \(([^)]*)\)", expression) for label in part.split(",")
    }


async def recorded(engine: Any, client: Client, controllers: list[Controller]) -> str:
    """The pages of a controller and a hub in the middle of a team's life."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    lead = agent(
        "Lead.",
        "use: {input: 100000, output: 20000}",
        "send: {to: scout, text: hello}",
        "wait: {mail_from: team-lead}",
    )
    scout = agent("Look.", "send: {to: lead, text: hi}", "work: {seconds: 2000}", name="scout")
    spec = {
        "harness": "simulated",
        "workspace": {"output": {"size": "1Gi"}},
        "lead": lead,
        "teammates": [scout, agent("Wait.", name="held")],
        "lifecycle": {
            "timeout": "10m",
            "budgetLimit": "50.00",
            "approvalGates": [{"event": "spawn-held"}],
        },
        "observability": {"metrics": {"enabled": True, "port": port}},
    }
    team = Team(client, engine.data.root, "measured")
    await team.create({"metadata": {"name": "measured"}, "spec": spec})
    await team.in_phase("Running")

    async def pages() -> str | None:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/metrics") as response,
            ):
                hub = await response.text()
        except aiohttp.ClientConnectorError:
            return None
        controller = controllers[-1].metrics.text()
        wanted = ("mail_delivery_seconds_bucket", "agent_state{", "team_gates_waiting")
        told = ("kagents_tokens_total{", "person_oldest_seconds{", "messages_oldest_seconds{")
        there = all(word in hub for word in wanted) and all(word in controller for word in told)
        return controller + hub if there else None

    return str(await until(pages))


@pytest.fixture
def controllers(monkeypatch: pytest.MonkeyPatch) -> list[Controller]:
    """The engine's controllers, as they are made."""
    made: list[Controller] = []

    class Known(Controller):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr("kagents_local.daemon.Controller", Known)
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)
    return made


async def test_every_panel_and_alert_selects_series_that_are_served(
    controllers: list[Controller], engine: Any, engine_client: Client
) -> None:
    whole = await recorded(engine, engine_client, controllers)
    page = samples(whole)
    known = {PREFIX + family.name: {label.name for label in family.labels} for family in CONTROLLER}
    asked = [*queries(), *alerts()]
    assert len(asked) > 25
    for title, expression in asked:
        selectors = selected(expression)
        assert selectors, title
        for selector in selectors:
            taken = [series for series in page if matches(selector, series)]
            if selector.name in TROUBLE:
                assert selector.name in known, title
                labels = known[selector.name]
            else:
                assert taken, f"{title}: nothing is served that {selector.prettify()} takes"
                labels = set(taken[0])
            # ``pod`` is put on by whoever reads the page.
            assert grouped_by(expression) <= labels | {"pod"}, title
    every_panel_shows_something(whole)


def every_panel_shows_something(page: str) -> None:
    """Prometheus' own engine answers each query, had it read this page for an hour."""
    series = [
        steady({**sample.labels, "__name__": sample.name, "pod": "controller-0"}, sample.value, seconds=HOUR)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]
    for family in CONTROLLER:
        if PREFIX + family.name in TROUBLE:
            labels = {label.name: "default" for label in family.labels}
            series.append(steady({**labels, "__name__": PREFIX + family.name}, 12, seconds=HOUR))
    asked = []
    for _, expression in queries():
        for variable, value in CHOICES.items():
            expression = expression.replace(variable, value)
        asked.append(Query(expression, HOUR, HOUR))
    answers = ask(series, asked)
    shown = dict(zip([each.expression for each in asked], answers, strict=True))
    assert [expression for expression, rows in shown.items() if not rows] == []
    [spent] = [rows for expression, rows in shown.items() if "[24h]" in expression]
    [told] = [sample for labels, sample in series if labels["__name__"] == "kagents_spend_dollars_total"]
    assert spent[0].points[HOUR] == pytest.approx(told[-1][1], rel=0.02)


def test_what_no_panel_could_show_is_noticed() -> None:
    """The test above can fail."""
    [selector] = selected('kagents_teams{namespace=~"$namespace",phase="Runing"}')
    assert not matches(selector, {"__name__": "kagents_teams", "namespace": "a", "phase": "Running"})
    [selector] = selected('max(rate(kagents_teams{namespace!~"a|b"}[$__rate_interval]))')
    assert matches(selector, {"__name__": "kagents_teams", "namespace": "c"})
    assert not matches(selector, {"__name__": "kagents_teams", "namespace": "a"})
    with pytest.raises(ValueError, match="unclosed"):
        promql.parse("sum(kagents_teams")


def test_the_dashboard_is_fresh_and_one_that_grafana_takes() -> None:
    spec = importlib.util.spec_from_file_location("dashboard", ROOT / "tools" / "grafana_dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.dashboard() == DASHBOARD, "run `make generate`"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells), "panels lie on each other"
    assert max(x for x, _ in cells) == 23
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z_]\w*)", json.dumps(DASHBOARD)))
    assert used <= variables | {"__rate_interval", "__all"}


def test_alerts_say_what_to_do() -> None:
    rules = prometheus_queries.alerts()
    assert len(rules) == len(alerts()) == 4
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        assert rule["labels"]["severity"] in ("critical", "warning")
