"""A request's checks: read from the forge as its description says, watched for a while, never a failure."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from finishing_team import Finishing
from forge_server import CONTRACT, TOKEN, ForgeServer
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.reconcile.rules.outcome import parse_outcome
from kagents_runner.finish.address import ForgeAddress
from kagents_runner.finish.checks import Checks
from kagents_runner.finish.checks_verb import told
from kagents_runner.finish.forge import LaterError, RefusedError, Request, UnknownError, Wire
from kagents_runner.finish.github import GitHub, github_headers
from kagents_runner.finish.gitlab import GitLab, gitlab_headers
from kagents_runner.finish.watch import Seen, glance, until_ended
from kagents_runner.termination import RunnerError

COMMIT = "c0ffee" * 6 + "c0ff"
REQUEST = Request(1, "https://forge.test/acme/backend/pull/1", "open", "")
RUN = CONTRACT["GET /repos/{owner}/{repo}/commits/{ref}/check-runs"]["entries"]["check_runs"]


def run(status: str, conclusion: str | None = None) -> dict[str, Any]:
    return {"status": status, "conclusion": conclusion}


async def read(forge: ForgeServer) -> Checks:
    async with Wire(forge.url, github_headers(TOKEN)) as wire:
        return await GitHub(wire, ForgeAddress("github", forge.url, "acme/backend")).checks(REQUEST, COMMIT)


async def test_check_runs_and_statuses_are_counted_together(forge: ForgeServer) -> None:
    forge.checks[COMMIT] = [run("completed", "success"), run("in_progress"), {"state": "failure"}]
    forge.checks["another"] = [{"state": "success"}]
    found = await read(forge)
    assert (found, found.state) == (Checks(1, 1, 1), "failing")


async def test_there_may_be_none(forge: ForgeServer) -> None:
    forge.checks[COMMIT] = []
    assert (await read(forge)).state == "none"


@pytest.mark.parametrize("status", RUN["status"])
async def test_every_published_status_is_pending_until_it_is_completed(
    forge: ForgeServer, status: str
) -> None:
    forge.checks[COMMIT] = [run(status)]
    assert (await read(forge)).pending == (0 if status == "completed" else 1)


@pytest.mark.parametrize("conclusion", [*RUN["conclusion"], "stale", "startup_failure", None])
async def test_every_published_conclusion_passes_or_fails(forge: ForgeServer, conclusion: str | None) -> None:
    forge.checks[COMMIT] = [run("completed", conclusion)]
    passes = conclusion in ("success", "neutral", "skipped")
    assert (await read(forge)).state == ("passing" if passes else "failing")


@pytest.mark.parametrize(
    ("state", "word"),
    [("success", "passing"), ("pending", "pending"), ("failure", "failing"), ("error", "failing")],
)
async def test_statuses_of_a_commit(forge: ForgeServer, state: str, word: str) -> None:
    forge.checks[COMMIT] = [{"state": state}]
    assert (await read(forge)).state == word


async def test_more_than_a_page_of_them(forge: ForgeServer) -> None:
    forge.checks[COMMIT] = [run("completed", "success")] * 250 + [{"state": "success"}] * 100
    assert await read(forge) == Checks(350)


async def test_of_gitlab_s_pipelines_the_newest_of_each_kind_counts(forge: ForgeServer) -> None:
    forge.pipelines = [
        {"id": 8, "source": "merge_request_event", "status": "success", "sha": "merged"},
        {"id": 5, "source": "merge_request_event", "status": "failed", "sha": COMMIT},
        {"id": 7, "source": "push", "status": "running", "sha": COMMIT},
    ]
    async with Wire(forge.url, gitlab_headers(TOKEN)) as wire:
        gitlab = GitLab(wire, ForgeAddress("gitlab", forge.url, "acme/backend"))
        assert await gitlab.checks(REQUEST, COMMIT) == Checks(passing=1, pending=1)
        for status, word in (("manual", "pending"), ("canceled", "failing"), ("skipped", "passing")):
            forge.pipelines = [{"id": 9, "source": "push", "status": status}]
            assert (await gitlab.checks(REQUEST, COMMIT)).state == word


Answer = tuple[Request, Checks] | Exception


class Clock:
    """Looks that answer in turn, the last for ever, and a clock that only sleeping moves."""

    def __init__(self, *answers: Answer | Checks) -> None:
        self.answers = [(REQUEST, each) if isinstance(each, Checks) else each for each in answers]
        self.looks, self.slept = 0, 0.0

    async def look(self) -> tuple[Request, Checks]:
        found = self.answers[min(self.looks, len(self.answers) - 1)]
        self.looks += 1
        if isinstance(found, Exception):
            raise found
        return found

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds

    async def watch(self, how: Callable[..., Awaitable[Seen]], seconds: float) -> Seen:
        return await how(self.look, seconds, sleep=self.sleep)


async def test_a_glance_ends_with_the_first_check() -> None:
    clock = Clock(Checks(), Checks(), Checks(pending=1), Checks(passing=1))
    assert (await clock.watch(glance, 10)).checks == Checks(pending=1)
    assert clock.looks == 3 and clock.slept < 10


async def test_a_wait_goes_on_until_nothing_is_pending_and_stays_so() -> None:
    early = Checks(passing=1)  # one that is done at once, before the others are there
    clock = Clock(early, Checks(1, 0, 2), Checks(2, 0, 1), Checks(2, 1), Checks(2, 1))
    assert (await clock.watch(until_ended, 3600)).checks == Checks(2, 1)
    assert clock.looks == 5


async def test_a_forge_without_checks_is_not_waited_for_to_the_end() -> None:
    clock = Clock(Checks())
    seen = await clock.watch(until_ended, 3600)
    assert seen.checks is not None and seen.checks.state == "none"
    assert 120 <= clock.slept <= 240


@pytest.mark.parametrize("state", ["merged", "closed"])
async def test_a_request_that_is_over_is_not_waited_for(state: str) -> None:
    over = Request(1, REQUEST.url, state, "")
    clock = Clock(Checks(pending=1), (over, Checks(pending=1)))
    seen = await clock.watch(until_ended, 3600)
    assert seen.request == over and clock.looks == 2


@given(st.lists(st.sampled_from(["later", "unknown", "pending", "none"]), min_size=1, max_size=9), st.data())
async def test_whatever_happens_it_ends_in_time(kinds: list[str], data: st.DataObject) -> None:
    seconds = data.draw(st.floats(1, 7200))
    answers: dict[str, Answer | Checks] = {
        "later": LaterError("429"),
        "unknown": UnknownError("500"),
        "pending": Checks(pending=1),
        "none": Checks(),
    }
    clock = Clock(*(answers[kind] for kind in kinds))
    seen = await clock.watch(until_ended, seconds)
    assert clock.slept <= seconds + 0.001
    assert seen.checks is not None or seen.problem
    assert bool(seen.problem) == (kinds[min(clock.looks, len(kinds)) - 1] in ("later", "unknown"))


@pytest.mark.parametrize("error", [RefusedError("403 no", 403), RunnerError("no token", code=64)])
async def test_what_a_person_must_change_is_not_asked_again(error: Exception) -> None:
    clock = Clock(Checks(pending=1), error)
    seen = await clock.watch(until_ended, 3600)
    assert (clock.looks, seen.checks, seen.problem) == (2, Checks(pending=1), str(error))


async def test_a_forge_that_never_answers_is_left_behind() -> None:
    never: asyncio.Future[tuple[Request, Checks]] = asyncio.get_running_loop().create_future()
    seen = await glance(lambda: never, 0.01)
    assert (seen.checks, bool(seen.problem)) == (None, True)


@given(
    st.sampled_from(["open", "merged", "closed"]),
    st.booleans(),
    st.one_of(st.none(), st.builds(Checks, *[st.integers(0, 2000)] * 3)),
    st.text(max_size=6000),
)
def test_the_controller_reads_what_the_wait_tells(
    state: str, draft: bool, checks: Checks | None, problem: str
) -> None:
    request = Request(1, REQUEST.url, state, "", draft)
    words = told(Seen(request, checks, problem))
    assert len(words) <= 4096
    read = parse_outcome(json.dumps({"url": REQUEST.url, "state": "open"}), words.decode())
    assert read.pull_request is not None
    assert read.pull_request.state == ("draft" if draft and state == "open" else state)
    if checks is None:
        assert read.pull_request.checks is None
    else:
        assert read.pull_request.checks is not None
        assert read.pull_request.checks.model_dump() == checks.as_fields()
    assert bool(read.warnings) == bool(problem)


@pytest.fixture
def ready(finishing: Finishing, forge: ForgeServer) -> Finishing:
    finishing.create_pr(forge, glanceSeconds=5, waitSeconds=60)
    finishing.work("backend", "api.py", "api\n")
    assert finishing.merge().code == 0
    return finishing


@pytest.mark.long
def test_the_delivery_tells_of_checks_that_are_there(ready: Finishing, forge: ForgeServer) -> None:
    forge.usual = [run("queued")]
    assert json.loads(ready.finish().sentence)["checks"] == {
        "state": "pending",
        "passing": 0,
        "failing": 0,
        "pending": 1,
    }
    ready.wish["pullRequest"]["provider"] = "github"
    forge.usual = []
    forge.on_look = lambda: forge.usual.append({"state": "success"})  # the checks appear a moment later
    assert json.loads(ready.finish().sentence)["checks"]["state"] == "passing"


@pytest.mark.long
@pytest.mark.parametrize("plan", ["403", "404", "422", "429", "500", "503", "cut"])
def test_a_delivery_that_cannot_read_checks_is_a_good_one(
    ready: Finishing, forge: ForgeServer, plan: str
) -> None:
    ready.wish["pullRequest"]["glanceSeconds"] = 1
    forge.looks = [plan] * 20
    ran = ready.finish()
    assert ran.code == 0 and "checks" not in json.loads(ran.sentence)
    assert "warnings" not in json.loads(ran.sentence) and "checks not read" in ran.out + ran.err


@pytest.mark.long
def test_the_wait_survives_a_forge_that_falters_and_tells_the_end(
    ready: Finishing, forge: ForgeServer
) -> None:
    forge.usual = [run("in_progress")]
    ready.wish["pullRequest"]["glanceSeconds"] = 0
    assert "checks" not in json.loads(ready.finish().sentence)
    forge.looks = ["429"]

    def merged() -> None:
        forge.usual = [run("completed", "success")]
        forge.requests[0] |= {"state": "closed", "merged_at": "2026-01-01T00:00:00Z"}

    forge.on_look = merged
    ran = ready.verb("checks")
    assert ran.code == 0, ran.err
    result = json.loads(ran.sentence)
    assert (result["state"], result["checks"]["state"]) == ("merged", "passing")
    assert TOKEN not in ran.out + ran.err + ran.sentence


@pytest.mark.long
@pytest.mark.parametrize("broken", ["expired", "403", "no request"])
def test_a_wait_that_cannot_read_ends_well_and_says_why(
    ready: Finishing, forge: ForgeServer, broken: str
) -> None:
    ready.wish["pullRequest"] |= {"glanceSeconds": 0, "waitSeconds": 0.1}
    if broken != "no request":
        assert ready.finish().code == 0
    forge.refused = {TOKEN} if broken == "expired" else set()
    forge.looks = ["403"]
    ran = ready.verb("checks")
    assert ran.code == 0, ran.err
    [warning] = json.loads(ran.sentence)["warnings"]
    assert warning.startswith("checks not read: ")
    assert {"expired": "401", "403": "403 said so", "no request": "does not show"}[broken] in warning
    assert TOKEN not in ran.out + ran.err + ran.sentence
