"""A delivery on the screen: what stands in the lists, the retry by one key, the link opened and copied."""

import base64
import copy
import stat

import pytest

from kagents_core.kube.errors import Conflict
from kagents_tui.app import KagentsApp

WORD = "claude.amcheste.io/retry-finish"
TEAM = ("dev-agents", "docs-sweep")
PULL = "https://github.com/acme/docs/pull/7"
REFUSED = "The token of Secret forge was refused (401): renew it, then retry."


@pytest.fixture(autouse=True)
def no_guard(monkeypatch):
    """Keys answer at once; the guard has a test of its own."""
    monkeypatch.setattr("kagents_tui.screens.attention.GUARD_SECONDS", 0.0)


def condition(reason, status="False", message=""):
    told = {"type": "Delivered", "status": status, "reason": reason, "message": message}
    return told | {"lastTransitionTime": "2026-11-21T14:00:00Z"}


def undelivered(cluster, message=REFUSED, key=TEAM):
    """docs-sweep is a coding team whose work is done and cannot be delivered."""

    def alter(team):
        team["spec"]["repository"] = {"url": "https://github.com/acme/docs.git", "credentialsSecret": "git"}
        team["spec"]["lifecycle"] |= {"onComplete": "create-pr", "githubTokenSecret": "forge"}
        team["status"]["conditions"] = [condition("NeedsAttention", message=message)]

    cluster.change(*key, alter)


def delivered(cluster, url=PULL):
    def alter(team):
        team["status"] |= {"phase": "Completed", "branch": "kagents/docs-sweep", "commit": "3f2c1a9d0b8e7f6a"}
        team["status"]["pullRequest"] = {"url": url, "state": "open"}
        team["status"]["conditions"] = [condition("Delivered", "True", f"pull request {url}")]

    undelivered(cluster)
    cluster.change(*TEAM, alter)


def words(cluster, key=TEAM):
    """The words that were given to retry."""
    patches = [call[2] for call in cluster.calls if call[:2] == ("patch", "/".join(key))]
    return [each["metadata"]["annotations"][WORD] for each in patches]


def dialog(t):
    return type(t.app.screen).__name__


async def at_the_delivery(t):
    """Opens the list of attention with the cursor on the delivery."""
    await t.shows("q3-report", "api-audit")
    await t.press("w")
    await t.shows("Attention[5]")
    [index] = [n for n, item in enumerate(t.app.screen.table().rows) if item.kind == "delivery"]
    t.app.screen.table().move_to(index)
    await t.pilot.pause()


async def on_the_team(t):
    """The cursor of the list of teams is on the team."""
    await t.shows("q3-report", "docs-sweep", "api-audit")
    rows = t.app.screen.table().rows
    t.app.screen.table().move_to(next(n for n, each in enumerate(rows) if each.key == TEAM))
    await t.pilot.pause()


@pytest.mark.parametrize("key", ["a", "R"])
async def test_one_key_retries_what_is_shown_in_full(terminal, cluster, key):
    undelivered(cluster)
    async with terminal() as t:
        await at_the_delivery(t)
        await t.shows("The token of Secret forge was refused (401)")
        await t.press("space")
        await t.shows(REFUSED, "create-pr into main", "git to push, forge for the forge", "a retry")
        await t.press(key)
        await t.shows("delivery of docs-sweep: is tried again")
        [word] = words(cluster)
        held = next(call[2] for call in cluster.calls if call[0] == "patch")["metadata"]
        assert held["uid"] == "5f3c-dev-agents-docs-sweep"
        assert held["resourceVersion"]
        assert cluster.find(*TEAM)["metadata"]["annotations"][WORD] == word


async def test_nothing_is_retried_before_it_was_shown(terminal, cluster):
    undelivered(cluster)
    async with terminal() as t:
        await at_the_delivery(t)
        await t.press("a")
        await t.shows("once you have read it", REFUSED)
        assert words(cluster) == []


