"""Lists over all teams beside the teams themselves: agents, runs, templates, events."""

import copy
from datetime import UTC, datetime

import pytest

from kagents_tui.sample import others

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


@pytest.fixture
def cluster(cluster):
    cluster.others |= {"agentteamruns": others.runs(NOW), "agentteamtemplates": others.templates(NOW)}
    cluster.others |= {"agentbudgets": others.budgets(NOW), "agentusages": others.usages(NOW)}
    cluster.events += others.events(NOW)
    return cluster


async def go(t, line, *words):
    await t.shows("q3-report", "api-audit")
    await t.press("colon", *line, "enter")
    await t.shows(*words)


def watched(cluster):
    return sorted({plural for plural, _ in cluster._watchers})


async def test_agents_of_all_teams(terminal, cluster):
    async with terminal() as t:
        await go(t, "agents", "Agents[", "email-drafter", "approve spawn-", "asks: ")
        cluster.change(
            "dev-agents", "docs-sweep", lambda team: team["status"]["teammates"][0].update(phase="Failed")
        )
        await t.until(lambda: any("docs-sweep" in each and "Failed" in each for each in t.lines()))
        await t.press("ctrl+z")
        await t.shows("needs you")
        await t.until(lambda: "api-audit" not in t.text())
        await t.press("a")
        await t.shows("Approve spawn-email-drafter of cowork-agents/q3-report?")


async def test_agents_of_a_team_that_is_gone_go_too(terminal, cluster):
    async with terminal() as t:
        await go(t, "agents", "email-drafter")
        cluster.remove("cowork-agents", "q3-report")
        await t.until(lambda: "email-drafter" not in t.text())


async def test_agents_are_opened_and_their_logs(terminal, cluster):
    async with terminal() as t:
        await go(t, "agents /auth-refactor", "backend-api")
        await t.press("enter")
        await t.until(lambda: t.app.screen.kind == "agent")
        await t.shows("dev-agents / auth-refactor", "backend-api")
        await t.press("[")
        await t.shows("Agents[3] /auth-refactor")
        await t.press("]")
        await t.until(lambda: t.app.screen.kind == "agent")
        await t.press("-")
        await t.shows("Agents[3] /auth-refactor")
        await t.press("l")
        await t.shows("12 passed")


async def test_a_kind_is_watched_while_it_is_shown(terminal, cluster):
    async with terminal() as t:
        await go(t, "runs", "Runs[3]", "docs-sweep", "review-1187")
        await t.until(lambda: watched(cluster) == ["agentteamruns", "agentteams"])
        late = copy.deepcopy(others.runs(NOW)[0])
        late["metadata"] |= {"name": "late-one", "uid": "late"}
        cluster.add(late, "agentteamruns")
        await t.shows("Runs[4]", "late-one")
        await t.press("escape")
        await t.until(lambda: watched(cluster) == ["agentteams"])


async def test_other_namespaces_are_watched_anew(terminal, cluster):
    async with terminal() as t:
        await go(t, "runs", "Runs[3]")
        await t.press("colon", *"ns ops-agents", "enter")
        await t.shows("Runs[1]", "incident-42")
        await t.press("0")
        await t.shows("Runs[3]")


async def test_a_run_opens_its_team(terminal, cluster):
    async with terminal() as t:
        await go(t, "runs", "Runs[3]")
        await t.press("enter")
        await t.shows("dev-agents / docs-sweep")
        await t.press("escape", "j", "enter")
        await t.shows("there is no team dev-agents/review-1187 here")


async def test_a_run_is_killed_by_its_own_kind(terminal, cluster):
    async with terminal() as t:
        await go(t, "runs", "Runs[3]")
        await t.press("ctrl+k")
        await t.shows("Kill 1 teamrun?", "dev-agents/docs-sweep")
        await t.press("l", "enter")
        await t.shows("dev-agents/docs-sweep is being cancelled")
        assert cluster.find("dev-agents", "docs-sweep", "agentteamruns")["spec"]["cancel"] is True
        assert "cancel" not in cluster.find("dev-agents", "docs-sweep")["spec"]


