"""``kagents-runner finish``: at most one request for a team, whatever crashes."""

import json

import pytest
from forge_server import TOKEN

pytestmark = pytest.mark.long


@pytest.fixture
def ready(finishing, forge):
    finishing.create_pr(forge)
    finishing.work("backend", "api.py", "api\n", subject="Add @everyone <b>the</b> API, fixes #1")
    assert finishing.merge().code == 0
    return finishing


def test_one_request_with_title_target_and_marker(ready, forge, uid):
    ran = ready.finish()
    assert ran.code == 0, ran.err
    [made] = forge.requests
    assert (made["title"], made["base"]["ref"], made["head"]["ref"]) == ("Work", "main", "kagents/demo")
    assert uid in made["body"]
    told = json.loads(ran.sentence)
    assert (told["url"], told["state"]) == (made["html_url"], "open")


def test_what_agents_wrote_mentions_nobody_and_closes_nothing(ready, forge):
    ready.finish()
    body = forge.requests[0]["body"]
    assert "@everyone" not in body and "<b>" not in body and "#1" not in body.replace("&#", "")
    assert "&#64;everyone" in body


def test_labels_reviewers_and_draft(ready, forge):
    ready.wish["pullRequest"] |= {"labels": ["auth"], "reviewers": ["ann"], "draft": True}
    ran = ready.finish()
    assert json.loads(ran.sentence)["state"] == "draft"
    assert (forge.labels, forge.reviewers) == ({1: ["auth"]}, {1: ["ann"]})


def test_a_team_of_the_organization_is_asked_as_a_team(ready, forge):
    ready.wish["pullRequest"] |= {"reviewers": ["acme/security", "ann"]}
    assert "warnings" not in json.loads(ready.finish().sentence)
    assert forge.reviewers == {1: ["ann", "team security"]}


def test_github_enterprise_answers_below_a_path_of_its_own(ready, forge):
    ready.wish["pullRequest"] |= {"apiUrl": f"{forge.url}/api/v3", "labels": ["auth"], "reviewers": ["ann"]}
    for _ in range(2):
        assert ready.finish().code == 0
    assert (forge.made(), forge.labels, forge.reviewers) == (1, {1: ["auth"]}, {1: ["ann"]})
    asked = [call.split()[1] for call in forge.calls]
    assert asked and all(path.startswith("/api/v3/repos/") for path in asked)


def test_a_reviewer_who_cannot_review_is_a_remark_and_no_failure(ready, forge):
    ready.wish["pullRequest"] |= {"reviewers": ["nobody"]}
    ran = ready.finish()
    assert ran.code == 0
    assert "reviewers not set" in json.loads(ran.sentence)["warnings"][0]


def test_a_second_attempt_finds_the_first_ones_request(ready, forge):
    first, second = ready.finish(), ready.finish()
    assert (first.code, second.code, forge.made()) == (0, 0, 1)
    assert first.sentence == second.sentence


@pytest.mark.parametrize("plan", ["lost", "late"])
def test_a_request_whose_answer_was_lost_is_found_and_not_made_twice(ready, forge, plan):
    forge.creations = [plan]
    ran = ready.finish()
    assert (ran.code, forge.made()) == (0, 1), ran.err


@pytest.mark.parametrize(("status", "code"), [("403", 64), ("429", 1)])
def test_a_refusal_is_told_and_leaves_no_intent_behind(ready, forge, status, code):
    forge.creations = [status]
    ran = ready.finish()
    assert ran.code == code
    assert status in ran.sentence and "said so" in ran.sentence
    assert (ready.finish().code, forge.made()) == (0, 1)


def test_a_strangers_open_request_from_the_branch_is_left_alone(ready, forge):
    assert ready.finish().code == 0
    forge.requests[0]["body"] = "by a person"
    ran = ready.finish()
    assert (ran.code, forge.made()) == (64, 1)
    assert "which this team did not make" in ran.sentence


def test_a_wrong_token_is_a_persons_matter_and_the_token_is_never_said(ready, forge):
    secret = ready.place.root / "forge-secret" / "GITHUB_TOKEN"
    secret.write_text("expired-" + TOKEN)
    ran = ready.finish()
    assert ran.code == 64 and "401" in ran.sentence
    assert TOKEN not in ran.sentence + ran.out + ran.err


def test_a_forge_that_does_not_answer_is_tried_again_later(ready):
    ready.wish["pullRequest"]["apiUrl"] = "http://127.0.0.1:9"
    ran = ready.finish()
    assert ran.code == 1 and "cannot be reached" in ran.sentence


def test_without_a_token_the_way_out_is_named(ready):
    del ready.place.variables["KAGENTS_FORGE_CREDENTIALS_DIR"]
    ran = ready.finish()
    assert ran.code == 64 and "githubTokenSecret" in ran.sentence


def test_gitlab(ready, forge, uid):
    ready.wish["pullRequest"] |= {"provider": "gitlab", "labels": ["auth"], "reviewers": ["ann"]}
    ran = ready.finish()
    assert ran.code == 0, ran.err
    [made] = forge.requests
    assert made["source_branch"] == "kagents/demo" and uid in made["description"]
    assert (forge.labels, forge.reviewers) == ({1: ["auth"]}, {1: ["7"]})
    assert ready.finish().code == 0 and forge.made() == 1