async def test_a_delivery_that_failed_again_is_another_thing_to_look_at(terminal, cluster):
    undelivered(cluster)
    async with terminal() as t:
        await at_the_delivery(t)
        await t.press("space")
        await t.shows(REFUSED)
        await t.press("a")
        await t.until(lambda: words(cluster))
        cluster.change(*TEAM, lambda team: team["status"].update(conditions=[condition("Delivering")]))
        await t.shows("Attention[4]")
        undelivered(cluster, "The push was rejected: the branch is protected.")
        await t.shows("Attention[5]", "The push was rejected")


async def test_refusing_a_delivery_is_no_answer(terminal, cluster):
    undelivered(cluster)
    async with terminal() as t:
        await at_the_delivery(t)
        await t.press("space")
        await t.shows(REFUSED)
        await t.press("r")
        await t.shows("a delivery is retried (a), or its team is ended (:kill)")


async def test_a_delivery_that_changed_under_the_eyes_is_refused(terminal, cluster, monkeypatch):
    """Somebody else retried it, and the list has not heard of it yet."""
    undelivered(cluster)
    async with terminal() as t:
        await at_the_delivery(t)
        await t.press("space")
        await t.shows(REFUSED)
        cluster.find(*TEAM)["metadata"]["annotations"] = {WORD: "theirs"}
        await t.press("a")
        await t.shows("the delivery of dev-agents/docs-sweep has moved on in the meantime")
        assert words(cluster) == []


async def test_who_may_not_change_teams_is_told_so(terminal, cluster):
    undelivered(cluster)
    cluster.denied.add("patch agentteams")
    async with terminal() as t:
        await at_the_delivery(t)
        await t.press("space")
        await t.shows(REFUSED)
        await t.press("a")
        await t.shows("retry is off: you may not patch agentteams in dev-agents")
        assert words(cluster) == []


async def test_read_only_retries_nothing(terminal, cluster):
    undelivered(cluster)
    async with terminal(read_only=True) as t:
        await at_the_delivery(t)
        await t.press("space", "a", "R")
        await t.press("colon", *"retry docs-sweep", "enter")
        await t.shows("read-only")
        assert words(cluster) == []


async def test_from_the_list_of_teams_a_dialog_asks_first(terminal, cluster):
    undelivered(cluster)
    async with terminal() as t:
        await on_the_team(t)
        await t.press("R")
        await t.shows("Retry the delivery of dev-agents/docs-sweep?", REFUSED, "5f3c-dev-agents-docs-sweep")
        await t.press("escape")
        await t.until(lambda: dialog(t) == "TeamsScreen")
        assert words(cluster) == []
        await t.press("colon", *"retry docs-sweep", "enter")
        await t.shows("Retry the delivery of dev-agents/docs-sweep?")
        await t.pilot.pause()
        await t.press("enter")
        await t.shows("the delivery of dev-agents/docs-sweep is tried again")
        assert len(words(cluster)) == 1


async def test_nothing_to_retry_is_said_without_a_dialog(terminal, cluster):
    async with terminal() as t:
        await on_the_team(t)
        await t.press("R")
        await t.shows("dev-agents/docs-sweep has nothing to retry: it has no repository")


async def ask(t):
    await on_the_team(t)
    await t.press("R")
    await t.until(lambda: dialog(t) == "Confirm")
    await t.pilot.pause()


async def test_a_team_made_again_under_the_dialog_is_not_retried(terminal, cluster):
    undelivered(cluster)
    async with terminal() as t:
        await ask(t)
        new = copy.deepcopy(cluster.find(*TEAM))
        new["metadata"]["uid"] = "uid-of-the-new-one"
        cluster.remove(*TEAM)
        cluster.add(new)
        await t.press("enter")
        await t.shows("dev-agents/docs-sweep was deleted and made again in the meantime")
        assert words(cluster) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda team: team["metadata"].update(annotations={WORD: "theirs"}),
        lambda team: team["status"].update(conditions=[condition("NeedsAttention", message="other")]),
        lambda team: team["status"].update(conditions=[condition("Delivering")]),
    ],
    ids=["retried by somebody", "failed otherwise", "under way"],
)
async def test_a_delivery_that_moved_on_under_the_dialog_is_refused(terminal, cluster, change):
    undelivered(cluster)
    async with terminal() as t:
        await ask(t)
        cluster.change(*TEAM, change)
        await t.press("enter")
        await t.shows("the delivery of dev-agents/docs-sweep has moved on in the meantime")
        assert words(cluster) == []


