"""The last words of a delivery: written by the runner, read by the controller, never cut to nonsense."""

from hypothesis import given
from hypothesis import strategies as st

from kagents_core.reconcile.rules.outcome import parse_outcome
from kagents_runner.finish.documents import outcome

FIELDS = {
    "branch": "kagents/demo",
    "commit": "3f2c1a9d",
    "url": "https://forge.test/a/b/pull/7",
    "state": "open",
}


@given(st.lists(st.text(max_size=900), max_size=40))
def test_the_words_fit_and_lose_no_more_than_they_must(warnings):
    told = outcome(FIELDS, warnings)
    assert len(told) <= 4096
    read = parse_outcome(told.decode())
    assert (read.branch, read.commit) == ("kagents/demo", "3f2c1a9d")
    assert read.pull_request is not None
    assert read.pull_request.url == FIELDS["url"]
    assert len(read.warnings) <= len(warnings)
    short = [each for each in warnings if len(each) <= 20]
    if len(short) == len(warnings) <= 10:
        assert len(read.warnings) == len(warnings)


def test_the_files_outside_a_scope_are_all_named_as_far_as_there_is_room():
    files = ", ".join(f"docs/part-{number}.md" for number in range(20))
    warnings = [
        f"{agent} changed files outside its scope (kept): {files}" for agent in ("api", "docs", "tests")
    ]
    sentence = parse_outcome(outcome(FIELDS, warnings).decode()).sentence
    assert sentence.count("docs/part-19.md") == 3
    assert parse_outcome(outcome(FIELDS, ["x" * 900]).decode()).warnings[0].endswith("x…")
