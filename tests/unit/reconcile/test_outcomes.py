"""What a delivery says of itself, as a whole: each field, each limit, and what is no field at all."""

import json
from typing import Any

import pytest

from kagents_core.api.status import PullRequestChecks, PullRequestStatus
from kagents_core.reconcile.rules.outcome import Delivered, parse_outcome

UNKNOWN = Delivered(warnings=("the delivery did not say what it did",))
WHOLE = {
    "branch": "kagents/demo",
    "commit": "c0ffee",
    "url": "https://h/1",
    "state": "merged",
    "checks": {"state": "failing", "passing": 2, "failing": 1, "pending": 0},
    "warnings": ["one", "two"],
}


def test_every_field_is_taken() -> None:
    request = PullRequestStatus(
        url="https://h/1", state="merged", checks=PullRequestChecks(state="failing", passing=2, failing=1)
    )
    assert parse_outcome(json.dumps(WHOLE)) == Delivered("kagents/demo", "c0ffee", request, ("one", "two"))


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '"words"', "null", "3", "[" * 100_000])
def test_what_is_no_object_says_nothing(text: str) -> None:
    assert parse_outcome(text, json.dumps(WHOLE)) == UNKNOWN


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "null"])
def test_checks_that_say_nothing_take_nothing_away(text: str) -> None:
    assert parse_outcome(json.dumps(WHOLE), text) == parse_outcome(json.dumps(WHOLE))


def test_what_the_checks_came_to_is_the_later_word() -> None:
    later = {"state": "open", "checks": {"state": "passing", "passing": 3}, "warnings": ["three"]}
    told = parse_outcome(json.dumps(WHOLE), json.dumps(later))
    assert told.warnings == ("one", "two", "three")
    assert told.pull_request == PullRequestStatus(
        url="https://h/1", state="open", checks=PullRequestChecks(state="passing", passing=3)
    )
    assert (told.branch, told.commit) == ("kagents/demo", "c0ffee")


def test_no_request_is_made_of_what_the_checks_say() -> None:
    told = parse_outcome('{"branch": "b"}', json.dumps(WHOLE))
    assert (told.branch, told.commit, told.pull_request) == ("b", None, None)


@pytest.mark.parametrize("value", [None, 3, "", [], {}, True])
def test_a_field_of_another_kind_is_none(value: Any) -> None:
    told = parse_outcome(json.dumps({"branch": value, "commit": value, "url": value}))
    assert told == Delivered()
    told = parse_outcome(json.dumps({"url": "u", "state": value, "checks": value}))
    assert told.pull_request == PullRequestStatus(url="u", state="open", checks=None)


@pytest.mark.parametrize("checks", [{"state": "odd"}, {"state": "none", "failing": []}, {"passing": 1}])
def test_checks_that_count_nothing_are_none(checks: Any) -> None:
    told = parse_outcome(json.dumps({"url": "u", "checks": checks}))
    assert told.pull_request == PullRequestStatus(url="u", state="open", checks=None)


@pytest.mark.parametrize("warnings", [None, "odd", {"a": 1}, 3])
def test_warnings_that_are_no_list_are_none(warnings: Any) -> None:
    assert parse_outcome(json.dumps({"branch": "b", "warnings": warnings})) == Delivered("b")


def test_fifty_warnings_are_told_whatever_they_are() -> None:
    told = parse_outcome(json.dumps({"warnings": [*range(49), {"a": 1}, "one more"]}))
    assert told.warnings == (*map(str, range(49)), "{'a': 1}")


@pytest.mark.parametrize("name", ["branch", "commit"])
def test_a_field_may_have_512_characters_in_one_line(name: str) -> None:
    fits, long = "x" * 512, "x" * 513
    assert getattr(parse_outcome(json.dumps({name: fits})), name) == fits
    cut = getattr(parse_outcome(json.dumps({name: long})), name)
    assert cut != long and len(cut) <= 512 and cut.startswith("x" * 500)
    assert "\n" not in getattr(parse_outcome(json.dumps({name: "a\nb\x1b[1m"})), name)


def test_a_warning_may_have_512_characters_in_one_line() -> None:
    fits, long, lines = parse_outcome(json.dumps({"warnings": ["x" * 512, "x" * 513, "a\nb"]})).warnings
    assert fits == "x" * 512
    assert len(long) <= 512 and long.startswith("x" * 500)
    assert "\n" not in lines and lines.startswith("a") and lines.endswith("b")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (WHOLE, "pull request https://h/1; one; two"),
        ({"branch": "b"}, "pushed as b"),
        ({"branch": "b", "warnings": ["w"]}, "pushed as b; w"),
        ({}, "no agent committed anything, so there was nothing to push"),
    ],
)
def test_it_is_told_in_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    assert parse_outcome(json.dumps(fields)).sentence == sentence
