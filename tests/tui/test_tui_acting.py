"""Every act: its key, its question, what reaches the API server, and when it is refused."""

import pytest
from textual import events

APPROVED = "approved.claude.amcheste.io/spawn-email-drafter"


async def open_list(t, downs=0):
    await t.shows("q3-report", "api-audit")
    for _ in range(downs):
        await t.press("j")


def dialog(t):
    return type(t.app.screen).__name__


async def asked(t, name="Confirm"):
    await t.until(lambda: dialog(t) == name)
    await t.pilot.pause()


def patches(cluster):
    return [call[1:] for call in cluster.calls if call[0] == "patch"]


async def test_approve_shows_what_it_is_about_and_writes_the_decision(terminal, cluster):
    async with terminal() as t:
        await open_list(t)
        await t.press("a")
        await asked(t)
        await t.shows(
            "Approve spawn-email-drafter of cowork-agents/q3-report?",
            "5f3c-cowork-agents-q3-report",
            "researcher",
            "$3.80 of $15.00 so far",
            "Do not send any of them.",
        )
        await t.press("enter")
        await t.shows("spawn-email-drafter of cowork-agents/q3-report approved")
        annotations = cluster.find("cowork-agents", "q3-report")["metadata"]["annotations"]
        assert annotations == {APPROVED: "true"}


async def test_a_return_typed_ahead_of_the_question_approves_nothing(terminal, cluster):
    async with terminal() as t:
        await open_list(t)
        typed_ahead = events.Key("enter", "\r")
        await t.press("a")
        await asked(t)
        t.app.post_message(typed_ahead)
        await t.pilot.pause()
        await t.shows("Approve spawn-email-drafter of cowork-agents/q3-report?")
        assert patches(cluster) == []
        await t.press("enter")
        await t.shows("spawn-email-drafter of cowork-agents/q3-report approved")


async def test_deny_has_cancel_in_focus(terminal, cluster):
    async with terminal() as t:
        await open_list(t)
        await t.press("r")
        await asked(t)
        await t.shows("[ Cancel ]")
        await t.press("enter")
        await t.until(lambda: dialog(t) == "TeamsScreen")
        assert patches(cluster) == []
        await t.press("r")
        await asked(t)
        await t.press("tab", "enter")
        await t.shows("denied")
        assert cluster.find("cowork-agents", "q3-report")["metadata"]["annotations"] == {APPROVED: "false"}


async def test_no_gate_no_dialog(terminal, cluster):
    async with terminal() as t:
        await open_list(t, 4)
        await t.press("a")
        await t.shows("no gate of dev-agents/docs-sweep waits for a decision")
        assert cluster.calls == []


@pytest.mark.parametrize(
    ("key", "command", "verb", "spec"),
    [("ctrl+k", "kill", "Kill", {"cancel": True}), ("s", "suspend", "Suspend", {"suspend": True})],
)
async def test_kill_and_suspend_ask_and_name_the_object(terminal, cluster, key, command, verb, spec):
    async with terminal() as t:
        await open_list(t, 4)
        await t.press(key)
        await asked(t)
        await t.shows(f"{verb} dev-agents/docs-sweep?", "5f3c-dev-agents-docs-sweep", "[ Cancel ]")
        await t.press("escape")
        await t.until(lambda: dialog(t) == "TeamsScreen")
        assert patches(cluster) == []
        await t.press("colon", *command, "enter")
        await asked(t)
        await t.press("right", "enter")
        await t.until(lambda: patches(cluster))
        assert patches(cluster)[0][1]["spec"] == spec


async def test_a_suspended_team_resumes_at_once(terminal, cluster):
    cluster.find("ops-agents", "log-triage")["spec"]["suspend"] = True
    async with terminal() as t:
        await open_list(t)
        await t.press("colon", *"resume log-triage", "enter")
        await t.until(lambda: patches(cluster))
        assert patches(cluster)[0][1]["spec"] == {"suspend": False}


async def test_delete_asks_and_deletes_that_object(terminal, cluster):
    async with terminal() as t:
        await open_list(t, 4)
        await t.press("ctrl+d")
        await asked(t)
        await t.shows("Delete dev-agents/docs-sweep?", "[ Cancel ]")
        await t.press("l", "enter")
        await t.until(
            lambda: "docs-sweep" not in "".join(each for each in t.lines() if "deleted" not in each)
        )
        assert ("delete", "dev-agents/docs-sweep", "5f3c-dev-agents-docs-sweep") in cluster.calls


async def test_a_team_made_again_before_the_key_is_refused(terminal, cluster):
    async with terminal() as t:
        await open_list(t, 4)
        cluster.find("dev-agents", "docs-sweep")["metadata"]["uid"] = "another"
        await t.press("ctrl+k")
        await t.shows("dev-agents/docs-sweep was deleted and made again; look at the new one first")
        assert patches(cluster) == []


