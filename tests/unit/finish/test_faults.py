"""``finish`` killed at every step, and what the other side may do: one request, or a person with the reason.

Its steps: look for a request, make it, its labels, its reviewers, a look at its checks; and before them the
push, whose own steps are git's look at the branches, and the transfer.
"""

from pathlib import Path
from typing import Any

import pytest
from finishing_team import Finishing
from forge_server import TOKEN, ForgeServer
from runner_places import git

from kagents_runner.finish.address import ForgeAddress
from kagents_runner.finish.documents import FinishDocument, Intents, PullRequestWish
from kagents_runner.finish.forge import Wire
from kagents_runner.finish.github import GitHub, github_headers
from kagents_runner.finish.request import ensure, marker
from kagents_runner.termination import RunnerError

WISH = PullRequestWish(title="Work", target="main")
MOST_CALLS = 20


@pytest.fixture
def served(finishing: Finishing, forge: ForgeServer) -> Finishing:
    """Merged work, to be pushed over HTTP and asked for on the same server."""
    forge.root = finishing.remote.parents[1]
    finishing.place.repository["url"] = f"{forge.url}/acme/backend.git"  # type: ignore[index]
    folder = finishing.place.root / "git-secret"
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    finishing.place.variables["KAGENTS_GIT_CREDENTIALS_DIR"] = str(folder)
    finishing.create_pr(forge, labels=["auth"], reviewers=["ann"], glanceSeconds=5)
    finishing.work("backend", "api.py", "api\n")
    assert finishing.merge().code == 0
    return finishing


@pytest.mark.long
@pytest.mark.parametrize("once_done", [False, True])
def test_killed_at_every_step(served: Finishing, forge: ForgeServer, once_done: bool) -> None:
    made: list[str] = []
    for at in range(1, MOST_CALLS):
        served.wish |= {"branch": f"kagents/killed-{at}", "retry": ""}
        forge.requests.clear()
        code = served.finish_killed(forge, at, once_done=once_done)
        call = forge.calls[min(at, len(forge.calls)) - 1]  # a git that it had started may go on
        step = call.split()[0] + " " + call.rpartition("/")[2]
        if step == "POST pulls" and not once_done:
            # Nobody can know that it was not made, so a person looks; how that is said is tried below.
            assert (served.place.root / "finish" / "intent.json").exists()
            served.wish["retry"] = "looked: there is none"
        again = served.finish()
        assert (again.code, forge.made()) == (0, 1), f"{step}: {again.sentence}"
        made.append(step)
        if code == 0:
            break
    assert code == 0, "it never ran to its end"
    assert {"GET refs", "POST git-receive-pack", "GET pulls", "POST pulls", "POST labels"} <= set(made)
    assert {"POST requested_reviewers", "GET check-runs", "GET status"} <= set(made)


def test_a_target_that_moved_meanwhile_is_the_forges_to_judge(served: Finishing, forge: ForgeServer) -> None:
    tree = git(served.remote, "rev-parse", "main^{tree}")
    moved = git(served.remote, "commit-tree", "-m", "theirs", "-p", "main", tree)
    git(served.remote, "update-ref", "refs/heads/main", moved)
    ran = served.finish()
    assert (ran.code, forge.made()) == (0, 1), ran.sentence
    assert served.pushed("api.py") == "api"
    assert git(served.remote, "rev-parse", "main") == moved


def test_a_token_that_expired_before_the_push(served: Finishing, forge: ForgeServer) -> None:
    forge.refused = {TOKEN}
    ran = served.finish()
    assert ran.code == 64 and "refused the credential" in ran.sentence
    assert TOKEN not in ran.sentence + ran.out + ran.err
    forge.refused = set()
    assert (served.finish().code, forge.made()) == (0, 1)


def test_a_branch_that_moved_between_two_attempts(served: Finishing, forge: ForgeServer) -> None:
    assert served.finish().code == 0
    tree = git(served.remote, "rev-parse", "kagents/demo^{tree}")
    theirs = git(served.remote, "commit-tree", "-m", "review", "-p", "kagents/demo", tree)
    git(served.remote, "update-ref", "refs/heads/kagents/demo", theirs)
    ran = served.finish()
    assert ran.code == 64 and "has a branch kagents/demo already" in ran.sentence
    assert git(served.remote, "rev-parse", "kagents/demo") == theirs


async def no_wait(_: float) -> None:
    return None


async def attempt(forge: ForgeServer, directory: Path, retry: str = "") -> str:
    """``done``, or the sentence."""
    document = FinishDocument(branch="kagents/demo", order=(), pull_request=WISH, retry=retry)
    async with Wire(forge.url, github_headers(TOKEN)) as wire:
        asked: Any = GitHub(wire, ForgeAddress("github", forge.url, "acme/backend"))
        try:
            await ensure(asked, Intents(directory), document, WISH, "u-1", marker("u-1"), sleep=no_wait)
        except RunnerError as error:
            return f"{error.code} {error.sentence}"
    return "done"


@pytest.mark.parametrize("plan", ["500", "502", "cut"])
async def test_an_answer_that_says_nothing_waits_for_a_person(
    forge: ForgeServer, tmp_path: Path, plan: str
) -> None:
    forge.creations = [plan]
    first = await attempt(forge, tmp_path)
    assert first.startswith("64 It is not known whether the request from kagents/demo was made")
    assert (await attempt(forge, tmp_path)).startswith("64 ")
    assert forge.made() == 0
    assert await attempt(forge, tmp_path, "looked: there is none") == "done"
    assert forge.made() == 1


@pytest.mark.parametrize("plan", ["422", "401", "404"])
async def test_a_refusal_is_a_persons_and_the_next_attempt_is_free(
    forge: ForgeServer, tmp_path: Path, plan: str
) -> None:
    forge.creations = [plan]
    assert (await attempt(forge, tmp_path)).startswith("64 ")
    assert forge.made() == 0
    assert await attempt(forge, tmp_path) == "done"
    assert forge.made() == 1
