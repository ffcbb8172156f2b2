"""The ledger's law: however sources interleave, repeat, fail or restart, each message is journalled once."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_runner.record import register, shelves
from kagents_runner.record.clock import seconds
from kagents_runner.record.ledger import MailLedger
from kagents_runner.record.letters import Letter


@pytest.fixture(params=[False, True], scope="module", autouse=True)
def packed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test also with a ledger that packs what is settled at once."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            patch.setattr(register, "_FEWEST", 0)
            patch.setattr(shelves, "UNSIGHTED_KEPT", 1)
        yield


TEXTS = (
    "alpha beginning",
    "alpha beginning",
    "beta <b> & more",
    '{"type":"task_assignment","taskId":"%d"}',
    "🙂",
)
START = 1_800_000_000.0
Entry = Mapping[str, Any]


def letter(index: int, *, named: bool = True) -> Letter:
    """Message ``index``: few senders, receivers and texts, so that many are alike."""
    text = TEXTS[index % len(TEXTS)]
    text = text % (index % 2) if "%d" in text else text
    sender = ("lead", "scout")[index // 5 % 2]
    return Letter(
        sender, "worker", text, None, f"2026-11-21T00:00:{index:02d}Z", f"id-{index}" if named else None
    )


def alike(one: Letter) -> tuple[str, str]:
    return one.sender, one.text


def pump(ledger: MailLedger, now: float) -> list[Entry]:
    """Lets every wait run out."""
    return ledger.due(now + 1_000)


indices = st.integers(0, 19)
events = st.lists(
    st.one_of(
        st.tuples(st.just("hook"), indices),
        st.tuples(st.just("claim"), indices),
        st.tuples(st.just("sight"), indices),
        st.tuples(st.just("box"), st.lists(indices, max_size=4, unique=True)),
        st.tuples(st.just("pass"), st.integers(1, 12)),
    ),
    max_size=60,
)


def tell(ledger: MailLedger, event: tuple[str, Any], now: float) -> list[Entry]:
    kind, what = event
    if kind == "hook":
        return ledger.sent(letter(what), now)
    if kind == "claim":
        return ledger.claimed(f"toolu-{what}", letter(what, named=False), now)
    if kind == "sight":
        return ledger.sighted(f"line-{what}:0", letter(what, named=False), now)
    if kind == "box":
        return ledger.mailbox("worker", [letter(index) for index in what], now)
    return ledger.due(now)


def expected(told: list[tuple[str, Any]]) -> Counter[tuple[str, str]]:
    """For each likeness: the most messages that a single source has told of."""
    sources: dict[str, set[int]] = {"named": set(), "claim": set(), "sight": set()}
    for kind, what in told:
        if kind in ("hook", "box"):
            sources["named"].update([what] if kind == "hook" else what)
        elif kind != "pass":
            sources[kind].add(what)
    most: Counter[tuple[str, str]] = Counter()
    for found in sources.values():
        most |= Counter(alike(letter(index)) for index in found)
    return most


def check(journal: list[Entry], told: list[tuple[str, Any]]) -> None:
    messages = [entry for entry in journal if entry["kind"] == "message"]
    assert len({entry["id"] for entry in messages}) == len(messages)
    assert Counter((entry["from"], entry["text"]) for entry in messages) == expected(told)
    ids = {entry["id"] for entry in messages}
    for kind in ("delivery", "seen"):
        told_of = Counter(entry["id"] for entry in journal if entry["kind"] == kind)
        assert set(told_of) <= ids
        assert all(count == 1 for count in told_of.values())


@settings(deadline=None, max_examples=150)
@given(events)
def test_any_interleaving_loss_and_repetition_gives_each_message_once(told: list[tuple[str, Any]]) -> None:
    ledger, now, journal = MailLedger(), START, list[Entry]()
    for event in told:
        now += event[1] if event[0] == "pass" else 0.01
        journal += tell(ledger, event, now)
    check(journal + pump(ledger, now), told)


@settings(deadline=None, max_examples=150)
@given(events, st.integers(0, 60), st.integers(0, 60), st.integers(0, 30))
def test_a_restart_anywhere_neither_doubles_nor_loses(
    told: list[tuple[str, Any]], saved_at: int, killed_at: int, torn: int
) -> None:
    saved_at, killed_at = sorted((min(saved_at, len(told)), min(killed_at, len(told))))
    ledger, now, journal = MailLedger(), START, list[Entry]()
    state, synced = ledger.state(), 0
    for number, event in enumerate(told[:killed_at]):
        if number == saved_at:
            state, synced = ledger.state(), len(journal)
        now += event[1] if event[0] == "pass" else 0.01
        journal += tell(ledger, event, now)
    if saved_at == killed_at:
        state, synced = ledger.state(), len(journal)
    journal = journal[: max(synced, len(journal) - torn)]

    ledger = MailLedger()
    for entry in journal:
        ledger.restore(entry, now)
    ledger.load(state)
    for event in told[saved_at:]:
        now += event[1] if event[0] == "pass" else 0.01
        journal += tell(ledger, event, now)
    check(journal + pump(ledger, now), told)


def kinds(entries: list[Entry]) -> list[str]:
    return [entry["kind"] for entry in entries]


def test_the_life_of_a_message() -> None:
    ledger = MailLedger()
    assert kinds(ledger.sent(letter(0), START)) == ["message"]
    assert ledger.to_look_at() == ["worker"]
    assert ledger.mailbox("worker", [letter(0)], START + 0.1) == []
    assert [post.id for post in ledger.unread("worker")] == ["id-0"]
    assert ledger.mailbox("worker", [], START + 1) == [
        {"kind": "delivery", "id": "id-0", "delivered": "2027-01-15T08:00:01.000Z"}
    ]
    assert [post.id for post in ledger.unread("worker")] == ["id-0"]
    (seen,) = ledger.sighted("uuid:0", letter(0, named=False), START + 2)
    assert (seen["kind"], seen["id"], seen["line"]) == ("seen", "id-0", "uuid:0")
    assert ledger.unread("worker") == ()
    assert ledger.settled("worker", "id-0")


def test_a_sighting_tells_delivery_too_and_may_come_first() -> None:
    ledger = MailLedger()
    assert ledger.sighted("uuid:0", letter(0, named=False), START) == []
    assert kinds(ledger.sent(letter(0), START + 1)) == ["message", "delivery", "seen"]
    assert pump(ledger, START) == []


def test_a_text_that_the_transcript_writes_differently_is_recognised() -> None:
    ledger = MailLedger()
    long = "A long enough beginning of a text, and then some more <b>&amp;</b> …"
    ledger.sent(Letter("lead", "worker", long, id="x"), START)
    ledger.sighted("uuid:0", Letter("lead", "worker", long[:52] + " [cut]"), START)
    assert kinds(pump(ledger, START)) == ["delivery", "seen"]


def test_a_request_to_shut_down_is_recognised_though_the_receiver_is_shown_advice_behind_it() -> None:
    ledger = MailLedger()
    request = (
        '{"type":"shutdown_request","requestId":"shutdown-1@builder","from":"team-lead","reason":"done"}'
    )
    told = Letter("team-lead", "builder", request, id="m1")
    assert kinds(ledger.sent(told, START)) == ["message"]
    ledger.mailbox("builder", [told], START)
    ledger.mailbox("builder", [], START)
    shown = Letter("team-lead", "builder", f"{request}\n\nThis is a shutdown request. To approve it, ...")
    seen = [*ledger.sighted("uuid:0", shown, START), *pump(ledger, START)]
    assert [(entry["kind"], entry["id"]) for entry in seen] == [("seen", "m1")]


def test_an_id_that_another_message_has_borrowed_hides_nothing() -> None:
    ledger = MailLedger()
    ledger.mailbox("worker", [letter(0)], START)
    forged = Letter("lead", "worker", "something quite different", id="id-0")
    (entry,) = ledger.mailbox("worker", [letter(0), forged], START)
    assert entry["text"] == "something quite different"
    assert entry["id"] != "id-0"
    assert ledger.mailbox("worker", [letter(0), forged], START) == []
    assert kinds(ledger.mailbox("scout", [Letter("lead", "scout", "hello", id="id-0")], START)) == ["message"]


def test_entries_without_an_id_get_stable_ones() -> None:
    ledger = MailLedger()
    first = ledger.mailbox("worker", [letter(0, named=False), letter(0, named=False)], START)
    assert kinds(first) == ["message", "message"]
    assert ledger.mailbox("worker", [letter(0, named=False), letter(0, named=False)], START + 1) == []


def test_protocol_messages_are_journalled_with_their_type_and_data() -> None:
    ledger = MailLedger()
    text = '{"type":"shutdown_request","requestId":"shutdown-1@worker"}'
    (entry,) = ledger.sent(Letter("team-lead", "worker", text, id="s"), START)
    assert (entry["type"], entry["data"]["requestId"]) == ("shutdown_request", "shutdown-1@worker")
    assert ledger.unread("worker") == ()


def test_what_kagents_takes_itself_is_delivered_and_seen_at_once() -> None:
    ledger = MailLedger()
    mail = [Letter("worker", "team-lead", "done", id="1"), Letter("worker", "team-lead", "done", id="2")]
    assert kinds(ledger.taken(mail, "team-lead", START)) == [*["message"] * 2, *["delivery", "seen"] * 2]
    assert ledger.taken(mail, "team-lead", START) == []


def killed_worker(now: float) -> MailLedger:
    ledger = MailLedger()
    ledger.mailbox("worker", [letter(0), letter(2)], now)
    ledger.mailbox("worker", [], now + 1)
    ledger.sighted("uuid:0", letter(0, named=False), now + 2)
    return ledger


def test_mail_that_a_killed_process_had_taken_is_lost_until_it_is_put_back() -> None:
    ledger = killed_worker(START)
    (post,) = ledger.lost("worker", START + 5)
    assert post.id == "id-2"
    assert ledger.resent(post, START + 6) == [{"kind": "resent", "id": "id-2", "agent": "worker"}]
    assert ledger.lost("worker", START + 5) == ()
    assert kinds(ledger.mailbox("worker", [letter(2)], START + 7)) == []
    assert kinds(ledger.mailbox("worker", [], START + 8)) == ["delivery"]
    assert kinds(ledger.sighted("uuid:1", letter(2, named=False), START + 9)) == ["seen"]


def test_mail_that_the_new_process_took_is_not_lost() -> None:
    ledger = killed_worker(START)
    assert ledger.lost("worker", START + 0.5) == ()


def test_a_message_that_was_seen_twice_because_it_was_put_back_stays_one() -> None:
    ledger = killed_worker(START)
    (post,) = ledger.lost("worker", START + 5)
    ledger.resent(post, START + 6)
    ledger.sighted("late:0", letter(2, named=False), START + 7)
    ledger.sighted("uuid:1", letter(2, named=False), START + 8)
    assert pump(ledger, START + 8) == []


def test_what_went_while_no_recorder_watched_counts_as_lost_when_it_may_be() -> None:
    ledger = MailLedger()
    journal = ledger.mailbox("worker", [letter(0)], START)
    ledger = MailLedger()
    for entry in journal:
        ledger.restore(entry, START)
    ledger.mailbox("worker", [], START + 60, first=True)
    assert [post.id for post in ledger.lost("worker", START + 30)] == ["id-0"]


def test_an_agent_without_a_transcript_has_nothing_unread_or_lost_once_delivered() -> None:
    ledger = MailLedger()
    ledger.keeps_transcript("worker", kept=False)
    ledger.mailbox("worker", [letter(0)], START)
    assert len(ledger.unread("worker")) == 1
    ledger.mailbox("worker", [], START + 1)
    assert ledger.unread("worker") == ()
    assert ledger.lost("worker", START + 9) == ()


def test_a_persons_message_waits_until_it_is_in_the_mailbox() -> None:
    ledger = MailLedger()
    own = Letter("team-lead", "worker", "hello", id="p")
    assert kinds(ledger.queued(own, START)) == ["message"]
    assert ledger.mailbox("worker", [], START + 1) == []
    assert ledger.waits("worker", "p")
    ledger.posted("worker", "p", START + 2)
    assert kinds(ledger.mailbox("worker", [], START + 3)) == ["delivery"]
    assert not ledger.waits("worker", "p")


def test_times_of_others_are_read_or_replaced() -> None:
    assert seconds("2027-01-15T08:00:01.000Z", 0) == START + 1
    assert seconds("yesterday", 5) == 5
    assert seconds(None, 5) == 5
