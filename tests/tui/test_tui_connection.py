"""The connection: lost, found again, refused, changed for another; and workers that fail."""

import asyncio
from datetime import UTC, datetime

import pytest
from textual.worker import WorkerState

from kagents_core.kube.errors import ConfigError, Forbidden
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.session import Connection
from kagents_tui.settings import ContextSettings, Settings

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


class TwoClusters(SampleConnector):
    """Two contexts, each with a cluster of its own; closed connections are counted."""

    def __init__(self, first, second):
        super().__init__(first)
        self.clusters = {"kind-dev": first, "kind-other": second}
        self.closed = []

    async def connect(self, context, tell):
        name = context or "kind-dev"
        return Connection(self.clusters[name], name)

    async def close(self, connection):
        self.closed.append(connection.context)


@pytest.fixture
def other(cluster):
    """A cluster with one team of the same name and another UID."""
    teams = [each for each in data.teams(NOW) if each["metadata"]["name"] == "docs-sweep"]
    teams[0]["metadata"]["uid"] = "uid-of-the-other"
    return SampleCluster(teams)


async def test_a_connection_that_cannot_be_made_is_tried_again_until_it_can(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.lifeline.FIRST_WAIT", 0.01)
    tries = []

    class Failing(SampleConnector):
        async def connect(self, context, tell):
            tries.append(context)
            if len(tries) < 4:
                raise ConfigError("the kubeconfig names no server")
            return await super().connect(context, tell)

    async with terminal(connector=Failing(cluster)) as t:
        await t.shows("Teams[8]", "kind-dev")
        assert len(tries) == 4
        assert "names no server" not in t.text()


async def test_why_there_is_no_connection_is_shown_and_a_fault_does_not_end_the_tries(terminal, cluster):
    class Broken(SampleConnector):
        async def connect(self, context, tell):
            raise RuntimeError("a plugin did nonsense")

    async with terminal(connector=Broken(cluster)) as t:
        await t.shows("not connected", "RuntimeError: a plugin did nonsense")
        assert t.app.is_running


async def test_the_first_list_of_a_connection_and_of_other_namespaces_is_told_once(terminal, cluster):
    told = []
    async with terminal(listed=lambda: told.append(True)) as t:
        await t.shows("Teams[8]")
        await t.until(lambda: told)
        cluster.remove("dev-agents", "docs-sweep")
        await t.shows("Teams[7]")
        await t.do(":ns dev-agents")
        await t.shows("Teams[3]")
        await t.until(lambda: len(told) > 1)
    assert told == [True, True]


async def test_a_lost_connection_shows_the_age_of_the_data_and_resumes_by_itself(terminal, cluster):
    async with terminal() as t:
        await t.shows("Teams[8]", "docs-sweep")
        cluster.broken = True
        cluster.cut()
        await t.shows("lost, data", " old: ")
        await t.press("s")
        await t.shows("suspend: the connection is lost, what is shown may be old")
        cluster.broken = False
        await t.until(lambda: "lost, data" not in t.text())
        cluster.remove("dev-agents", "docs-sweep")
        await t.shows("Teams[7]")


async def test_what_may_not_be_listed_is_said_with_the_way_out_and_the_rest_works(terminal, cluster):
    cluster.denied = {"list agentteams"}
    cluster.readable = {"dev-agents"}
    async with terminal() as t:
        await t.shows("you may not list agentteams in all namespaces; name those you may, as in `:ns")
        assert "lost" not in t.text()
        await t.press("colon", *"ns dev-agents", "enter")
        await t.shows("Teams[4]", "docs-sweep")
        await t.until(lambda: "you may not list" not in t.text())


async def test_of_several_namespaces_the_readable_ones_work(terminal, cluster):
    cluster.denied = {"list agentteams"}
    cluster.readable = {"dev-agents"}
    async with terminal(namespaces=("dev-agents", "ops-agents")) as t:
        await t.shows("Teams[4]", "you may not list agentteams in ops-agents")
        await t.press("j", "j", "ctrl+k")
        await t.shows("Kill dev-agents/")
        cluster.readable.add("ops-agents")


async def test_a_right_that_is_given_later_is_noticed(terminal, cluster):
    cluster.denied = {"list agentteams"}
    async with terminal() as t:
        await t.shows("you may not list agentteams")
        cluster.denied = set()
        await t.until(lambda: "Teams[8]" in t.text() and "you may not list" not in t.text())


async def test_a_context_changed_while_it_runs_leaves_nothing_of_the_other(terminal, cluster, other):
    connector = TwoClusters(cluster, other)
    async with terminal(connector=connector) as t:
        await t.shows("Teams[8]", "kind-dev")
        await t.press("colon", *"ctx kind-other", "enter")
        await t.shows("Teams[1]", "kind-other")
        assert "q3-report" not in t.text()
        cluster.change("dev-agents", "docs-sweep", lambda team: team["status"].update(phase="Failed"))
        other.change("dev-agents", "docs-sweep", lambda team: team["status"].update(phase="Suspended"))
        await t.shows("Suspended")
        assert "Failed" not in t.text()
        assert connector.closed == ["kind-dev"]
        await t.press("colon", *"ctx kind-dev", "enter")
        await t.shows("Teams[8]", "kind-dev")


async def test_a_context_may_be_read_only_alone(terminal, cluster, other):
    settings = Settings(contexts={"kind-other": ContextSettings(read_only=True, namespaces=("dev-agents",))})
    async with terminal(connector=TwoClusters(cluster, other), settings=settings) as t:
        await t.shows("Teams[8]", "all namespaces", "approve")
        assert "[read-only]" not in t.text()
        await t.press("colon", *"ctx kind-other", "enter")
        await t.shows("Teams[1]", "[read-only]", "dev-agents")
        await t.press("ctrl+k")
        await t.press("colon", *"kill dev-agents/docs-sweep", "enter")
        await t.shows("this session is read-only")
        assert other.calls == []
        await t.press("colon", *"ctx kind-dev", "enter")
        await t.until(lambda: "[read-only]" not in t.text() and "Teams[8]" in t.text())


async def test_several_namespaces_at_once_and_back_on_the_same_connection(terminal, cluster):
    connector = SampleConnector(cluster)
    async with terminal(connector=connector) as t:
        await t.shows("Teams[8]")
        await t.press("colon", *"ns dev-agents cowork-agents", "enter")
        await t.shows("Teams[5]", "dev-agents cowork-agents")
        await t.press("colon", *"ns all", "enter")
        await t.shows("Teams[8]", "all namespaces")
        assert connector.opened == 1


async def test_a_worker_that_fails_shows_its_error_and_the_application_goes_on(terminal):
    async with terminal() as t:
        await t.shows("Teams[8]")

        async def failing():
            raise ValueError("the [bold]sky[/bold] fell\x1b[2J")

        worker = t.app.run_worker(failing(), group="acts", exit_on_error=False)
        await t.until(lambda: worker.state == WorkerState.ERROR)
        await t.shows("acts failed: ValueError: the [bold]sky[/bold] fell")
        await t.press("j")
        assert t.app.is_running


async def test_a_feed_that_fails_is_shown_and_built_anew(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.lifeline.FIRST_WAIT", 0.01)
    failures = [RuntimeError("odd"), KeyError("odder")]
    pages = cluster.pages

    async def breaking(resource, namespace=None, **options):
        if failures:
            raise failures.pop()
        async for page in pages(resource, namespace, **options):
            yield page

    monkeypatch.setattr(type(cluster), "pages", lambda self, *a, **o: breaking(*a, **o))
    async with terminal() as t:
        await t.shows("Teams[8]")
        assert not failures
        await t.until(lambda: "failed" not in t.lines()[0])


async def test_a_list_that_is_forbidden_in_a_view_does_not_end_it(terminal, cluster, monkeypatch):
    async def forbidden(*_, **__):
        raise Forbidden(403, "Forbidden", "pods is forbidden")

    async with terminal() as t:
        await t.shows("Teams[8]")
        monkeypatch.setattr(type(cluster), "list", forbidden)
        await t.press("enter")
        await t.shows("pods is forbidden")
        await t.press("escape")
        await t.shows("Teams[8]")


async def test_quitting_does_not_wait_for_a_connection_that_does_not_close(terminal, cluster):
    class Clinging(SampleConnector):
        async def close(self, connection):
            await asyncio.Event().wait()

    async with terminal(connector=Clinging(cluster)) as t:
        await t.shows("Teams[8]")
        await t.press("ctrl+q")
        await t.until(lambda: t.app._exit)


async def test_a_controller_that_leaves_teams_waiting_is_a_banner(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.controller_watch.PATIENCE", 0.0)
    async with terminal() as t:
        await t.shows("Teams[8]")
        cluster.change("dev-agents", "docs-sweep", lambda team: team["metadata"].update(generation=2))
        cluster.change("dev-agents", "docs-sweep", lambda team: team["status"].update(observedGeneration=1))
        await t.shows(
            "no controller seems to be at work: 1 team waits for it; is kagents-controller running?"
        )
        cluster.change("dev-agents", "docs-sweep", lambda team: team["status"].update(observedGeneration=2))
        await t.until(lambda: "no controller" not in t.text())


async def test_a_controller_older_than_the_definitions_is_a_banner(terminal, cluster):
    async with terminal() as t:
        await t.shows("Teams[8]")
        said = {"type": "Succeeded", "status": "False", "reason": "InvalidSpec"}
        said["message"] = "spec.lead.later: there is no such field"

        def refuse(team):
            team["status"] |= {"phase": "Failed", "conditions": [said]}

        cluster.change("dev-agents", "docs-sweep", refuse)
        await t.shows("the controller is older than the definitions: it does not know spec.lead.later")
