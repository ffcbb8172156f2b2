"""At most one request, whatever the server answers and wherever an attempt is cut off: 1,000 seeded runs."""

import random
from pathlib import Path

from kagents_runner.finish.checks import Checks
from kagents_runner.finish.documents import FinishDocument, Intents, PullRequestWish
from kagents_runner.finish.forge import LaterError, NotSentError, RefusedError, Request, UnknownError
from kagents_runner.finish.request import ensure, marker
from kagents_runner.termination import RunnerError

UID = "0b7e2f5c-6c1e-4f43-9d3c-5f2a7f0e9c11"
WISH = PullRequestWish(title="Work", target="main")
FAULTS = (
    "ok",
    "refused",
    "later",
    "not sent",
    "unknown, made",
    "unknown, not made",
    "killed, made",
    "killed, not made",
)


class Killed(BaseException):
    """The process ends here."""


class Forge:
    """A forge that makes or loses requests as a plan says; what it made is seen after some looks."""

    def __init__(self, plan: list[str], *, lag: int = 0) -> None:
        self.plan, self.lag = plan, lag
        self.made: list[Request] = []
        self.posts = 0

    async def find(self, head: str) -> list[Request]:
        if self.made and self.lag > 0:
            self.lag -= 1
            return []
        return list(self.made)

    async def create(self, *, head: str, target: str, title: str, body: str, draft: bool) -> Request:
        self.posts += 1
        what = self.plan.pop(0) if self.plan else "ok"
        if self.made:
            raise RefusedError("exists", 422)
        if what == "refused":
            raise RefusedError("no", 403)
        if what == "later":
            raise LaterError("later")
        if what == "not sent":
            raise NotSentError("down")
        if not what.endswith("not made"):
            self.made.append(Request(len(self.made) + 1, "https://forge/1", "open", body))
        if what.startswith("unknown"):
            raise UnknownError("cut")
        if what.startswith("killed"):
            raise Killed
        return self.made[-1]

    async def label(self, request: Request, labels: tuple[str, ...]) -> None: ...

    async def ask(self, request: Request, reviewers: tuple[str, ...]) -> None: ...

    async def checks(self, request: Request, commit: str) -> Checks:
        return Checks()


async def no_wait(_: float) -> None:
    return None


async def attempt(forge: Forge, intents: Intents, retry: str = "") -> str:
    """How one attempt ends: ``done``, ``again``, ``person`` or ``killed``."""
    document = FinishDocument(branch="kagents/demo", order=(), pull_request=WISH, retry=retry)
    try:
        await ensure(forge, intents, document, WISH, UID, marker(UID), sleep=no_wait)
    except RunnerError as error:
        return "person" if error.code == 64 else "again"
    except Killed:
        return "killed"
    return "done"


async def test_a_thousand_runs_end_in_one_request_or_with_a_person(tmp_path: Path) -> None:
    for seed in range(1000):
        chance = random.Random(seed)
        forge = Forge([chance.choice(FAULTS) for _ in range(4)], lag=chance.choice((0, 0, 1, 3)))
        directory = tmp_path / str(seed)
        directory.mkdir()
        end = "again"
        for _ in range(12):
            end = await attempt(forge, Intents(directory))
            assert len(forge.made) <= 1, f"seed {seed}"
            if end in ("done", "person"):
                break
        assert end == "person" or (end == "done" and len(forge.made) == 1), f"seed {seed}: {end}"


async def test_an_unknown_outcome_stays_a_persons_to_judge_and_is_posted_once(tmp_path: Path) -> None:
    forge, intents = Forge(["unknown, not made"]), Intents(tmp_path)
    assert [await attempt(forge, intents) for _ in range(3)] == ["person"] * 3
    assert forge.posts == 1
    assert await attempt(forge, intents, retry="looked, there is none") == "done"
    assert (forge.posts, len(forge.made)) == (2, 1)


async def test_a_killed_attempt_whose_request_shows_late_is_not_doubled(tmp_path: Path) -> None:
    forge, intents = Forge(["killed, made"], lag=3), Intents(tmp_path)
    assert await attempt(forge, intents) == "killed"
    assert await attempt(forge, intents) == "done"
    assert (forge.posts, len(forge.made)) == (1, 1)


async def test_a_torn_intent_counts_as_an_unknown_outcome(tmp_path: Path) -> None:
    (tmp_path / "intent.json").write_bytes(b'{"head":')
    forge = Forge([])
    assert await attempt(forge, Intents(tmp_path)) == "person"
    assert forge.posts == 0
