"""Mail and tasks of all teams in one list: opened, narrowed, live, honest, and the way to the team."""

import copy
from datetime import UTC, datetime, timedelta

import pytest

from kagents_tui.navigation import drill
from kagents_tui.rows import all_mail
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.sample.journal import task
from kagents_tui.sample.stage.play import StageConnector
from kagents_tui.sample.times import stamp
from kagents_tui.screens.mail import MailScreen

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
KEYS = {" ": "space", "/": "slash", "=": "equals_sign", "@": "at", "-": "minus", ":": "colon"}


def message(number, minutes, sender, receiver, text):
    at = stamp(NOW - timedelta(minutes=minutes))
    told = {"kind": "message", "seq": number, "at": at, "written": at, "id": f"q{number}", "type": "message"}
    return told | {"from": sender, "to": receiver, "text": text, "summary": ""}


REPORT = [
    message(1, 30, "lead", "researcher", "Begin with the regions."),
    message(2, 2, "researcher", "lead", "Which quarter is meant?"),
    task("1", "Collect the figures", "in_progress", "researcher") | {"seq": 3, "at": stamp(NOW)},
]


@pytest.fixture
def cluster(cluster):
    cluster.journals["q3-report"] = copy.deepcopy(REPORT)
    cluster.find("cowork-agents", "q3-report")["metadata"]["labels"] = {"tier": "gold"}
    return cluster


@pytest.fixture
def played():
    """The demonstration, standing still but for what a test tells."""
    return StageConnector(now=lambda: NOW, beat_seconds=10_000)


async def run(t, line):
    await t.shows("q3-report", "api-audit")
    await t.press("colon", *(KEYS.get(each, each) for each in line), "enter")


async def opened(t, line, kind="all-mail"):
    await run(t, line)
    await t.until(lambda: t.app.screen.kind == kind)


def tails(cluster):
    return [call[1].split("/")[1].split("-hub-")[0] for call in cluster.calls if "tail" in call[2]]


# Opening


async def test_mail_on_a_list_is_of_all_teams_with_namespace_and_team(terminal):
    async with terminal() as t:
        await opened(t, "mail")
        await t.shows("All mail[7]", "● 6 live", "2 ended", "NAMESPACE", "TEAM")
        assert "cowork-agents q3-report" in t.line("Which quarter")
        assert "dev-agents    auth-refactor" in t.line("PostgreSQL 16")
        texts = [str(letter.mail.text) for letter in t.app.screen.table().rows]
        assert texts.index("Begin with the regions.") == 0
        assert texts[-2:] == ["Which quarter is meant?", "PostgreSQL 16, the one in compose.yaml."]


