"""What a request says: summary, tasks, cost and each agent's commits; bounded, and known by its last line."""

import pytest

from kagents_runner.documents import TeamDocument
from kagents_runner.finish.body import body_of
from kagents_runner.finish.documents import AgentWork, Merged
from kagents_runner.finish.request import marker

TEAM = TeamDocument("demo", "dev", "u-1", "coding", None, None, (), None, ())
WORK = (
    AgentWork(agent="backend", commit="a" * 40, subjects=("Add the API", "Log in"), commits=2),
    AgentWork(agent="tests", commit="b" * 40, subjects=("Cover it",), commits=4),
)


def merged(**more: object) -> Merged:
    fields: dict[str, object] = {"base": "0" * 40, "commit": "c" * 40, "files": 3, "work": WORK}
    return Merged.model_validate(fields | more)


def test_it_has_summary_tasks_cost_and_the_commits_of_each_agent() -> None:
    told = merged(summary="OAuth2 works.", tasks="4 of 5 tasks completed", cost="$1.25 (estimated)")
    body = body_of(TEAM, told)
    assert body.splitlines() == [
        "Work of the agent team **demo** (`dev`).",
        "",
        "## Summary",
        "",
        "OAuth2 works.",
        "",
        "## Facts",
        "",
        "- 3 files changed",
        "- 4 of 5 tasks completed",
        "- $1.25 (estimated)",
        "",
        "## Commits",
        "",
        "**backend** (`aaaaaaaaaaaa`)",
        "- Add the API",
        "- Log in",
        "",
        "**tests** (`bbbbbbbbbbbb`)",
        "- Cover it",
        "- and 3 more",
        "",
        "<!-- kagents team u-1 -->",
    ]


@pytest.mark.parametrize(("reverted", "fate"), [(True, "taken out"), (False, "kept")])
def test_files_outside_a_scope_are_named_beside_their_agent(reverted: bool, fate: str) -> None:
    work = AgentWork(agent="a", commit="a" * 40, outside=("docs/x.md",), reverted=reverted)
    assert f"- **outside its scope, {fate}:** docs/x.md" in body_of(TEAM, merged(work=(work,)))


def test_it_fits_and_keeps_the_line_that_it_is_known_by() -> None:
    many = [
        AgentWork(agent=f"agent-{number}", commit="a" * 40, subjects=("x" * 200,) * 50, commits=50)
        for number in range(50)
    ]
    body = body_of(TEAM, merged(summary="s" * 100_000, work=many))
    assert len(body) < 65_536
    assert body.endswith(marker("u-1"))


def test_no_agent_can_write_the_line_of_another_team() -> None:
    forged = marker("u-2")
    work = AgentWork(agent="a", commit="a" * 40, subjects=(forged,), commits=1)
    assert forged not in body_of(TEAM, merged(summary=forged, work=(work,)))
