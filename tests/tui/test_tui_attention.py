"""The list of attention: what it shows, peeking, answering by a key, and what it refuses."""

import pytest

from kagents_tui.sample.asks import ASK

NOW_SEQ = 40
QUESTION_TEAM = ("dev-agents", "auth-refactor")


@pytest.fixture(autouse=True)
def no_guard(monkeypatch):
    """Keys answer at once; the guard has a test of its own."""
    monkeypatch.setattr("kagents_tui.screens.attention.GUARD_SECONDS", 0.0)


async def open_attention(t):
    await t.shows("q3-report", "api-audit")
    await t.press("w")
    await t.shows("Attention[4]")


async def go_to(t, word):
    """Puts the cursor on the row with a word."""
    table = t.app.screen.table()
    for index, item in enumerate(table.rows):
        if word in item.need.text or word == item.team.key[1]:
            table.move_to(index)
            await t.pilot.pause()
            return
    raise AssertionError(t.text())


def request(kind, identity, summary, seq):
    return {"id": identity, "kind": kind, "tool": "Bash", "summary": summary, "seq": seq} | {
        "since": "2026-11-21T14:09:00.000Z"
    }


def asks(cluster, kind, given, *, identity="perm-2-b", seq=NOW_SEQ, agent="backend"):
    """docs-sweep's agent asks something: in the status and in the journal."""
    summary = str(next(iter(given.values())))[:40]
    entry = {"kind": "ask", "id": identity, "agent": agent, "ask": kind, "tool": "Bash", "summary": summary}
    entry |= {"input": given, "cut": False, "seq": seq, "asked": "", "toolUseId": None}
    cluster.journals.setdefault("docs-sweep", []).append(entry)

    def alter(team):
        doing = {"agent": agent, "state": "waiting-permission", "since": "2026-11-21T14:00:00.000Z"}
        team["status"]["activity"] += [doing | {"requests": [request(kind, identity, summary, seq)]}]

    cluster.change("dev-agents", "docs-sweep", alter)


def answers(cluster):
    return [call[2] for call in cluster.calls if call[0] == "answer"]


def dialog(t):
    return type(t.app.screen).__name__


async def test_the_list_names_what_waits_most_urgent_first(terminal):
    async with terminal() as t:
        await open_attention(t)
        kinds = [item.kind for item in t.app.screen.table().rows]
        assert kinds == ["gate", "failed", "question", "stale mail"]
        assert "email-drafter" in t.line("gate ")
        assert "which database do the integration tests use?" in t.line("question ")


async def test_it_opens_by_command_too_and_escape_leaves(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"attention", "enter")
        await t.shows("Attention[4]")
        await t.press("escape")
        await t.shows("Teams[8]")


async def test_space_shows_what_is_asked_and_closes_it(terminal):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("1 [ ] PostgreSQL 16 - the one in compose.yaml", "2 [ ] SQLite")
        await t.press("space")
        await t.until(lambda: "SQLite" not in t.text())


