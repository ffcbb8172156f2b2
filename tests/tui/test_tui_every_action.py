"""Every action of the registry: by its own key or command, on a screen that has it, it has its effect.

A step is an action (or None for what is no action), a key or a command line, and what comes of it: words that
are shown, words behind ``-`` that go, or a condition.
"""

from datetime import UTC, datetime

import pytest

from kagents_tui.actions import ACTIONS, BY_ID, SCREENS
from kagents_tui.actions.dialogs import IN_DIALOGS
from kagents_tui.actions.writing import WRITING
from kagents_tui.sample.stage.play import StageConnector

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def at(row):
    """The cursor is on this row."""
    return lambda t: t.app.screen.table().cursor == row


def sorted_by(title, *, reverse=False):
    """The table is in this order."""
    return lambda t: (t.app.screen.table().sorted_by, t.app.screen.table().reversed) == (title, reverse)


def pane(name):
    """The pane has the focus."""
    return lambda t: f"[{name}" in t.text()


def document(t):
    """The text of the screen."""
    found = t.app.screen.document
    return found() if callable(found) else found


def top(step):
    """The document is scrolled to its beginning, or not."""
    return lambda t: (int(document(t).scroll_offset.y) == 0) is step


def first(text):
    """The first line in view begins so."""
    return lambda t: str(t.app.screen.book().entries[t.app.screen.book().position].text).startswith(text)


BACK = (None, "escape", "-[ Cancel ]")
TEAM = [
    ("filter", "slash", lambda t: t.app.screen.query("#prompt")),
    (None, "auth\r", "Teams[1]"),
    ("open", "enter", "live"),
]

