"""The fold of journal entries."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.journal import mail as mail_of_journal
from kagents_tui.journal import timeline as timeline_of_journal
from kagents_tui.journal import usage as usage_of_journal
from kagents_tui.journal_view import JournalView


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


def test_old_mail_is_dropped_and_counted(monkeypatch):
    monkeypatch.setattr(mail_of_journal, "MAIL_LIMIT", 40)
    view = JournalView()
    changes = view.watch()
    for number in range(1, 44):
        view.apply({"seq": number, **message(f"m{number}")})
    assert (len(view.mail), view.dropped_mail) == (40, 3)
    assert view.unread("worker")[0] == 40
    assert [key for key, mail in changes.mail.items() if mail is None] == ["m1", "m2", "m3"]


def test_long_mail_is_dropped_before_memory_runs_out(monkeypatch):
    monkeypatch.setattr(mail_of_journal, "TEXT_BUDGET", 100)
    view = fold(*(message(f"m{number}", text="x" * 40) for number in range(5)))
    assert (list(view.mail), view.mail_size, view.dropped_mail) == (["m3", "m4"], 80, 3)


def test_old_happenings_go_and_the_watcher_hears_of_it(monkeypatch):
    monkeypatch.setattr(timeline_of_journal, "TIMELINE_LIMIT", 2)
    view = JournalView()
    changes = view.watch()
    for number in range(1, 4):
        view.apply({"seq": number, "kind": "phase", "phase": f"P{number}"})
    assert [each.what for each in view.timeline] == ["team P2", "team P3"]
    assert (changes.timeline["1"], changes.timeline["3"].what) == (None, "team P3")


def test_a_watcher_hears_of_what_is_there_and_then_of_changes_alone():
    view = fold(message(), {"kind": "task", "id": "1", "task": {"subject": "a"}})
    changes = view.watch()
    first = changes.take()
    assert (list(first.mail), list(first.tasks), first.agents) == (["m1"], ["1"], True)
    view.apply({"seq": 3, "kind": "delivery", "id": "m1", "delivered": "2026-11-21T10:00:01Z"})
    second = changes.take()
    assert (second.mail["m1"].state(), second.tasks, second.usage) == ("delivered", {}, False)
    view.unwatch(changes)
    view.apply({"seq": 4, **message("m2")})
    assert changes.mail == {}


def owners(*names, status="in_progress"):
    return [
        {"kind": "task", "id": "1", "task": {"subject": "a", "status": status, "owner": name}}
        for name in names
    ]


def test_a_task_keeps_its_history_and_the_age_of_its_state():
    view = fold(
        {"kind": "task", "id": "1", "task": {"subject": "a"}, "changed": ["created"]},
        *owners("ann", "ann"),
        {"kind": "task", "id": "1", "task": {"subject": "a", "status": "completed", "owner": "ann"}},
    )
    task = view.tasks["1"]
    assert [str(each.status) for each in task.history] == [
        "pending", "in_progress", "in_progress", "completed",
    ]  # fmt: skip
    assert (task.since.second, task.history[0].changed) == (4, ("created",))


def test_who_claimed_a_task_of_another_is_told():
    assert fold(*owners("ann", "", "bob")).tasks["1"].taken_from == ()
    view = fold(*owners("ann", "bob"))
    assert view.tasks["1"].taken_from == ("ann",)
    assert "task 1 of ann claimed by bob too" in [each.what for each in view.timeline]
    assert fold(*owners("ann", "bob", "ann")).tasks["1"].taken_from == ("bob",)


def used(cost, **more):
    return {"kind": "usage", "agent": "ann", "model": "opus", "costMicros": cost, "inputTokens": 3} | more


def test_spending_is_kept_by_agent_and_model_and_over_time():
    view = fold(used(5), used(7, estimated=True), used(1, model="haiku"), used("many"))
    opus = view.ledger.rows["ann", "opus"]
    assert (opus.requests, opus.cost, opus.input_tokens, opus.estimated) == (3, 12, 9, True)
    assert (view.ledger.total, [total for _, total in view.ledger.curve]) == (13, [5, 12, 13, 13])
    assert view.activity["ann"].cost == 13


def test_the_curve_of_spending_stays_short(monkeypatch):
    monkeypatch.setattr(usage_of_journal, "SPEND_POINTS", 8)
    view = fold(*(used(1) for _ in range(100)))
    assert view.ledger.total == 100
    assert len(view.ledger.curve) <= 9
    assert [total for _, total in view.ledger.curve] == sorted(total for _, total in view.ledger.curve)


def test_spending_an_hour_counts_the_last_hour_alone():
    view = JournalView()
    for number, (at, cost) in enumerate((("08:00", 900), ("09:30", 50), ("09:50", 10)), 1):
        view.apply({"seq": number, "at": f"2026-11-21T{at}:00Z", **used(cost)})
    assert view.ledger.per_hour(datetime(2026, 11, 21, 10, tzinfo=UTC)) == 60
    assert fold(used(5)).ledger.per_hour(datetime(2026, 11, 21, 10, 0, 20, tzinfo=UTC)) is None


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
