"""Acts on several marked objects: one question with every name, the exact objects, a report of each."""

import pytest


async def start_with_rows(t):
    await t.shows("q3-report", "api-audit")


async def asked(t, *words):
    await t.shows("[ Cancel ]", *words)


def patched(cluster):
    return sorted(where for kind, where, _ in cluster.calls if kind == "patch")


async def test_one_question_names_every_marked_team(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space", "j", "space", "ctrl+k")
        await asked(t, "Kill 2 teams?", "cowork-agents/q3-report", "dev-agents/auth-refactor")
        assert patched(cluster) == []
        await t.press("l", "enter")
        await t.shows("kill: 2 done, 0 refused", "done     cowork-agents/q3-report is being cancelled")
        assert patched(cluster) == ["cowork-agents/q3-report", "dev-agents/auth-refactor"]
        await t.press("escape")
        await t.until(lambda: "marked" not in t.text() and "Teams[8]" in t.text())


async def test_cancel_has_the_focus_and_keeps_the_marks(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space", "space", "ctrl+d")
        await asked(t, "Delete 2 teams?")
        await t.press("enter")
        await t.shows("2 marked")
        assert patched(cluster) == []
        assert len(cluster.teams) == 8


async def test_what_makes_no_sense_is_left_out_with_the_reason(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space", "ctrl+@", "ctrl+k")
        await asked(t, "Kill 1 team?", "left out:", "dependency-bump has ended already (Failed)")
        await t.press("l", "enter")
        await t.shows("kill: 1 done, 1 refused", "REFUSED  ops-agents/dependency-bump has ended already")
        await t.press("escape")
        await t.shows("1 marked")


async def test_nothing_is_asked_when_nothing_can_be_done(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("j", "space", "ctrl+k")
        await t.shows("kill: 0 done, 1 refused", "has ended already (Failed)")
        assert patched(cluster) == []


async def test_a_team_made_again_behind_the_question_is_refused(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space", "j", "space", "ctrl+d")
        await asked(t, "Delete 2 teams?")
        cluster.find("cowork-agents", "q3-report")["metadata"] |= {"uid": "another", "resourceVersion": "99"}
        await t.press("l", "enter")
        await t.shows("delete: 1 done, 1 refused", "q3-report was deleted and made again")
        assert cluster.find("cowork-agents", "q3-report")


async def test_a_spec_changed_behind_the_question_is_refused_a_status_is_not(terminal, cluster):
    for team in cluster.teams:
        team["metadata"] |= {"generation": 1, "resourceVersion": "5"}
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space", "j", "space", "ctrl+k")
        await asked(t, "Kill 2 teams?")
        cluster.change("cowork-agents", "q3-report", lambda team: team["metadata"].update(generation=2))
        cluster.change("dev-agents", "auth-refactor", lambda team: team["status"].update(ready="3/3"))
        await t.press("l", "enter")
        await t.shows("kill: 1 done, 1 refused", "q3-report was changed by somebody in the meantime")
        assert patched(cluster) == ["dev-agents/auth-refactor"]


async def test_gates_are_approved_together(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("v")
        await t.shows("Gates[1]")
        await t.press("space", "a")
        await asked(t, "Approve 1 gate?", "spawn-email-drafter of cowork-agents/q3-report")
        await t.press("l", "enter")
        await t.shows("approved")
        assert patched(cluster) == ["cowork-agents/q3-report"]


async def test_marked_teams_without_a_gate_are_told(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("G", "space", "a")
        await t.shows("approve: nothing that is marked waits for it")


async def test_suspended_teams_are_resumed_a_mixture_is_suspended(terminal, cluster):
    cluster.change("ops-agents", "log-triage", lambda team: team["spec"].update(suspend=True))
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("slash", *"triage", "enter", "space", "escape", "s")
        await asked(t, "Resume 1 team?", "log-triage")
        await t.press("escape", "g", "space", "s")
        await asked(t, "Suspend 1 team?", "left out:", "log-triage is suspended already")


async def test_a_right_that_is_missing_is_told_object_by_object(terminal, cluster):
    cluster.denied.add("patch agentteams")
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space", "ctrl+k")
        await t.shows("kill: 0 done, 1 refused", "you may not patch agentteams in cowork-agents")
        assert patched(cluster) == []


async def test_read_only_marks_but_does_nothing(terminal, cluster):
    async with terminal(read_only=True) as t:
        await start_with_rows(t)
        await t.press("space", "ctrl+k", "ctrl+d")
        await t.shows("1 marked")
        assert "[ Cancel ]" not in t.text()


@pytest.mark.parametrize("size", [(50, 15), (80, 24)])
async def test_the_question_fits_a_small_terminal(terminal, size):
    async with terminal(size=size) as t:
        await start_with_rows(t)
        await t.press("space", "j", "space", "ctrl+k")
        await asked(t, "Kill 2 teams?", "q3-report")