MOVING = [
    ("down", "j", at(1)),
    ("up", "k", at(0)),
    ("last", "G", at(9)),
    ("page_up", "ctrl+b", lambda t: t.app.screen.table().cursor < 9),
    ("first", "g", at(0)),
    ("page_down", "ctrl+f", lambda t: t.app.screen.table().cursor > 0),
    ("first", "home", at(0)),
    ("sort_name", "N", sorted_by("NAME")),
    ("sort_namespace", "P", sorted_by("NAMESPACE")),
    ("sort_phase", "S", sorted_by("PHASE")),
    ("sort_cost", "C", sorted_by("COST")),
    ("sort_age", "A", sorted_by("AGE")),
    ("sort_reverse", "O", sorted_by("AGE", reverse=True)),
    ("sort_previous", "less_than_sign", lambda t: t.app.screen.table().sorted_by != "AGE"),
    ("sort_next", "greater_than_sign", sorted_by("AGE")),
    ("sort_attention", "U", lambda t: t.app.screen.table().sorted_by in (None, "ATTENTION")),
    ("first", "g", at(0)),
    ("mark", "space", "1 marked"),
    (None, "j", ""),
    ("mark_range", "ctrl+space", "3 marked"),
    ("unmark", "ctrl+backslash", "-marked"),
    ("wide", "ctrl+w", "Teams[10]  wide"),
    ("scroll_right", "right", "- NAME "),
    ("scroll_left", "left", " NAME "),
    ("wide", "ctrl+w", "-Teams[10]  wide"),
    ("people", "ctrl+z", "needs you ─"),
    ("people", "ctrl+z", "Teams[10]"),
    ("favourite", "2", "Teams[3]"),
    ("all_namespaces", "0", "Teams[10]"),
    ("refresh", "ctrl+r", "Teams[10]"),
]
GOING = [
    ("gates", "v", "Gates[1]"),
    ("teams", ":teams", "Teams[10]"),
    ("attention", "w", "Attention[9]"),
    ("agents", ":agents", "Agents[27]"),
    ("older_view", "left_square_bracket", "Attention[9]"),
    ("newer_view", "right_square_bracket", "Agents[27]"),
    ("last_view", "minus", "Attention[9]"),
    ("artifacts", ":artifacts", "Artifacts[3]"),
    ("fetch", "f", "prober/coverage was not kept: it is not there"),
    ("runs", ":runs", "Runs[2]"),
    ("templates", ":templates", "Templates[3]"),
    ("budgets", ":budgets", "Budgets[4]"),
    ("cost", ":cost", "incident-41"),
    ("events", ":events", "Events[3]"),
    ("pulse", ":pulse", "spend an hour"),
    ("namespace", ":ns", "Namespaces[4]"),
    ("context", ":ctx", "Contexts[1]"),
    ("mail", ":mail", "All mail[17]"),
    ("sources", "i", "dev-agents/auth-refactor    live"),
    (None, "escape", "-Teams read"),
    ("mail", ":mail auth-refactor", "/ Mail[6]"),
    ("tasks", ":tasks all", "All tasks[43]"),
    ("tasks", ":tasks auth-refactor", "In progress"),
    ("agent", ":log auth-refactor", "auth-refactor / lead"),
    ("theme", ":theme light", "theme light"),
    ("help", "question_mark", "Keys of this view (agent)"),
    ("back", "q", "-Keys of this view"),
    ("palette", "ctrl+p", "what to do"),
    (None, "escape", "-what to do"),
    ("command", "colon", lambda t: t.app.screen.query("#prompt")),
    (None, "escape", lambda t: not t.app.screen.query("#prompt")),
    ("interrupt", "ctrl+c", "press ctrl-c again to quit"),
    ("quit", "ctrl+q", lambda t: t.app._exit),
]
ACTS = [
    (None, "slash", lambda t: t.app.screen.query("#prompt")),
    (None, "q3\r", "Teams[1]"),
    ("describe", "d", "Describe"),
    (None, "escape", "-Describe"),
    ("yaml", "y", "kind: AgentTeam"),
    (None, "escape", "-kind: AgentTeam"),
    ("logs", "l", "Log of lead"),
    (None, "escape", "-Log of lead"),
    ("diff", "D", "Changes of lead"),
    (None, "escape", "-Changes of"),
    ("attach", "x", "this terminal cannot be given to an agent"),
    ("open_link", "b", "q3-report has no link"),
    ("copy_link", ":link", "q3-report has no link"),
    ("retry", "R", "retry"),
    ("copy", "c", "copied q3-report"),
    ("save", "ctrl+s", "saved 1 rows in"),
    ("deny", "r", "Deny spawn-email-drafter"),
    BACK,
    ("message", "m", "ctrl-s send"),
    (None, "escape", "-ctrl-s send"),
    ("delete", "ctrl+d", "Delete cowork-agents/q3-report?"),
    BACK,
    ("suspend", "s", "Suspend cowork-agents/q3-report?"),
    BACK,
    ("approve", "a", "Approve spawn-email-drafter"),
    (None, "enter", "3 need you"),
    ("kill", "ctrl+k", "Kill cowork-agents/q3-report?"),
    (None, "tab", "[ Kill ]"),
    (None, "enter", "Cancelled"),
]
ONE_TEAM = [
    *TEAM,
    ("pane_mail", "2", pane("Mail")),
    ("pane_tasks", "3", pane("Tasks")),
    ("pane_timeline", "4", pane("Timeline")),
    ("pane_usage", "5", pane("Usage")),
    ("pane_agents", "1", pane("Agents")),
    ("next_pane", "tab", pane("Mail")),
    ("previous_pane", "shift+tab", pane("Agents")),
    ("pane_mail", "2", pane("Mail")),
    ("maximise", "f", "Mail[6]"),
    ("preview", "p", "-, delivered 1"),
    ("preview", "p", ", delivered 1"),
    ("unread_only", "u", "Mail[0/6]"),
    ("unread_only", "u", "Mail[6]"),
    ("first", "g", "Task 3 is yours"),
    ("reply", "r", "ctrl-s send"),
    (None, "escape", "-ctrl-s send"),
    ("jump_task", "number_sign", "Remove the JWT"),
    ("column_right", "l", "[Completed"),
    ("column_left", "h", "[In progress"),
    ("toggle_view", "t", "IN STATE"),
    ("jump_agent", "o", pane("Agents")),
]
ONE_AGENT = [
    *TEAM,
    (None, "j", ""),
    ("open", "enter", "auth-refactor / backend-api"),
    (None, "", "mail in  from lead"),
    ("since_1m", "1", "last 1m"),
    ("since_5m", "2", "last 5m"),
    ("since_1h", "3", "last 1h"),
    ("since_all", "0", "-last 1h"),
    ("stamps", "t", lambda t: t.line("from lead").startswith(" mail in")),
    ("stamps", "t", lambda t: ":" in t.line("from lead")[:4]),
    ("mark_here", "M", "mark 14:10:00"),
    ("wrap", "w", lambda t: not t.app.screen.book().wrap),
    ("follow", "s", "follow off"),
    ("search", "slash", lambda t: t.app.screen.query("#prompt")),
    (None, "task\r", "/task"),
    ("next_match", "n", "/task"),
    ("previous_match", "N", "/task"),
    ("back", "escape", "-/task"),
    ("transcript", "enter", "Transcript of backend-api"),
    (None, "g", first("-- prompt")),
    ("next_turn", "J", first("-- calls")),
    ("previous_turn", "K", first("-- prompt")),
    ("older", "O", "this is the beginning"),
    ("back", "escape", "-Transcript"),
    ("logs", "l", "Log of backend-api"),
    ("previous_log", "p", "before its restart"),
    ("back", "escape", "-Log of"),
    ("diff", "D", "Changes of backend-api"),
    ("next_file", "tab", first("docs/migration.md")),
    ("next_hunk", "J", first("@@ -0,0")),
    (None, "tab", first("src/auth/middleware.py")),
    ("previous_file", "shift+tab", first("docs/migration.md")),
    (None, "J", first("@@ -0,0")),
    (None, "J", first("@@ -1,2")),
    ("previous_hunk", "K", first("@@ -0,0")),
    ("reload", "ctrl+r", "Changes of backend-api"),
]
WAITING = [
    ("attention", "w", "Attention[9]"),
    ("peek", "space", "gate       spawn-email-drafter"),
    ("peek_down", "J", top(False)),
    ("peek_up", "K", top(True)),
    ("allow", "a", "3 need you"),
    (None, "g", ""),
    (None, "j", "architect  a approve"),
    ("refuse", "r", "[ Reject ]"),
    (None, "escape", "-[ Reject ]"),
    (None, "j", " choose  o own words"),
    ("own_words", "o", "[ Answer ]"),
    (None, "escape", "-[ Answer ]"),
    ("choose", "2", "2 need you"),
]
TOURS = {
    "moving": MOVING,
    "going": GOING,
    "acts": ACTS,
    "one team": ONE_TEAM,
    "one agent": ONE_AGENT,
    "waiting": WAITING,
}


