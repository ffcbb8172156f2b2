"""What the terminal tells of a delivery, from the object alone: states, words, links, what a retry needs."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.delivery_states import delivery_of, failure_of, new_word, why_no_retry
from kagents_tui.describe import describe
from kagents_tui.links import link_of, open_in_browser, safe_url
from kagents_tui.rows import delivery
from kagents_tui.rows.attention import needs_of
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.symbols import UNICODE
from kagents_tui.rows.teams import project
from kagents_tui.rows.waiting import as_data, waiting_of

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
WORD = "claude.amcheste.io/retry-finish"
PULL = "https://github.com/acme/backend/pull/7"


def team(
    reason="", status="False", message="", *, phase="Running", on_complete="create-pr", retry="", **more
):
    said = {"type": "Delivered", "status": status, "reason": reason, "message": message}
    said["lastTransitionTime"] = "2026-11-21T14:00:00Z"
    metadata = {
        "namespace": "dev",
        "name": "auth",
        "uid": "u-1",
        "annotations": {WORD: retry} if retry else {},
    }
    spec = {
        "repository": {"url": "https://github.com/acme/backend.git", "credentialsSecret": "git"},
        "lifecycle": {"onComplete": on_complete, "githubTokenSecret": "forge"},
        "teammates": [
            {"name": "api", "scope": {"includePaths": ["src/api"], "onViolation": "revert"}},
            {"name": "docs"},
        ],
    }
    held = {"phase": phase, "conditions": [said] if reason else []}
    return {"metadata": metadata, "spec": spec, "status": held | more}


@pytest.mark.parametrize(
    ("source", "state"),
    [
        (team(), "ahead"),
        (team("Delivering"), "delivering"),
        (team("ErrImagePull", message="finish: no such image"), "delivering"),
        (team("DeliveryFailed", message="will be tried again: reset"), "trying again"),
        (team("NeedsAttention", message="401"), "needs you"),
        (team("Delivered", "True", phase="Completed"), "delivered"),
        (team("AwaitingChecks", "True"), "delivered"),
        (team("NeedsAttention", phase="Cancelled"), "stopped"),
        (team(phase="Failed"), "stopped"),
    ],
)
def test_how_far_a_delivery_is(source, state):
    assert delivery_of(source).state == state


@pytest.mark.parametrize("on_complete", ["notify", "none"])
def test_a_team_that_pushes_nothing_has_no_delivery(on_complete):
    assert delivery_of(team(on_complete=on_complete)) is None
    assert delivery_of({"spec": {"workspace": {}, "lifecycle": {"onComplete": "create-pr"}}}) is None


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (team("NeedsAttention"), ""),
        (team(), "its agents have not ended yet"),
        (team("Delivering"), "its delivery is under way"),
        (team("AwaitingChecks", "True"), "it waits for the checks"),
        (team("DeliveryFailed"), "is tried again by itself"),
        (team("NeedsAttention", phase="Cancelled"), "has ended already (Cancelled)"),
        (team("Delivered", "True", phase="Completed"), "has ended already (Completed)"),
        (team("NeedsAttention", phase="Suspended"), "is suspended; resume it first"),
        (team(on_complete="notify"), "it has onComplete notify, so nothing is delivered"),
        ({"spec": {"workspace": {}}}, "it has no repository"),
    ],
)
def test_why_there_is_nothing_to_retry(source, why):
    assert why in why_no_retry(source)
    assert bool(why_no_retry(source)) is bool(why)


def test_what_waits_for_a_person_is_the_failure_with_the_word_before():
    failure = failure_of(team("NeedsAttention", message="401", retry="first"))
    assert (failure.message, failure.retry) == ("401", "first")
    assert new_word() != new_word()
    assert len(new_word()) <= 63


def test_it_stands_in_the_list_of_attention_and_another_failure_is_another_thing():
    [need] = needs_of(team("NeedsAttention", message="the token was refused (401)"))
    assert (need.kind, need.text, need.for_person) == (
        "delivery",
        "not delivered: the token was refused (401)",
        True,
    )
    found = [
        waiting_of([project(team("NeedsAttention", message="401", retry=word))], NOW)[0]
        for word in ("", "again")
    ]
    assert found[0].key != found[1].key
    assert (as_data(found[0])["kind"], as_data(found[0])["forPerson"]) == ("delivery", True)
    assert as_data(found[0])["since"] == "2026-11-21T14:00:00+00:00"


@pytest.mark.parametrize("reason", ["Delivering", "DeliveryFailed"])
def test_what_goes_on_by_itself_needs_nobody(reason):
    assert needs_of(team(reason)) == ()


def test_the_line_of_a_team_shows_what_people_look_for():
    scene = Scene(NOW, UNICODE)
    done = team(
        "Delivered",
        "True",
        phase="Completed",
        branch="kagents/auth",
        commit="3f2c1a9d0b8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a",
        pullRequest={"url": PULL, "state": "draft"},
    )
    shown = "".join(each.text for each in delivery.cells(delivery_of(done), scene))
    assert shown == f" ✓ pull request draft  {PULL}  kagents/auth 3f2c1a9d0b8e"
    done["status"]["conditions"][0]["message"] = (
        f"pull request {PULL}; api changed files outside its scope (kept): a.md"
    )
    shown = "".join(each.text for each in delivery.cells(delivery_of(done), scene))
    assert shown.startswith(" ✓ pull request draft ◆ remarks  https://")
    assert shown.endswith("  api changed files outside its scope (kept): a.md")
    stuck = "".join(
        each.text for each in delivery.cells(delivery_of(team("NeedsAttention", message="401")), scene)
    )
    assert stuck == " ▲ not delivered 401"
    assert delivery.cells(delivery_of(team()), scene) == []


PASSING = {"state": "passing", "passing": 3, "failing": 0, "pending": 0}
FAILING = {"state": "failing", "passing": 2, "failing": 1, "pending": 1}
NO_CHECKS = {"state": "none", "passing": 0, "failing": 0, "pending": 0}


@pytest.mark.parametrize(
    ("checks", "phase", "shown", "told"),
    [
        (PASSING, "Completed", " ✓ pull request open, checks passing", "passing: 3 passing"),
        (FAILING, "Completed", " ◆ pull request open, checks failing", "failing: 2 passing, 1 failing, 1 pe"),
        (NO_CHECKS, "Completed", " ✓ pull request open  ", "none"),
        (None, "Completed", " ✓ pull request open  ", ""),
        (None, "Running", " ✓ pull request open, waiting for its checks", "the team waits for them"),
        ({"state": 7, "passing": "x"}, "Completed", " ✓ pull request open  ", ""),
    ],
)
def test_the_checks_of_a_request_are_told_in_the_line_and_counted_in_the_description(
    checks, phase, shown, told
):
    reason = "AwaitingChecks" if phase == "Running" else "Delivered"
    source = team(reason, "True", phase=phase, pullRequest={"url": PULL, "state": "open", "checks": checks})
    line = "".join(each.text for each in delivery.cells(delivery_of(source), Scene(NOW, UNICODE)))
    assert line.startswith(shown)
    facts = [each for each in delivery.facts(source) if each.startswith("Checks:")]
    assert [told in each for each in facts] == ([True] if told else [])


def test_the_description_tells_branch_commit_request_and_files_outside_a_scope():
    message = f"pull request {PULL}; api changed files outside its scope (kept): docs/a.md, b.md"
    done = team(
        "Delivered",
        "True",
        message,
        phase="Completed",
        branch="kagents/auth",
        commit="3f2c1a9",
        pullRequest={"url": PULL, "state": "open"},
    )
    text = describe(done, [], NOW)
    for words in (
        "Delivery:    create-pr: pull request open",
        "outside its scope (kept): docs/a.md, b.md",
        "Branch:      kagents/auth",
        "Commit:      3f2c1a9",
        f"Request:     {PULL} (open)",
        "Scope:       api: only src/api; else revert",
    ):
        assert words in text


def test_the_story_of_a_failure_names_what_to_look_at():
    text = delivery.story(team("NeedsAttention", message="The token was refused (401).", retry="20261121T1"))
    for words in ("The token was refused (401).", "create-pr into main", "git to push, forge for the forge"):
        assert words in text
    assert "last retry  20261121T1" in text
    assert "link        https://github.com/acme/backend" in text


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https://user:word@github.com/x",
        "https://github.com/\x1b]8;;evil",
        "https://github.com/a b",
        "-https://github.com",
        "https://exämple.org/",
        "https://[::1/",
        "https://a:99999999/",
        "https://good.example\\@evil.example/",
        "https://a/" + "x" * 2000,
    ],
)
def test_only_plain_web_addresses_are_links(text):
    assert safe_url(text) is None
    assert link_of(team("Delivered", "True", pullRequest={"url": text})).what == "the repository"


def test_the_link_is_the_request_then_what_the_delivery_names_then_the_repository():
    assert link_of(team("Delivered", "True", pullRequest={"url": PULL})).url == PULL
    named = team("NeedsAttention", message=f"Branch x has the open request {PULL}, which is not ours.")
    assert link_of(named).url == PULL
    elsewhere = team("NeedsAttention", message="look at https://evil.example/login")
    assert link_of(elsewhere).url == "https://github.com/acme/backend"
    over_ssh = team()
    over_ssh["spec"]["repository"]["url"] = "git@github.com:acme/backend.git"
    assert link_of(over_ssh) is None


def browser(folder: Path, body: str) -> dict[str, str]:
    """An environment whose browser is this script; it is given the address as its argument."""
    script = folder / "browser"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"PATH": os.environ["PATH"], "BROWSER": str(script)}


async def test_the_browser_gets_the_address_and_no_terminal(tmp_path):
    told = tmp_path / "told"
    asked = browser(tmp_path, f'printf "%s" "$1" > {told}; tty >> {told}; exit 0')
    assert await open_in_browser("https://github.com/x?a=1;id&b=$(id)", asked) == ""
    assert told.read_text() == "https://github.com/x?a=1;id&b=$(id)not a tty\n"


async def test_a_browser_that_fails_or_is_not_there_is_said(tmp_path):
    assert "could not be started" in await open_in_browser(PULL, browser(tmp_path, "exit 3"))
    nowhere = {"PATH": str(tmp_path / "empty")}
    assert "no browser with a window" in await open_in_browser(PULL, nowhere)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "spec", "status", "repository", "lifecycle", "onComplete", "conditions"]
            )
            | st.sampled_from(
                [
                    "type",
                    "reason",
                    "pullRequest",
                    "checks",
                    "state",
                    "passing",
                    "url",
                    "annotations",
                    "teammates",
                    "scope",
                    "phase",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), ANYTHING, max_size=3))
def test_an_object_of_any_shape_is_read(source):
    why_no_retry(source)
    link_of(source)
    delivery.story(source)
    list(delivery.facts(source))