async def test_a_team_made_again_while_the_dialog_is_open_is_refused(terminal, cluster):
    async with terminal() as t:
        await open_list(t)
        await t.press("a")
        await asked(t)
        cluster.find("cowork-agents", "q3-report")["metadata"]["uid"] = "another"
        await t.press("enter")
        await t.shows("was deleted and made again in the meantime")
        assert patches(cluster) == []


async def test_the_list_may_move_under_a_dialog(terminal, cluster):
    async with terminal() as t:
        await open_list(t, 4)
        await t.press("ctrl+k")
        await asked(t)
        cluster.remove("cowork-agents", "q3-report")
        cluster.change("dev-agents", "api-audit", lambda team: team["status"].update(phase="Failed"))
        await t.press("tab", "enter")
        await t.until(lambda: patches(cluster))
        assert patches(cluster)[0][0] == "dev-agents/docs-sweep"


async def test_a_message_is_written_and_sent_to_the_chosen_agent(terminal, cluster):
    async with terminal() as t:
        await open_list(t, 2)
        await t.press("enter")
        await t.shows("● live")
        await t.press("j", "m")
        await asked(t, "Compose")
        await t.shows("[backend-api]")
        await t.press(*"use", "enter", *"postgres", "ctrl+n", "ctrl+s")
        await t.shows("message to test-coverage is on its way")
        command = next(call[2] for call in cluster.calls if call[0] == "exec" and "send" in call[2])
        assert command[command.index("--to") + 1] == "test-coverage"
        assert bytes(cluster.streams[-1].received) == b"use\npostgres"


async def test_an_empty_message_is_not_sent(terminal, cluster):
    async with terminal() as t:
        await open_list(t, 2)
        await t.press("m")
        await asked(t, "Compose")
        await t.press("ctrl+s")
        await t.shows("the message is empty")
        await t.press("escape")
        await t.until(lambda: dialog(t) == "TeamsScreen")
        assert cluster.calls == []


async def test_logs_follow_wrap_and_search(terminal):
    async with terminal(size=(100, 14)) as t:
        await open_list(t, 2)
        await t.press("l")
        await t.shows("Log of lead", "Endpoints are in 3f2c1a", "follow on")
        await t.press("slash", *"token", "enter")
        await t.shows("/token 1 lines", "follow off")
        await t.press("s")
        await t.shows("follow on")
        await t.press("escape", "escape")
        await t.shows("Teams[8]")


async def test_describe_and_yaml(terminal, cluster):
    cluster.events = [
        {
            "metadata": {"namespace": "cowork-agents"},
            "type": "Normal",
            "reason": "GateWaiting",
            "message": "approve it",
        }
    ]
    async with terminal() as t:
        await open_list(t)
        await t.press("d")
        await t.shows(
            "Describe",
            "Cost:        $3.80 (metered) of $15.00",
            "email-drafter: Waiting",
            "waits for approval",
        )
        await t.press("G")
        await t.shows("GateWaiting", "approve it")
        await t.press("escape", "y")
        await t.shows("YAML", "kind: AgentTeam")
        await t.press("slash", *"approvalGates", "enter")
        await t.shows("event: spawn-email-drafter")


async def test_read_only_binds_no_key_that_changes_something(terminal, cluster):
    async with terminal(read_only=True) as t:
        await open_list(t)
        assert "[read-only]" in t.lines()[0]
        assert "approve" not in t.lines()[-1]
        for key in ("a", "r", "ctrl+k", "ctrl+d", "s", "m"):
            await t.press(key)
            assert dialog(t) == "TeamsScreen"
        await t.press("colon", *"kill", "enter")
        await t.shows("read-only")
        await t.press("y")
        await t.shows("kind: AgentTeam")
        assert cluster.calls == []


async def test_a_forbidden_key_is_off_and_says_why(terminal, cluster):
    cluster.denied = {"patch agentteams"}
    async with terminal() as t:
        await open_list(t)
        await t.press("ctrl+k")
        await t.shows("kill is off: you may not patch agentteams in cowork-agents (no role allows it)")
        await t.shows("(ctrl-k) kill")
        assert dialog(t) == "TeamsScreen"
        assert cluster.calls == []


async def test_a_lost_connection_is_a_badge_and_acts_wait(terminal, cluster):
    async with terminal() as t:
        await open_list(t, 4)
        cluster.broken = True
        cluster.cut()
        await t.shows("✗ lost")
        await t.press("ctrl+k")
        await t.shows("the connection is lost")
        assert "docs-sweep" in t.text()
        cluster.broken = False
        await t.until(lambda: "✗ lost" not in t.lines()[0])


async def test_an_act_from_the_gates_view_is_about_its_gate(terminal, cluster):
    async with terminal() as t:
        await open_list(t)
        await t.press("v")
        await t.shows("Gates[1]")
        await t.press("a")
        await asked(t)
        await t.press("enter")
        await t.until(lambda: patches(cluster))
        assert patches(cluster)[0][1]["metadata"]["annotations"] == {APPROVED: "true"}
