"""``kagents retry`` and ``kagents get deliveries``: what they write, refuse and print."""

import json

import pytest

from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_tui.cli.completing import Line
from kagents_tui.cli.names import objects

WORD = "claude.amcheste.io/retry-finish"


def undelivered(make, name="auth-refactor", reason="NeedsAttention", **status):
    said = {
        "type": "Delivered",
        "status": "False",
        "reason": reason,
        "message": "the token was refused (401)",
    }
    team = make.team(name, conditions=[said], **status)
    team["spec"] |= {
        "repository": {"url": "https://github.com/acme/backend.git"},
        "lifecycle": {"onComplete": "create-pr"},
    }
    return team


@pytest.fixture
def stuck(cluster, make):
    cluster.add(AGENT_TEAMS, undelivered(make))
    return cluster


def word_of(cluster, name="auth-refactor"):
    metadata = cluster.objects["agentteams", "cowork-agents", name]["metadata"]
    return metadata.get("annotations", {}).get(WORD)


def test_retry_gives_a_new_word_every_time(stuck, kagents):
    ran = kagents("retry", "auth-refactor")
    assert (ran.code, ran.out) == (0, "the delivery of cowork-agents/auth-refactor is tried again\n")
    first = word_of(stuck)
    assert kagents("retry", "auth-refactor").code == 0
    assert word_of(stuck) not in (None, first)


def test_retry_tells_a_program_the_word_and_what_had_failed(stuck, kagents):
    told = kagents("retry", "auth-refactor", "-o", "json").json()
    assert told == {
        "namespace": "cowork-agents",
        "team": "auth-refactor",
        "retry": word_of(stuck),
        "failed": "the token was refused (401)",
    }


def test_retry_refuses_when_there_is_nothing_to_retry(with_team, kagents, make):
    with_team.add(AGENT_TEAMS, undelivered(make, "moves", "Delivering"))
    with_team.add(AGENT_TEAMS, undelivered(make, "over", phase="Cancelled"))
    for name, why in (
        ("q3-report", "has nothing to retry: it has no repository, so nothing is delivered"),
        ("moves", "has nothing to retry: its delivery is under way"),
        ("over", "has ended already (Cancelled)"),
    ):
        ran = kagents("retry", name)
        assert (ran.code, ran.err) == (4, f"kagents retry: cowork-agents/{name} {why}\n")
        assert word_of(with_team, name) is None
    assert kagents("retry", "nobody").code == 3


def test_a_change_in_between_is_judged_again(stuck, kagents):
    stuck.conflicts = 2
    assert kagents("retry", "auth-refactor").code == 0
    stuck.conflicts = 100
    assert "keeps changing" in kagents("retry", "auth-refactor").err


def test_a_retry_that_somebody_else_was_faster_with_is_refused(stuck, kagents, monkeypatch):
    """The first patch meets another person's word: what was seen has moved on."""
    patch = type(stuck).patch_merge

    async def slower(self, resource, namespace, name, body, **options):
        if self.conflicts:
            self.objects[resource.plural, namespace, name]["metadata"]["annotations"] = {WORD: "theirs"}
        return await patch(self, resource, namespace, name, body, **options)

    monkeypatch.setattr(type(stuck), "patch_merge", slower)
    stuck.conflicts = 1
    ran = kagents("retry", "auth-refactor")
    assert (ran.code, word_of(stuck)) == (4, "theirs")
    assert "has moved on in the meantime" in ran.err


def test_attention_lists_it_with_the_reason(stuck, kagents):
    [found] = kagents("attention", "-o", "json").json()
    assert (found["kind"], found["what"]) == ("delivery", "the token was refused (401)")
    assert "delivery" in kagents("attention").out
    assert kagents("attention", "--exit-code").code == 1


def test_wait_for_anything_that_needs_a_person(stuck, with_team, kagents, make):
    assert kagents("wait", "auth-refactor", "--for=attention").code == 0
    assert kagents("wait", "q3-report", "--for=attention").code == 0
    with_team.add(AGENT_TEAMS, undelivered(make, "over", phase="Cancelled"))
    assert kagents("wait", "over", "--for=attention").code == 1


def test_deliveries_show_branch_commit_and_request(stuck, with_team, kagents, make):
    done = undelivered(make, "done", phase="Completed", branch="kagents/done", commit="3f2c1a9d0b8e7f6a5b4c")
    done["status"]["conditions"][0] |= {"status": "True", "reason": "Delivered", "message": "pull request"}
    done["status"]["pullRequest"] = {"url": "https://github.com/acme/backend/pull/7", "state": "open"}
    done["status"]["pullRequest"]["checks"] = {"state": "pending", "passing": 1, "failing": 0, "pending": 2}
    with_team.add(AGENT_TEAMS, done)
    ran = kagents("get", "deliveries")
    head, first, second = ran.out.splitlines()
    assert head.split()[:3] == ["TEAM", "STATE", "BRANCH"]
    assert "needs you" in first
    assert "the token was refused (401)" in first
    assert "kagents/done" in second
    assert "3f2c1a9d0b8e " in second
    assert "https://github.com/acme/backend/pull/7" in second
    [row] = kagents("get", "deliveries", "done", "-o", "json").json()
    assert row["pullRequest"] == {
        "url": "https://github.com/acme/backend/pull/7",
        "state": "open",
        "checks": {"state": "pending", "passing": 1, "failing": 0, "pending": 2},
    }
    assert (row["team"], row["state"]) == ("done", "delivered")
    assert "https://github.com/acme/backend/pull/7" in kagents("get", "teams", "-o", "wide").out
    assert json.loads(kagents("get", "deliveries", "q3-report", "-o", "json").out) == []


async def test_completion_offers_the_teams_that_a_retry_helps(stuck, make):
    stuck.add(AGENT_TEAMS, make.team("q3-report"))
    assert [each.word for each in await objects(stuck, Line(verb="retry"), "cowork-agents")] == [
        "auth-refactor"
    ]
    assert len(await objects(stuck, Line(verb="describe"), "cowork-agents")) == 2


def finish_pod(make, merged, created="2026-11-21T00:00:01Z", name="auth-refactor-finish-12345"):
    pod = make.hub("auth-refactor")
    pod["metadata"] |= {"name": name, "creationTimestamp": created}
    pod["metadata"]["labels"]["claude.amcheste.io/role"] = "finish"
    code = {"exitCode": 0 if merged else 64}
    pod["status"] = {"initContainerStatuses": [{"name": "merge", "state": {"terminated": code}}]}
    return pod


@pytest.mark.parametrize(("merged", "container"), [(False, "merge"), (True, "finish")])
def test_the_log_of_a_delivery_is_that_of_the_container_it_has_come_to(
    stuck, kagents, make, monkeypatch, merged, container
):
    stuck.add(PODS, finish_pod(make, not merged, "2026-11-21T00:00:00Z", "auth-refactor-finish-00000"))
    stuck.add(PODS, finish_pod(make, merged))
    asked = []

    async def logs(self, namespace, pod, **options):
        asked.append((pod, options["container"]))
        yield b"merged 2 branches\n"

    monkeypatch.setattr(type(stuck), "logs", logs)
    ran = kagents("logs", "auth-refactor", "finish")
    assert (ran.code, ran.out) == (0, "merged 2 branches\n")
    assert asked == [("auth-refactor-finish-12345", container)]


def test_a_delivery_without_a_pod_has_no_log(stuck, kagents):
    ran = kagents("logs", "auth-refactor", "finish")
    assert (ran.code, ran.err) == (
        3,
        "kagents logs: finish of auth-refactor has no pod yet, so there is no log\n",
    )
