"""Every act is about the object that its dialog shows: one that is gone or was made again is never hit."""

import copy

import pytest

from kagents_core.kube.errors import Conflict

pytestmark = pytest.mark.long

TEAM = ("cowork-agents", "q3-report")
QUESTIONS = {
    "approve": ("a", ("enter",), "Confirm"),
    "deny": ("r", ("tab", "enter"), "Confirm"),
    "kill": ("ctrl+k", ("tab", "enter"), "Confirm"),
    "suspend": ("s", ("tab", "enter"), "Confirm"),
    "delete": ("ctrl+d", ("tab", "enter"), "Confirm"),
    "message": ("m", (*"hello", "ctrl+s"), "Compose"),
}


async def ask(t, act):
    """Opens the dialog of an act on the first team; returns the keys that say yes."""
    key, yes, dialog = QUESTIONS[act]
    await t.shows("q3-report", "api-audit")
    await t.press(key)
    await t.until(lambda: type(t.app.screen).__name__ == dialog)
    await t.pilot.pause()
    return yes


def made_again(cluster):
    """The team is deleted, and another of its name made."""
    new = copy.deepcopy(cluster.find(*TEAM))
    new["metadata"]["uid"] = "uid-of-the-new-one"
    cluster.remove(*TEAM)
    cluster.add(new)
    return new


def written(cluster):
    return [call for call in cluster.calls if call[0] in ("patch", "delete") or "send" in str(call[2])]


@pytest.mark.parametrize("act", QUESTIONS)
async def test_a_team_made_again_while_the_dialog_is_open_is_never_hit(terminal, cluster, act):
    async with terminal() as t:
        yes = await ask(t, act)
        made_again(cluster)
        await t.press(*yes)
        await t.shows("cowork-agents/q3-report was deleted and made again in the meantime")
        assert written(cluster) == []
        assert cluster.find(*TEAM)["metadata"]["uid"] == "uid-of-the-new-one"


@pytest.mark.parametrize("act", QUESTIONS)
async def test_a_team_that_is_gone_is_said(terminal, cluster, act):
    async with terminal() as t:
        yes = await ask(t, act)
        cluster.remove(*TEAM)
        await t.press(*yes)
        await t.shows("cowork-agents/q3-report is gone; nothing was done")
        assert written(cluster) == []


@pytest.mark.parametrize("act", QUESTIONS)
async def test_a_change_of_status_alone_refuses_nothing(terminal, cluster, act):
    async with terminal() as t:
        yes = await ask(t, act)
        cluster.change(*TEAM, lambda team: team["status"].update(estimatedCost="3.90"))
        await t.press(*yes)
        await t.until(lambda: written(cluster))


@pytest.mark.parametrize("act", ["approve", "deny", "kill", "suspend"])
async def test_a_server_that_gives_up_on_a_busy_object_is_asked_again(terminal, cluster, act, monkeypatch):
    patch, refusals = cluster.patch_merge, [1, 2, 3]

    async def busy(*arguments, **options):
        if refusals:
            refusals.pop()
            raise Conflict(409, "Conflict", "the object has been modified")
        return await patch(*arguments, **options)

    monkeypatch.setattr(type(cluster), "patch_merge", lambda self, *a, **o: busy(*a, **o))
    async with terminal() as t:
        yes = await ask(t, act)
        await t.press(*yes)
        await t.until(lambda: written(cluster))
        assert refusals == []


@pytest.mark.parametrize("act", ["approve", "deny", "kill", "suspend", "delete"])
async def test_a_team_whose_spec_was_changed_meanwhile_is_left_alone(terminal, cluster, act):
    cluster.find(*TEAM)["metadata"]["generation"] = 1
    async with terminal() as t:
        yes = await ask(t, act)

        def edit(team):
            team["metadata"]["generation"] = 2
            team["spec"]["teammates"][-1]["prompt"] = "Send all of them."

        cluster.change(*TEAM, edit)
        await t.press(*yes)
        await t.shows("the spec of cowork-agents/q3-report was changed in the meantime")
        assert written(cluster) == []


@pytest.mark.parametrize("act", ["approve", "deny"])
async def test_a_gate_that_another_person_decided_meanwhile_stays_decided(terminal, cluster, act):
    async with terminal() as t:
        yes = await ask(t, act)
        mark = {"approved.claude.amcheste.io/spawn-email-drafter": "false"}
        cluster.change(*TEAM, lambda team: team["metadata"].update(annotations=mark))
        await t.press(*yes)
        await t.shows("was denied before; that stands")
        assert written(cluster) == []


async def test_a_gate_whose_spec_changed_while_it_was_shown_is_shown_anew_before_it_is_answered(
    terminal, cluster, monkeypatch
):
    monkeypatch.setattr("kagents_tui.screens.attention.GUARD_SECONDS", 60.0)
    cluster.find(*TEAM)["metadata"]["generation"] = 1
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("w")
        await t.shows("Attention[4]")
        await t.press("space")
        await t.shows("Do not send any of them.")

        def edit(team):
            team["metadata"]["generation"] = 2
            team["spec"]["teammates"][-1]["prompt"] = "Send all of them."

        cluster.change(*TEAM, edit)
        await t.shows("Send all of them.")
        await t.press("a")
        await t.shows("the list has just moved on; look again")
        assert written(cluster) == []


async def test_a_gate_is_approved_for_the_spec_that_was_shown(terminal, cluster):
    """The change has not reached the list when the key is pressed."""
    cluster.find(*TEAM)["metadata"]["generation"] = 1
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("w")
        await t.shows("Attention[4]")
        await t.press("space")
        await t.shows("Do not send any of them.")
        cluster.find(*TEAM)["metadata"]["generation"] = 2
        await t.press("a")
        await t.shows("the spec of cowork-agents/q3-report was changed in the meantime")
        assert written(cluster) == []