def test_every_action_is_done_by_a_key_of_its_own():
    done = set()
    for action, pressed, _ in (step for tour in TOURS.values() for step in tour):
        if action is None:
            continue
        done.add(action)
        if pressed.startswith(":"):
            assert pressed[1:].split()[0] == BY_ID[action].command
        else:
            assert pressed in BY_ID[action].keys
    elsewhere = (*IN_DIALOGS, *WRITING)  # test_tui_every_dialog_action
    assert sorted(each.id for each in ACTIONS if each.id not in done and each not in elsewhere) == []


@pytest.mark.parametrize("name", TOURS)
async def test_every_action_has_its_effect(terminal, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kagents_tui.screens.attention.GUARD_SECONDS", 0)
    size = (120, 16) if name == "waiting" else (120, 40)
    async with terminal(size=size, connector=StageConnector(now=lambda: NOW, beat_seconds=10_000)) as t:
        await t.shows("Teams[10]", "4 need you")
        for action, pressed, effect in TOURS[name]:
            if action is not None and not pressed.startswith(":"):
                scopes = SCREENS[t.app.screen.kind]
                assert set(BY_ID[action].scopes) & set(scopes), f"{action} on {t.app.screen.kind}"
            await t.do(pressed)
            await t.comes(effect, f"{action} by {pressed!r}")
