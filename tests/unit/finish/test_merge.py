"""``kagents-runner merge``: what agents did becomes one branch, and nothing of it is lost."""

import json
import subprocess

import pytest
from runner_places import git

pytestmark = pytest.mark.long


def test_branches_are_merged_in_order_and_pushed(finishing):
    finishing.work("backend", "api.py", "api\n")
    finishing.work("tests", "test_api.py", "test\n")
    told = finishing.outcome()
    assert told["branch"] == "kagents/demo"
    assert (finishing.pushed("api.py"), finishing.pushed("test_api.py")) == ("api", "test")
    assert git(finishing.remote, "rev-parse", "kagents/demo") == told["commit"]
    assert (
        git(finishing.remote, "log", "--merges", "--format=%s", "kagents/demo") == "Merge kagents/demo/tests"
    )


def test_merging_again_gives_the_same_commit(finishing):
    finishing.work("backend", "api.py", "api\n")
    finishing.work("tests", "test_api.py", "test\n")
    assert finishing.outcome() == finishing.outcome()


def test_uncommitted_and_new_files_are_saved_under_the_agents_name(finishing):
    finishing.work("backend", "api.py", "api\n", commit=False)
    finishing.work("backend", "README.md", "changed\n", commit=False)
    finishing.outcome()
    assert (finishing.pushed("api.py"), finishing.pushed("README.md")) == ("api", "changed")
    assert git(finishing.remote, "log", "-1", "--format=%an", "kagents/demo") == "backend (kagents)"


def test_a_team_without_any_change_pushes_nothing(finishing):
    told = finishing.outcome()
    assert set(told) == {"commit"}
    assert git(finishing.remote, "branch", "--list", "kagents/*") == ""


def test_a_conflict_names_files_and_branches_and_keeps_them(finishing):
    finishing.work("backend", "README.md", "one\n")
    finishing.work("tests", "README.md", "two\n")
    ran = finishing.merge()
    assert ran.code == 66
    assert "kagents/demo/tests conflicts with kagents/demo/backend in README.md" in ran.sentence
    clone = finishing.place.work / "repo"
    assert git(clone, "show", "kagents/demo/tests:README.md") == "two"
    assert finishing.finish().code == 1, "nothing may be pushed after a conflict"


HOSTILE = "a\n\x1b[31m--upload-pack=touch PWNED.txt"


def test_a_hostile_file_name_is_delivered_as_it_is(finishing):
    finishing.work("backend", HOSTILE, "one\n", subject="Add it")
    finishing.work("tests", "-rf", "two\n", subject="Add another")
    finishing.outcome()
    assert finishing.pushed(HOSTILE) == "one"
    assert finishing.pushed("-rf") == "two"
    assert list(finishing.place.root.rglob("PWNED")) == []


def test_a_hostile_file_name_in_conflict_is_told_in_one_harmless_line(finishing):
    finishing.work("backend", HOSTILE, "one\n", subject="Add it")
    finishing.work("tests", HOSTILE, "two\n", subject="Add it too")
    ran = finishing.merge()
    assert ran.code == 66
    assert "conflicts with kagents/demo/backend in a" in ran.sentence
    assert "\x1b" not in ran.sentence + ran.out + ran.err
    assert ran.sentence.count("\n") <= 1


def test_a_resolved_conflict_is_delivered_by_the_next_attempt(finishing):
    finishing.work("backend", "README.md", "one\n")
    finishing.work("tests", "README.md", "two\n")
    assert finishing.merge().code == 66
    worktree = finishing.place.work / "worktrees" / "tests"
    git(worktree, "merge", "-q", "-s", "ours", "-m", "Resolve", "kagents/demo/backend")
    finishing.outcome()
    assert finishing.pushed("README.md") == "two"