async def test_within_a_team_it_is_the_teams(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("j", "j", "enter")
        await t.shows("dev-agents / auth-refactor", "live")
        await run_here(t, "mail")
        await t.until(lambda: t.app.screen.kind == "mail")
        await t.shows("dev-agents / auth-refactor / Mail[5]")
        await run_here(t, "tasks")
        await t.until(lambda: t.app.screen.kind == "tasks")
        await run_here(t, "mail /from:lead")
        await t.shows("Mail[3/5]")
        await run_here(t, "mail all")
        await t.shows("All mail[7]")


async def run_here(t, line):
    await t.press("colon", *(KEYS.get(each, each) for each in line), "enter")


async def test_namespaces_labels_and_filters_narrow_what_is_read(terminal, cluster):
    async with terminal() as t:
        await opened(t, "mail tier=gold /regions")
        await t.shows("All mail[1/2] /regions", "tier=gold", "● 1 live")
        assert set(tails(cluster)) == {"q3-report"}
        await t.press("escape")
        await t.shows("All mail[2]", "tier=gold")
        await t.press("escape")
        await t.shows("All mail[7]")
        await run_here(t, "mail ops-agents")
        await t.shows("All mail[0]", "no mail yet", "● 2 live")
        assert t.app.namespaces == ("ops-agents",)
        await t.press("0")
        await t.shows("All mail[7]", "● 6 live")
        await t.press("3")
        await t.shows("All mail[2]", "● 1 live", "Which quarter")
        assert {key[0] for key in t.app.screen.gathering.sources} == {"cowork-agents"}


@pytest.mark.parametrize("line", ["mail nobody", "tasks nobody"])
async def test_a_word_that_means_nothing_is_told(terminal, line):
    async with terminal() as t:
        await run(t, line)
        await t.shows("there is no team 'nobody' here")
        assert t.app.screen.kind == "teams"


async def test_another_context_is_gone_to(terminal):
    async with terminal() as t:
        await opened(t, "mail @kind-other")
        await t.shows("All mail[7]", "kind-other")
        await run_here(t, "tasks @nowhere")
        await t.shows("there is no context 'nowhere'")


async def test_the_palette_leads_there(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("ctrl+p", *"mail of the", "enter")
        await t.shows("All mail[7]")


# Mail


async def test_what_comes_is_shown_and_what_does_not_pass_is_not(terminal, played):
    async with terminal(connector=played) as t:
        await opened(t, "mail /team:q3-report")
        await t.shows("All mail[2/17]", "● 8 live")
        told = {"from": "lead", "to": "researcher", "type": "message", "summary": "", "written": stamp(NOW)}
        stage = t.app.connection.client
        stage.tell("q3-report", "message", id="n1", text="The third one.", **told)
        stage.tell("docs-sweep", "message", id="n2", text="Not of this team.", **told)
        await t.shows("All mail[3/19]", "The third one.", "waiting 0s")
        stage.tell("q3-report", "seen", id="n1", seen=stamp(NOW))
        await t.until(lambda: "read 0s" in t.line("The third one."))
        assert "Not of this team." not in t.text()
        await t.press("u")
        await t.shows("All mail[0/19]", "unread only")


async def test_enter_leads_to_the_message_in_its_team(terminal):
    async with terminal() as t:
        await opened(t, "mail")
        await t.shows("All mail[7]")
        await t.press("g", "j", "enter")
        wanted = "Endpoints are in" if "Endpoints" in t.text() else ""
        await t.until(lambda: t.app.screen.kind == "mail")
        await t.shows("dev-agents / auth-refactor / Mail[5]", wanted)
        await t.until(lambda: t.app.screen.pointed is None)
        assert t.app.screen.table().cursor == 0
        await t.press("escape")
        await t.shows("All mail[7]")
        assert t.app.screen.table().cursor == 1, "the cursor stayed where it was"


async def test_a_message_that_is_no_more_is_told(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        screen = MailScreen(("dev-agents", "auth-refactor"))
        screen.pointed = "m-forgotten"
        drill(t.app, screen)
        await t.shows("Mail[5]", "that message is not in the journal any more")
        assert screen.pointed is None


async def test_the_message_below_agent_and_answer(terminal, cluster):
    async with terminal() as t:
        await opened(t, "mail")
        await t.shows("All mail[7]")
        await t.press("k", "o")
        await t.until(lambda: t.app.screen.kind == "team")
        await t.shows("cowork-agents / q3-report")
        assert t.app.screen.selected_agent() == "researcher"
        await t.press("escape")
        await t.shows("─ researcher → lead  waiting 2m", "not yet: it waits in the mailbox")
        await t.press("r", *"Q3", "ctrl+s")
        await t.until(lambda: [call for call in cluster.calls if "send" in call[2]])
        (sent,) = [call for call in cluster.calls if "send" in call[2]]
        assert sent[1] == "cowork-agents/q3-report-hub-0a1b2"
        assert sent[2][2:] == ["--to", "researcher", "--summary=Re: Which quarter is meant?"]
        await t.press("p")
        await t.until(lambda: "not yet: it waits" not in t.text())


async def test_a_team_that_is_gone_takes_its_mail_along_and_a_new_one_brings_its_own(terminal, cluster):
    async with terminal() as t:
        await opened(t, "mail")
        await t.shows("All mail[7]")
        cluster.remove("cowork-agents", "q3-report")
        await t.shows("All mail[5]")
        cluster.journals["late"] = [message(1, 0, "lead", "b", "Here I am.")]
        cluster.add(data.team(NOW, "dev-agents", "late", "Running", "1/1", age=timedelta(0)))
        await t.shows("All mail[6]", "Here I am.")


async def test_a_team_that_cannot_be_read_says_why_and_the_rest_is_there(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.gathering.FIRST_WAIT", 0.01)
    list_all = SampleCluster.list

    async def no_hub(self, resource, namespace=None, **options):
        found = await list_all(self, resource, namespace, **options)
        if resource.plural == "pods" and "billing-fix" in options.get("labels", ""):
            found.items.clear()
        return found

    monkeypatch.setattr(SampleCluster, "list", no_hub)
    async with terminal() as t:
        await opened(t, "mail")
        await t.shows("All mail[7]", "✗ 1 team not read: billing-fix has no hub")
        await t.press("i")
        await t.shows(
            "Teams read", "dev-agents/billing-fix      not read for", "dev-agents/docs-sweep       live"
        )
        await t.press("escape")
        monkeypatch.setattr(SampleCluster, "list", list_all)
        await t.until(lambda: "not read" not in t.text())


async def test_a_lost_connection_of_all_is_told_and_what_is_known_stays(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.journal_stream._ENDING_SECONDS", 0)
    async with terminal() as t:
        await opened(t, "mail")
        await t.shows("All mail[7]", "● 6 live")
        cluster.broken = True
        cluster.cut()
        await t.shows("lost, data", "All mail[7]")
        cluster.broken = False
        await t.until(lambda: "lost, data" not in t.text())


async def test_only_what_is_seen_is_painted_and_a_filter_goes_in_slices(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.screens.narrowing.SLICE", 500)
    made = []
    shown = all_mail.rows.excerpt
    column = next(each for each in all_mail.COLUMNS if each.title == "TEXT")
    counted = lambda letter, scene: (made.append(letter.key), shown(letter.mail, scene))[1]  # noqa: E731
    object.__setattr__(column, "cell", counted)
    try:
        for team in ("q3-report", "docs-sweep", "billing-fix"):
            cluster.journals[team] = [message(n, 5000 - n, "lead", "b", f"part {n}") for n in range(1, 2001)]
        async with terminal(size=(120, 24)) as t:
            await opened(t, "mail")
            await t.shows("All mail[6005]")
            made.clear()
            await t.press("ctrl+b", "k", "g", "j")
            assert 0 < len(set(made)) < 100, "what is not in view is not made"
            await t.press("slash", *"part 7", "enter")
            await t.until(lambda: t.app.screen.late is None)
            await t.shows("/part 7")
            kept = [str(each.mail.text) for each in t.app.screen.table().rows]
            assert len(kept) == 3 * sum("part 7" in f"part {n}" for n in range(1, 2001))
    finally:
        object.__setattr__(column, "cell", all_mail.of_mail(shown))


# Tasks


async def test_tasks_of_all_teams_lead_to_their_board(terminal, cluster):
    async with terminal() as t:
        await opened(t, "tasks", "all-tasks")
        await t.shows("All tasks[5]", "Collect the figures", "also lead")
        assert "cowork-agents q3-report" in t.line("Collect the figures")
        await t.press("slash", *"migration", "enter")
        await t.shows("All tasks[1] /migration")
        await t.press("enter")
        await t.until(lambda: t.app.screen.kind == "tasks")
        await t.shows("dev-agents / auth-refactor / Tasks[4]")
        await t.until(lambda: t.app.screen.pointed is None)
        assert t.app.screen.table().current.task.key == "4"
        await t.press("escape", "o")
        await t.until(lambda: t.app.screen.kind == "team")
        assert t.app.screen.selected_agent() == "backend-api"


async def test_a_task_that_changes_or_goes_is_shown_so(terminal, played):
    async with terminal(connector=played) as t:
        await opened(t, "tasks /q3-report", "all-tasks")
        await t.shows("All tasks[4]", "● 8 live")
        stage, about = t.app.connection.client, "Summary on one page"
        assert "doing" in t.line(about)
        done = {key: each for key, each in task("3", about, "completed", "lead").items() if key != "kind"}
        stage.tell("q3-report", "task", **done)
        await t.until(lambda: "done" in t.line(about))
        stage.tell("q3-report", "task", id="3", task=None, changed=["deleted"])
        await t.shows("All tasks[3]")
        stage.remove("cowork-agents", "q3-report")
        await t.shows("All tasks[0]")


@pytest.mark.parametrize(
    ("kind", "line", "key", "order"),
    [
        ("all-mail", "mail", "P", "namespace"),
        ("all-tasks", "tasks", "A", "in state"),
        ("all-mail", "mail", "N", "team"),
    ],
)
async def test_they_are_sorted_by_the_usual_keys(terminal, kind, line, key, order):
    async with terminal() as t:
        await opened(t, line, kind)
        await t.press(key)
        await t.shows(f"sorted: {order}")
        await t.press("ctrl+w")
        await t.shows("wide")


# Starting again


async def test_they_come_back_as_they_were_left(terminal, cluster, tmp_path):
    state = tmp_path / "terminal.json"
    async with terminal(state=state) as t:
        await opened(t, "mail tier=gold /regions")
        await t.shows("All mail[1/2]")
        await t.press("N")
        await t.shows("sorted: team")
        await t.press("ctrl+q")
    async with terminal(state=state) as t:
        await t.shows("All mail[1/2] /regions", "tier=gold", "sorted: team")
        await t.press("colon", *"tasks /doing", "enter")
        await t.shows("All tasks[3] /doing")
        await t.press("ctrl+q")
    async with terminal(state=state) as t:
        await t.shows("All tasks[3] /doing")
        await t.press("[")
        await t.shows("Teams[8]")


async def test_the_streams_end_with_the_list(terminal, cluster):
    async with terminal() as t:
        await opened(t, "mail")
        await t.shows("● 6 live")
        await t.press("escape")
        await t.until(lambda: t.app.screen.kind == "teams")
        await t.until(lambda: not [each for each in t.app.workers if each.group == "gathering"])


async def test_another_connection_is_read_from(terminal, cluster):
    other = SampleCluster(data.teams(NOW)[:2], {"q3-report": copy.deepcopy(REPORT)})

    class Two(SampleConnector):
        async def connect(self, context, tell):
            self.cluster = other if context == "kind-other" else cluster
            return await SampleConnector.connect(self, context, tell)

    async with terminal(connector=Two(cluster)) as t:
        await opened(t, "mail")
        await t.shows("All mail[7]")
        await run_here(t, "mail @kind-other")
        await t.shows("All mail[2]", "kind-other")
