"""Inspections of an agent's work: what runs, what is kept, what is not run twice, and when it is over."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

from kagents_runner.quality.inspection import SHOWN, Inspector
from kagents_runner.quality.ledger import Follower, Ledger
from kagents_runner.quality.shell import HEAD_BYTES, TAIL_BYTES

Inspect = Callable[..., Inspector]
COUNTED = "echo run >> $HOME/runs; "


def runs(tmp_path: Path) -> int:
    """How often a check that begins with ``COUNTED`` was run."""
    path = tmp_path / "home/runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


async def test_a_failure_is_told_with_its_output_and_kept(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    found = await inspector(script="echo one; echo two >&2; exit 3").inspect()
    assert not found.passed
    assert found.over is None
    assert "validationScript: `the team's script` ended with status 3" in found.told
    assert "one\ntwo" in found.told
    assert "after 3 more failures in a row" in found.told
    assert (tmp_path / "home/quality/0001-validationScript.log").read_text() == "one\ntwo\n"
    [line] = (tmp_path / "home/quality/checks.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert (told["gate"], told["code"], told["passed"]) == ("validationScript", 3, False)


async def test_every_wanted_check_runs_and_every_failure_is_told(inspector: Inspect, worktree: Path) -> None:
    (worktree / "Makefile").write_text("lint:\n\t@echo untidy; exit 1\ntest:\n\t@echo broken; exit 1\n")
    found = await inspector(tests=True, lint=True, script="true").inspect()
    assert "requireLint: `make lint`" in found.told
    assert "untidy" in found.told
    assert "requireTests: `make test`" in found.told
    assert "broken" in found.told
    assert "validationScript" not in found.told


async def test_work_that_has_passed_is_not_checked_again_until_it_changes(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    script = COUNTED + "echo made > report.txt; grep -q x a"
    for _ in range(2):
        assert (await inspector(script=script).inspect()).passed
    assert runs(tmp_path) == 1, "what the check itself wrote is no change"
    (worktree / "a").write_text("y")
    assert not (await inspector(script=script).inspect()).passed
    (worktree / "a").write_text("xx")
    assert (await inspector(script=script).inspect()).passed
    assert runs(tmp_path) == 3


async def test_an_agent_that_has_changed_nothing_has_nothing_to_check(
    inspector: Inspect, worktree: Path
) -> None:
    assert (await inspector(script="exit 1").inspect()).passed
    (worktree / "a").write_text("x")
    assert not (await inspector(script="exit 1").inspect()).passed


async def test_the_agents_own_index_stays_as_it_is(inspector: Inspect, worktree: Path) -> None:
    (worktree / "a").write_text("x")
    before = (worktree / ".git/index").read_bytes()
    await inspector(script="true").inspect()
    assert (worktree / ".git/index").read_bytes() == before


async def test_filters_that_the_agent_configured_do_not_run(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    config = f'[filter "x"]\n\tclean = touch {tmp_path}/PWNED; cat\n\trequired = true\n'
    with (worktree / ".git/config").open("a") as file:
        file.write(config)
    (worktree / ".gitattributes").write_text("* filter=x\n")
    (worktree / "a").write_text("x")
    assert (await inspector(script="true").inspect()).passed
    assert not (tmp_path / "PWNED").exists()


async def test_a_folder_without_git_is_checked_and_remembered(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        assert (await inspector(base=None, script=COUNTED).inspect()).passed
    (worktree / "report.md").write_text("x")
    assert (await inspector(base=None, script=COUNTED).inspect()).passed
    assert runs(tmp_path) == 2


async def test_the_rounds_are_counted_in_a_row_and_then_it_is_over(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    gates = {"script": "cat verdict; grep -q good verdict", "rounds": 1}
    verdicts = ["bad", "good", "bad 2", "bad 3"]
    found = []
    for verdict in verdicts:
        (worktree / "verdict").write_text(f"{verdict}\n")
        found.append(await inspector(**gates).inspect())
    assert [each.passed for each in found] == [False, True, False, False]
    assert [each.over is not None for each in found] == [False, False, False, True]
    assert found[-1].over == (
        "its work failed validationScript 2 times in a row: `the team's script` ended with status 1: bad 3"
    )
    (worktree / "verdict").write_text("good\n")
    assert (await inspector(**gates).inspect()).over is not None, "what is over stays over"
    assert Follower(tmp_path / "home").over() == found[-1].over


async def test_calls_at_the_same_time_count_as_one_failure(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    script = COUNTED + "exit 1"
    first, second = await asyncio.gather(*(inspector(script=script).inspect() for _ in range(2)))
    assert first.told == second.told
    assert runs(tmp_path) == 1
    assert Ledger(tmp_path / "home").load().failures == 1


async def test_agents_in_one_worktree_check_it_one_after_the_other(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    script = f"mkdir {tmp_path}/busy && sleep 0.3 && rmdir {tmp_path}/busy"
    agents = [
        inspector(agent=name, lock=tmp_path / "quality.lock", script=script)
        for name in ("one", "two", "three")
    ]
    found = await asyncio.gather(*(agent.inspect() for agent in agents))
    assert [each.passed for each in found] == [True, True, True]


async def test_a_check_beyond_its_time_ends_with_all_it_started(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    script = "sleep 300 & echo $! > $HOME/child; wait"
    found = await inspector(script=script, seconds=0.5).inspect()
    assert "the time limit of 0.5 s is over" in found.told
    await _dead(int((tmp_path / "home/child").read_text()))


async def test_a_check_that_is_given_up_leaves_nothing_running(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    started = tmp_path / "home/child"
    task = asyncio.create_task(inspector(script="echo $$ > $HOME/child; sleep 300").inspect())
    async with asyncio.timeout(20):
        while not (started.exists() and started.read_text().strip()):  # noqa: ASYNC110  (a state, no event)
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    await _dead(int(started.read_text()))


async def test_what_a_check_leaves_running_does_not_hold_it_up(inspector: Inspect, worktree: Path) -> None:
    (worktree / "a").write_text("x")
    found = await asyncio.wait_for(inspector(script="sleep 300 & exit 0").inspect(), 20)
    assert found.passed


async def test_a_long_output_keeps_its_beginning_and_its_end(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    script = "echo first; head -c 2000000 /dev/zero | tr '\\0' z; echo; echo last; exit 1"
    found = await inspector(script=script).inspect()
    kept = (tmp_path / "home/quality/0001-validationScript.log").read_text()
    assert kept.startswith("first\n")
    assert kept.endswith("last\n")
    assert len(kept) < HEAD_BYTES + TAIL_BYTES + 200
    assert "last" in found.told
    assert len(found.told) < SHOWN + 1000


async def test_output_is_made_harmless_and_shows_no_secret(
    inspector: Inspect, worktree: Path, tmp_path: Path
) -> None:
    (worktree / "a").write_text("x")
    script = "printf '\\033]52;c;eA==\\007 %s' \"$DB_PASSWORD\"; exit 1"
    found = await inspector(script=script, variables={"DB_PASSWORD": "hunter2hunter2"}).inspect()
    assert "\033" not in found.told
    assert "hunter2" not in found.told
    assert "hunter2" not in (tmp_path / "home/quality/0001-validationScript.log").read_text()


async def test_a_check_sees_its_own_variables_and_no_credential_of_the_model(
    inspector: Inspect, worktree: Path
) -> None:
    (worktree / "a").write_text("x")
    secret = {"ANTHROPIC_API_KEY": "k" * 20, "CLAUDE_CODE_OAUTH_TOKEN": "o" * 20, "KAGENTS_TEAM": "{}"}
    own = {"OWN": "mine", "KAGENTS_PROCESS_OF": "x"}
    found = await inspector(script="env; exit 1", variables=own | secret).inspect()
    assert "KAGENTS_PROCESS_OF=x" in found.told
    assert "OWN=mine" in found.told
    assert "CI=true" in found.told
    assert not any(name in found.told for name in secret)


async def test_nothing_that_tells_what_to_run_is_a_failure_with_a_way_out(
    inspector: Inspect, worktree: Path
) -> None:
    (worktree / "a").write_text("x")
    found = await inspector(tests=True).inspect()
    assert "no target `test` in a Makefile" in found.told
    assert "spec.qualityGates.testCommand" in found.told


async def test_old_outputs_make_room(inspector: Inspect, worktree: Path, tmp_path: Path) -> None:
    for number in range(25):
        (worktree / "a").write_text(str(number))
        await inspector(script="true", rounds=100).inspect()
    kept = sorted(path.name for path in (tmp_path / "home/quality").glob("*.log"))
    assert (len(kept), kept[-1]) == (20, "0025-validationScript.log")


async def test_what_is_kept_may_be_torn(inspector: Inspect, worktree: Path, tmp_path: Path) -> None:
    (worktree / "a").write_text("x")
    folder = tmp_path / "home/quality"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text('{"passed":')
    (folder / "checks.jsonl").write_text('{"gate":\n')
    follower = Follower(tmp_path / "home")
    assert not (await inspector(script="exit 1").inspect()).passed
    [told] = follower.news()
    assert "check validationScript (the team's script): ended with status 1" in told
    assert follower.news() == []


async def _dead(pid: int) -> None:
    """Waits until the process has ended."""
    async with asyncio.timeout(20):
        while _alive(pid):  # noqa: ASYNC110  (a state, no event)
            await asyncio.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