async def test_a_change_of_something_else_does_not_keep_a_retry(terminal, cluster, monkeypatch):
    undelivered(cluster)
    patch, refusals = cluster.patch_merge, [1, 2]

    async def busy(*arguments, **options):
        if refusals:
            refusals.pop()
            raise Conflict(409, "Conflict", "the object has been modified")
        return await patch(*arguments, **options)

    monkeypatch.setattr(type(cluster), "patch_merge", lambda self, *a, **o: busy(*a, **o))
    async with terminal() as t:
        await ask(t)
        cluster.change(*TEAM, lambda team: team["status"].update(estimatedCost="3.90"))
        await t.press("enter")
        await t.until(lambda: words(cluster))


async def test_marked_teams_are_retried_together(terminal, cluster):
    undelivered(cluster)
    undelivered(cluster, "Another reason.", ("dev-agents", "auth-refactor"))
    async with terminal() as t:
        await on_the_team(t)
        rows = t.app.screen.table().rows
        for name in ("auth-refactor", "docs-sweep", "billing-fix"):
            t.app.screen.table().move_to(next(n for n, each in enumerate(rows) if each.key[1] == name))
            await t.press("space")
        await t.press("R")
        await t.shows("Retry 2 teams?", "Another reason.", "left out:", "it has no repository")
        await t.pilot.pause()
        await t.press("l", "enter")
        await t.shows("retry: 2 done, 1 refused")
        assert len(words(cluster)) == 1
        assert len(words(cluster, ("dev-agents", "auth-refactor"))) == 1


async def test_the_view_of_a_team_shows_how_far_its_delivery_is(terminal, cluster):
    async with terminal(size=(140, 40)) as t:
        await on_the_team(t)
        await t.press("enter")
        await t.shows("dev-agents / docs-sweep")
        assert t.app.screen.query_one("#delivery").display is False
        undelivered(cluster)
        await t.shows("not delivered The token of Secret forge was refused", "R retry")
        delivered(cluster)
        await t.shows(f"pull request open  {PULL}  kagents/docs-sweep 3f2c1a9d0b8e", "b browser")
        await t.press("d")
        await t.shows("Delivery:    create-pr: pull request open", f"Request:     {PULL} (open)")


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """The person's browser: a script that writes down the address it is given."""
    told, script = tmp_path / "told", tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {told}.new && mv {told}.new {told}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", str(script))
    return told


@pytest.mark.parametrize("where", ["teams", "team", "attention"])
async def test_the_link_is_opened_in_the_browser(terminal, cluster, browser, where):
    delivered(cluster)
    if where == "attention":
        undelivered(cluster, f"Branch x has the open request {PULL}, which this team did not make.")
        cluster.change(*TEAM, lambda team: team["status"].update(phase="Running"))
    async with terminal() as t:
        if where == "attention":
            await at_the_delivery(t)
        else:
            await on_the_team(t)
        if where == "team":
            await t.press("enter")
            await t.shows("dev-agents / docs-sweep")
        await t.press("b")
        await t.until(browser.exists)
        assert browser.read_text() == PULL
        await t.shows("opening ", PULL)


async def test_the_link_is_copied(terminal, cluster, monkeypatch):
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    written = []
    monkeypatch.setattr(KagentsApp, "write_to_terminal", lambda self, sequence: written.append(sequence))
    delivered(cluster)
    async with terminal() as t:
        await on_the_team(t)
        await t.press("B")
        await t.shows(f"copied the pull request: {PULL}")
        [copied] = [each for each in written if each.startswith("\x1b]52;c;")]
        assert base64.b64decode(copied[7:-1]).decode() == PULL


async def test_a_hostile_address_is_never_opened(terminal, cluster, browser):
    delivered(cluster, "javascript:alert(1)")
    cluster.find(*TEAM)["spec"]["repository"]["url"] = "git@github.com:acme/docs.git"
    async with terminal() as t:
        await on_the_team(t)
        await t.press("b")
        await t.shows("dev-agents/docs-sweep has no link")
        assert not browser.exists()