async def test_a_digit_answers_a_question_and_the_next_thing_is_shown(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")
        await t.press("1")
        await t.shows("backend-api of auth-refactor: answered", "Attention[3]")
        [answer] = answers(cluster)
        assert (answer["agent"], answer["request"], answer["choices"]) == ("backend-api", ASK, [[1]])
        assert answer["allow"] is True and answer["by"] == "ann@example.test"
        assert t.app.screen.table().current.kind == "stale mail"


async def test_nothing_is_answered_before_it_was_shown(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("1")
        await t.shows("once you have read it", "PostgreSQL 16")
        assert answers(cluster) == []
        await t.press("1")
        await t.until(lambda: answers(cluster))


async def test_a_permission_shows_the_exact_call_and_a_allows_it(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        asks(cluster, "permission", {"command": "make deploy\nmake clean", "timeout": 5})
        await t.shows("Attention[5]")
        await go_to(t, "docs-sweep")
        await t.press("space")
        await t.shows("tool: Bash", "command:", "  make deploy", "  make clean", "timeout: 5")
        await t.press("a")
        await t.shows("backend of docs-sweep: allowed")
        [answer] = answers(cluster)
        assert (answer["request"], answer["allow"], answer["mode"]) == ("perm-2-b", True, None)
        await t.shows("Attention[4]")


async def test_a_refusal_carries_the_reason(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        asks(cluster, "permission", {"command": "make deploy"})
        await t.shows("Attention[5]")
        await go_to(t, "docs-sweep")
        await t.press("space")
        await t.shows("command: make deploy")
        await t.press("r")
        await t.until(lambda: dialog(t) == "Words")
        await t.press(*"not now", "ctrl+s")
        await t.until(lambda: answers(cluster))
        assert (answers(cluster)[0]["allow"], answers(cluster)[0]["reason"]) == (False, "not now")


async def test_a_refusal_that_is_given_up_sends_nothing(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")
        await t.press("r")
        await t.until(lambda: dialog(t) == "Words")
        await t.press("escape")
        await t.until(lambda: dialog(t) == "AttentionScreen")
        assert answers(cluster) == []


@pytest.mark.parametrize(("key", "mode"), [("a", None), ("1", "edits"), ("2", "everything"), ("3", "each")])
async def test_a_plan_is_approved_with_a_way_of_working(terminal, cluster, key, mode):
    async with terminal() as t:
        await open_attention(t)
        asks(cluster, "plan", {"plan": "# Move the parser\n1. tests\n2. code\n"})
        await t.shows("Attention[5]")
        await go_to(t, "docs-sweep")
        await t.press("space")
        await t.shows("# Move the parser", "2. code", "1-3 how it may work")
        await t.press(key)
        await t.until(lambda: answers(cluster))
        assert (answers(cluster)[0]["allow"], answers(cluster)[0]["mode"]) == (True, mode)


async def test_several_questions_are_answered_one_after_the_other(terminal, cluster):
    questions = [
        {"question": "Which?", "multiSelect": True, "options": [{"label": "Red"}, {"label": "Blue"}]},
        {"question": "How many?", "options": [{"label": "One"}, {"label": "Two"}]},
    ]
    async with terminal() as t:
        await open_attention(t)
        asks(cluster, "question", {"questions": questions})
        await t.shows("Attention[5]")
        await go_to(t, "docs-sweep")
        await t.press("space")
        await t.shows("Which?", "How many?")
        await t.press("1", "2", "9")
        await t.shows("the question has no option 9", "1 [x] Red", "2 [x] Blue")
        await t.press("a")
        await t.shows("How many?  <- choose here")
        await t.press("2", "a")
        await t.until(lambda: answers(cluster))
        assert answers(cluster)[0]["choices"] == [[1, 2], [2]]


async def test_a_question_is_answered_in_own_words(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")
        await t.press("o")
        await t.until(lambda: dialog(t) == "Words")
        await t.press("ctrl+s")
        await t.shows("write something, or esc")
        await t.press(*"MariaDB", "ctrl+s")
        await t.until(lambda: answers(cluster))
        assert answers(cluster)[0]["choices"] == [["MariaDB"]]


async def test_a_gate_shows_what_others_produced_and_is_approved_by_its_uid(terminal, cluster):
    report = {"kind": "request", "request": "report", "agent": "researcher", "key": "sources", "value": "41"}
    cluster.journals["q3-report"] = [report | {"seq": 1}]
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "q3-report")
        await t.press("space")
        await t.shows(
            "Do not send any of them.", "what researcher produced", "researcher reports sources: 41"
        )
        await t.press("a")
        await t.shows("email-drafter of q3-report: allowed")
        [patch] = [call[2] for call in cluster.calls if call[0] == "patch"]
        assert patch["metadata"]["uid"] == "5f3c-cowork-agents-q3-report"
        assert set(patch["metadata"]["annotations"].values()) == {"true"}


async def test_denying_a_gate_asks_first(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "q3-report")
        await t.press("space")
        await t.shows("Do not send any of them.")
        await t.press("r")
        await t.until(lambda: dialog(t) == "Confirm")
        await t.shows("[ Cancel ]")


async def test_stale_mail_shows_its_text_and_has_no_answer(terminal, cluster):
    mail = {
        "kind": "message",
        "from": "backend",
        "to": "lead",
        "type": "message",
        "text": "Where is the key?",
    }
    cluster.journals["billing-fix"] = [mail | {"id": "m1", "seq": 1, "written": "2026-11-21T14:00:00.000Z"}]
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "billing-fix")
        await t.press("space")
        await t.shows("Where is the key?")
        await t.press("a")
        await t.shows("stale mail needs no answer")


async def test_a_team_that_was_made_again_is_refused(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")
        cluster.find(*QUESTION_TEAM)["metadata"]["uid"] = "another"  # before the watch has told it
        await t.press("1")
        await t.shows("was deleted and made again")
        assert answers(cluster) == []


async def test_what_the_hub_refuses_is_said_and_the_thing_stands_again(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")
        cluster.find(*QUESTION_TEAM)["status"]["activity"][1]["requests"] = []
        await t.press("1")
        await t.shows("There is no request", "Attention[4]")


async def test_what_has_just_moved_under_the_hand_is_not_answered(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.screens.attention.GUARD_SECONDS", 3600.0)
    async with terminal() as t:
        await open_attention(t)
        asks(cluster, "permission", {"command": "make deploy"})
        await t.shows("Attention[5]")
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")

        def withdraw(team):
            team["status"]["activity"][1] |= {"requests": [], "state": "working"}

        cluster.change(*QUESTION_TEAM, withdraw)
        await t.shows("Attention[4]", "make deploy")
        await t.press("a")
        await t.shows("the list has just moved on")
        assert answers(cluster) == []


async def test_a_request_that_cannot_be_read_cannot_be_answered(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        cluster.journals["auth-refactor"] = []
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("the journal does not hold the request")
        await t.press("1")
        await t.shows("it is not shown in full")
        assert answers(cluster) == []


async def test_read_only_binds_no_key_that_answers(terminal, cluster):
    async with terminal(read_only=True) as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")
        await t.press("1", "a", "r", "o")
        assert dialog(t) == "AttentionScreen" and answers(cluster) == []


async def test_without_the_right_to_exec_the_reason_is_said(terminal, cluster):
    cluster.denied = {"create pods"}
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("space")
        await t.shows("SQLite")
        await t.press("1")
        await t.shows("allow is off: you may not create pods/exec")
        assert answers(cluster) == []


async def test_hostile_text_is_shown_and_obeyed_by_nobody(terminal, cluster):
    async with terminal() as t:
        await open_attention(t)
        asks(
            cluster,
            "permission",
            {"command": "echo \x1b[2J\u202e[red]x[/]\r\nrm", "k\x1b]0;t\x07": ["\x9b31m"]},
        )
        await t.shows("Attention[5]")
        await go_to(t, "docs-sweep")
        await t.press("space")
        await t.shows("[red]x[/]")
        assert not set(t.text()) & {"\x1b", "\u202e", "\x07", "\x9b", "\r"}


async def test_enter_opens_the_team_and_m_writes_to_the_agent(terminal):
    async with terminal() as t:
        await open_attention(t)
        await go_to(t, "auth-refactor")
        await t.press("m")
        await t.until(lambda: dialog(t) == "Compose")
        await t.shows("[backend-api]")
        await t.press("escape")
        await t.press("enter")
        await t.until(lambda: dialog(t) == "TeamScreen")
