"""A look at what came into a mailbox alone finds what a look at all of it finds."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_runner.record.ledger import MailLedger
from kagents_runner.record.letters import Letter

TEXTS = ("alpha", "alpha", "beta")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("hook"), st.integers(0, 7)),
        st.tuples(st.just("append"), st.lists(st.integers(0, 9), min_size=1, max_size=3)),
        st.tuples(st.just("take"), st.just(0)),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.just("sight"), st.integers(0, 2)),
        st.tuples(st.just("kill"), st.just(0)),
    ),
    max_size=40,
)


def letter(index: int) -> Letter:
    """Message ``index``; 8 has no id, 9 borrows that of 0."""
    known = {8: None, 9: "id-0"}.get(index, f"id-{index}")
    return Letter("lead", "worker", TEXTS[index % 3], None, f"2026-11-21T00:00:{index:02d}Z", known)


class Watcher:
    """One ledger and the mailbox it looks at, whole or by what came."""

    def __init__(self, *, by_growth: bool) -> None:
        self.ledger, self.by_growth = MailLedger(), by_growth
        self.box: list[int] = []
        self.known: int | None = None

    def do(self, step: str, what: Any, now: float) -> list[Any]:
        if step == "hook":
            return self.ledger.sent(letter(what), now)
        if step == "sight":
            return self.ledger.sighted(f"line-{now}", Letter("lead", "worker", TEXTS[what]), now)
        if step == "kill":
            lost = self.ledger.lost("worker", now)
            self.box, self.known = [], None
            return [entry for post in lost for entry in self.ledger.resent(post, now)]
        if step == "append":
            self.box += what
        elif step == "take":
            self.box, self.known = [], None
        return self._look(now) if step == "look" else []

    def _look(self, now: float) -> list[Any]:
        new = [letter(index) for index in self.box[self.known or 0 :]]
        appended = self.by_growth and self.known is not None and self.ledger.goes_on("worker", new)
        letters = new if appended else [letter(index) for index in self.box]
        look = self.ledger.look("worker", letters, now, appended=appended)
        self.known = len(self.box) if look.plain and self.box else None
        return [*look.entries, [(post.id, post.present) for post in look.left]]


@settings(deadline=None, max_examples=150)
@given(steps)
def test_looks_at_what_came_alone_change_nothing(done: list[tuple[str, Any]]) -> None:
    whole, grown = Watcher(by_growth=False), Watcher(by_growth=True)
    for number, (step, what) in enumerate(done):
        now = 1_800_000_000.0 + number
        assert whole.do(step, what, now) == grown.do(step, what, now)
        assert [post.id for post in whole.ledger.held("worker")] == [
            post.id for post in grown.ledger.held("worker")
        ]
        assert whole.ledger.count_unread("worker") == len(whole.ledger.unread("worker"))


def test_what_lies_costs_nothing_at_the_next_look() -> None:
    watcher = Watcher(by_growth=True)
    watcher.do("append", [1, 2, 3], 0.0)
    watcher.do("look", 0, 1.0)
    watcher.do("append", [4], 2.0)
    watcher.do("hook", 4, 2.0)
    new = [letter(4)]
    assert watcher.ledger.goes_on("worker", new)
    assert not watcher.ledger.goes_on("worker", [])  # the hook told of one that is not among them
    assert not watcher.ledger.goes_on("worker", [letter(8)])
    assert not watcher.ledger.goes_on("worker", [letter(9)])
