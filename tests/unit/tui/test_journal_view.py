"""The fold of journal entries."""

from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.journal_view import MAIL_LIMIT, JournalView


def fold(*entries):
    view = JournalView()
    for number, entry in enumerate(entries, 1):
        view.apply({"seq": number, "at": f"2026-11-21T10:00:{number % 60:02d}.000Z"} | entry)
    return view


def message(key="m1", **more):
    return {
        "kind": "message",
        "id": key,
        "from": "lead",
        "to": "worker",
        "type": "message",
        "text": "go",
    } | more


def test_a_message_goes_from_waiting_to_delivered_to_seen():
    view = fold(message(written="2026-11-21T10:00:00Z"))
    assert view.mail["m1"].state() == "waiting"
    assert view.unread("worker")[0] == 1
    view.apply({"seq": 2, "kind": "delivery", "id": "m1", "delivered": "2026-11-21T10:00:01Z"})
    assert view.mail["m1"].state() == "delivered"
    view.apply({"seq": 3, "kind": "seen", "id": "m1", "seen": "2026-11-21T10:00:03Z"})
    assert view.mail["m1"].state() == "seen"
    assert view.mail["m1"].took().total_seconds() == 3
    assert view.unread("worker") == (0, None)


def test_mail_put_back_waits_again():
    view = fold(
        message(), {"kind": "delivery", "id": "m1"}, {"kind": "resent", "id": "m1", "agent": "worker"}
    )
    assert (view.mail["m1"].state(), view.mail["m1"].resent) == ("waiting", 1)
    assert view.unread("worker")[0] == 1


def test_entries_that_come_again_after_a_reconnect_change_nothing():
    view = fold(message(), message("m2"))
    view.apply({"seq": 1, **message("m9")})
    assert list(view.mail) == ["m1", "m2"]
    assert view.sequence == 2


def test_a_message_id_counts_once():
    assert len(fold(message(), message(text="other")).mail) == 1


def test_a_task_is_followed_and_deleted():
    native = {"id": "1", "subject": "parse", "status": "pending", "blockedBy": ["2"]}
    view = fold(
        {"kind": "task", "id": "1", "task": native},
        {"kind": "task", "id": "1", "task": native | {"status": "in_progress", "owner": "worker"}},
    )
    assert view.current_task("worker").subject == "parse"
    assert [each.what for each in view.timeline] == ["task 1 created: parse", "task 1 started by worker"]
    view.apply({"seq": 3, "kind": "task", "id": "1", "task": None})
    assert view.tasks == {}


def test_cost_adds_up_and_the_simulated_mark_stays():
    view = fold(
        {"kind": "activity", "agent": "worker", "state": "working", "simulated": True},
        {"kind": "usage", "agent": "worker", "costMicros": 5},
        {"kind": "usage", "agent": "worker", "costMicros": 7},
        {"kind": "activity", "agent": "worker", "state": "idle"},
    )
    activity = view.activity["worker"]
    assert (activity.cost, activity.simulated, activity.state) == (12, True, "idle")


def test_old_mail_is_dropped_and_counted():
    view = fold(*(message(f"m{number}") for number in range(MAIL_LIMIT + 3)))
    assert (len(view.mail), view.dropped_mail) == (MAIL_LIMIT, 3)
    assert view.unread("worker")[0] == MAIL_LIMIT


def test_live_marks_do_not_move_the_sequence():
    view = fold(message())
    view.apply({"kind": "live", "seq": 77})
    assert (view.live, view.sequence) == (True, 1)


NAMES = ("kind", "seq", "id", "task", "agent", "from", "to", "text", "at", "costMicros", "state")
KINDS = st.sampled_from(("message", "task", "usage", "activity", "gap", "request"))
VALUES = KINDS | st.integers() | st.none() | st.lists(st.text(max_size=3), max_size=2)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES), max_size=12))
def test_no_entry_breaks_the_fold(entries):
    view = JournalView()
    for entry in entries:
        view.apply(entry)