@pytest.mark.parametrize("resolvable", [True, False])
def test_a_simulated_lead_resolves_what_it_can(finishing, resolvable):
    finishing.work("backend", "README.md", "one\n")
    finishing.work("tests", "README.md", "two\n")
    if not resolvable:
        git(finishing.place.work / "worktrees/tests", "rm", "-q", "README.md")
        git(finishing.place.work / "worktrees/tests", "commit", "-q", "-m", "Remove")
    sentence = finishing.merge().sentence
    told = {"conflict": sentence, "attempt": 1, "script": "- shutdown: done"}
    finishing.place.agents["lead"] |= told
    ran = finishing.place.run("supervise", "lead")
    assert ran.code == 0, ran.err
    if resolvable:
        assert "merged kagents/demo/backend into kagents/demo/tests" in ran.out
        finishing.outcome()
        assert finishing.pushed("README.md") == "two"
    else:
        assert "could not resolve the conflict" in ran.out
        assert finishing.merge().code == 66, "the worktree is as it was"


def test_an_unfinished_merge_is_never_committed_as_work(finishing):
    finishing.work("backend", "README.md", "one\n")
    finishing.work("tests", "README.md", "two\n")
    worktree = finishing.place.work / "worktrees" / "tests"
    tip = git(worktree, "rev-parse", "HEAD")
    with pytest.raises(subprocess.CalledProcessError):
        git(worktree, "merge", "-q", "kagents/demo/backend")
    ran = finishing.merge()
    assert ran.code == 64
    assert "A merge is unfinished in the worktree of tests" in ran.sentence
    assert git(worktree, "rev-parse", "HEAD") == tip and "<<<<<<<" in (worktree / "README.md").read_text()
    git(worktree, "merge", "--abort")
    assert finishing.merge().code == 66


def test_filters_and_hooks_that_an_agent_configured_run_nothing(finishing, tmp_path):
    trap = tmp_path / "trap"
    clone = finishing.place.work / "repo"
    for setting in ("filter.evil.clean", "filter.evil.process", "core.fsmonitor", "merge.evil.driver"):
        git(clone, "config", setting, f"touch {trap}")
    git(clone, "config", "filter.evil.required", "true")
    for hook in ("pre-commit", "commit-msg", "pre-push", "post-commit"):
        path = clone / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {trap}\n")
        path.chmod(0o755)
    finishing.work("backend", ".gitattributes", "* filter=evil merge=evil\n", commit=False)
    finishing.work("backend", "a.txt", "a\n", commit=False)
    finishing.work("tests", "b.txt", "b\n", commit=False)
    finishing.outcome()
    assert not trap.exists()
    assert finishing.pushed("a.txt") == "a"


def test_facts_of_the_journal_reach_the_merged_document(finishing):
    lines = [
        {"seq": 1, "kind": "task", "id": "1", "task": {"id": "1", "status": "completed"}},
        {"seq": 2, "kind": "task", "id": "2", "task": {"id": "2", "status": "pending"}},
        {"seq": 3, "kind": "usage", "costMicros": 1_250_000, "estimated": True},
        {"seq": 4, "kind": "request", "agent": "lead", "request": "finish", "summary": "All done."},
    ]
    text = "".join(json.dumps({"at": "2026-11-21T10:00:00.000Z"} | line) + "\n" for line in lines)
    finishing.place.layout.journal.write_text(text)
    assert finishing.merge().code == 0
    merged = json.loads((finishing.place.root / "finish" / "merged.json").read_text())
    assert (merged["summary"], merged["tasks"], merged["cost"]) == (
        "All done.",
        "1 of 2 tasks completed",
        "$1.25 (estimated)",
    )


def test_a_strangers_branch_of_the_same_name_is_not_overwritten(finishing):
    finishing.work("backend", "api.py", "api\n")
    tree = git(finishing.remote, "rev-parse", "main^{tree}")
    other = git(finishing.remote, "commit-tree", "-m", "theirs", tree)
    git(finishing.remote, "update-ref", "refs/heads/kagents/demo", other)
    assert finishing.merge().code == 0
    ran = finishing.finish()
    assert ran.code == 64
    assert "has a branch kagents/demo already" in ran.sentence
    assert git(finishing.remote, "rev-parse", "kagents/demo") == other


def test_a_refusal_of_the_server_is_told_in_its_words(finishing):
    hook = finishing.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'branches of robots are not wanted' >&2\nexit 1\n")
    hook.chmod(0o755)
    finishing.work("backend", "api.py", "api\n")
    assert finishing.merge().code == 0
    ran = finishing.finish()
    assert ran.code == 64
    assert "branches of robots are not wanted" in ran.sentence