async def test_marked_templates_are_deleted_together(terminal, cluster):
    async with terminal() as t:
        await go(t, "templates", "Templates[3]", "agent-3 depends on nobody known")
        await t.press("space", "space", "ctrl+d")
        await t.shows("Delete 2 teamtemplates?", "[ Cancel ]")
        await t.press("l", "enter")
        await t.shows("delete: 2 done, 0 refused")
        await t.press("escape")
        await t.shows("Templates[1]")


async def test_a_template_opens_its_runs(terminal, cluster):
    async with terminal() as t:
        await go(t, "templates /review", "Templates[1]")
        await t.press("enter")
        await t.shows("Runs[1]", "review-1187")


async def test_yaml_and_description_of_any_object(terminal, cluster):
    async with terminal() as t:
        await go(t, "templates", "Templates[3]")
        await t.press("y")
        await t.shows("kind: AgentTeamTemplate")
        await t.press("escape", "d")
        await t.shows("Kind:        AgentTeamTemplate")
        await t.press("slash", *"teammates", "enter")
        await t.shows("lines")


async def test_events_about_objects_of_kagents(terminal, cluster):
    async with terminal() as t:
        await go(t, "events", "Events[3]", "WaitingForApproval", "team/dependency-bump", "Warning")
        assert "Scheduled" not in t.text()
        await t.press("enter")
        await t.shows("cowork-agents / q3-report")


async def test_what_may_not_be_listed_is_told_in_the_view(terminal, cluster):
    cluster.denied.add("list agentteamruns")
    async with terminal() as t:
        await go(t, "runs", "Runs[0]", "forbidden")
        await t.press("escape")
        await t.shows("Teams[8]")


@pytest.mark.parametrize("line", ["teams", "agents", "gates", "runs", "templates", "events", "ns", "ctx"])
async def test_fifty_columns_are_usable(terminal, cluster, line):
    words = {"ns": "dev-agents", "ctx": "kind-other", "events": "team/q3-report", "templates": "docs-team"}
    async with terminal(size=(50, 15)) as t:
        await t.shows("q3-report")
        await t.press("colon", *line, "enter")
        await t.shows(words.get(line, "docs-sweep" if line == "runs" else "q3-report"))
        assert all(len(each) <= 50 for each in t.lines())


async def test_costs_of_teams_that_live_and_of_records(terminal, cluster):
    async with terminal() as t:
        await go(t, "cost", "Cost[9]", "incident-41", "~$15.02", "api-audit")
        await t.press("g", "enter")  # the cursor follows its team, also when a dearer one comes
        await t.shows("Kind:        AgentUsage", "costMicros: 15020000")
        await t.press("escape", "j", "enter")
        await t.shows("dev-agents / api-audit")
        await t.press("escape")
        await t.shows("Cost[9]")
        cluster.remove("dev-agents", "api-audit")
        await t.until(lambda: any("api-audit" in each and "$4.11" in each for each in t.lines()))
        cluster.remove("dev-agents", "api-audit-0123456789ab", "agentusages")
        await t.shows("Cost[8]")
        await t.press("slash", *"metered", "enter")
        await t.until(lambda: "incident-41" not in t.text())


async def test_budgets_are_watched_and_described(terminal, cluster):
    async with terminal() as t:
        await go(t, "budgets", "Budgets[4]", "exceeded", "80 %")
        late = copy.deepcopy(others.budgets(NOW)[3])
        late["metadata"] |= {"name": "late-one", "uid": "late"}
        cluster.add(late, "agentbudgets")
        await t.shows("Budgets[5]", "late-one")
        await t.press("j", "j", "enter")
        await t.shows("Kind:        AgentBudget", "limit: 20.00", "no further agent of its teams")
