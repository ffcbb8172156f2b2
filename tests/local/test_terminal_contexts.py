"""The terminal between two API servers, and with one that goes away and comes back."""

import asyncio
import contextlib
import time

import pytest
import yaml
from textual.pilot import Pilot

from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES
from kagents_core.kube.client import Client
from kagents_tui.app import KagentsApp
from kagents_tui.connection import Choice
from kagents_tui.launch import Connector
from kagents_tui.session import Options


def team(name, namespace="default"):
    return {
        "apiVersion": AGENT_TEAMS.api_version,
        "kind": "AgentTeam",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "workspace": {"output": {"mountPath": "/workspace/output"}},
            "harness": "simulated",
            "lead": {"prompt": "Do it."},
            "teammates": [],
        },
    }


@pytest.fixture
async def servers(tmp_path, api_server):
    """Two API servers with a team each, and one kubeconfig for both."""
    async with api_server(tmp_path / "one") as one, api_server(tmp_path / "two") as two:
        merged = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
        for name, server in (("one", one), ("two", two)):
            document = yaml.safe_load(server.kubeconfig.read_text())
            for section in ("clusters", "users"):
                merged[section].append({**document[section][0], "name": name})
            merged["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
            async with Client(server.config) as client:
                await client.create(AGENT_TEAMS, "default", team("shared-name"))
                await client.create(AGENT_TEAMS, "default", team(f"only-in-{name}"))
        merged["current-context"] = "one"
        path = tmp_path / "merged"
        path.write_text(yaml.safe_dump(merged))
        yield path, one, two


class Terminal:
    """A running terminal and what it shows."""

    def __init__(self, app: KagentsApp, pilot: Pilot):
        self.app, self.pilot = app, pilot

    def text(self):
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def until(self, condition, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not condition(self.text()):
            assert time.monotonic() < deadline, self.text()
            await asyncio.sleep(0.02)

    async def shows(self, *words):
        await self.until(lambda text: all(word in text for word in words))

    async def command(self, text):
        await self.pilot.press("colon", *text, "enter")


@contextlib.asynccontextmanager
async def terminal(path, context="one"):
    connector = Connector(Choice(kubeconfig=str(path), context=context))
    app = KagentsApp(connector, Options())
    async with app.run_test(size=(140, 30)) as pilot:
        yield Terminal(app, pilot)


async def test_contexts_are_changed_without_a_restart_and_nothing_of_the_other_stays(servers):
    path, one, two = servers
    async with terminal(path) as t:
        await t.shows("Teams[2]", "only-in-one", " one ")
        await t.command("ctx two")
        await t.shows("Teams[2]", "only-in-two", " two ")
        assert "only-in-one" not in t.text()
        async with Client(one.config) as client:
            await client.create(AGENT_TEAMS, "default", team("later-in-one"))
        async with Client(two.config) as client:
            await client.create(AGENT_TEAMS, "default", team("later-in-two"))
        await t.shows("Teams[3]", "later-in-two")
        assert "later-in-one" not in t.text()
        await t.command("ctx one")
        await t.shows("Teams[3]", "later-in-one")


async def test_an_act_after_a_change_of_context_is_about_the_team_of_that_context(servers):
    path, one, two = servers
    async with terminal(path) as t:
        await t.shows("only-in-one")
        await t.command("ctx two")
        await t.shows("only-in-two")
        await t.command("kill default/shared-name")
        async with Client(two.config) as client:
            uid = (await client.get(AGENT_TEAMS, "default", "shared-name"))["metadata"]["uid"]
            await t.shows("Kill default/shared-name?", uid)
            await t.pilot.press("tab", "enter")
            await t.shows("default/shared-name is being cancelled")
            assert (await client.get(AGENT_TEAMS, "default", "shared-name"))["spec"]["cancel"] is True
        async with Client(one.config) as client:
            untouched = await client.get(AGENT_TEAMS, "default", "shared-name")
            assert untouched["spec"]["cancel"] is False


@pytest.mark.long
async def test_several_namespaces_at_once(servers):
    path, one, _ = servers
    async with Client(one.config) as client:
        for namespace in ("alpha", "beta"):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            await client.create(NAMESPACES, None, body)
            await client.create(AGENT_TEAMS, namespace, team(f"in-{namespace}", namespace))
    async with terminal(path) as t:
        await t.shows("Teams[4]")
        await t.command("ns alpha beta")
        await t.shows("Teams[2]", "in-alpha", "in-beta", "alpha beta")
        await t.command("ns beta")
        await t.shows("Teams[1]", "in-beta")
        await t.command("ns all")
        await t.shows("Teams[4]")


@pytest.mark.long
async def test_a_server_that_goes_away_and_comes_back(tmp_path, api_server):
    async with contextlib.AsyncExitStack() as first:
        server = await first.enter_async_context(api_server(tmp_path / "data"))
        port = int(server.config.server.rpartition(":")[2])
        async with Client(server.config) as client:
            await client.create(AGENT_TEAMS, "default", team("before"))
        async with terminal(server.kubeconfig, "kagents-local") as t:
            await t.shows("Teams[1]", "before")
            await first.aclose()
            await t.shows("lost, data")
            await t.command("kill default/before")
            await t.shows("kill: the connection is lost")
            async with api_server(tmp_path / "data", port) as again, Client(again.config) as client:
                await client.create(AGENT_TEAMS, "default", team("after"))
                await t.shows("Teams[2]", "after")
                await t.until(lambda text: "lost" not in text)
