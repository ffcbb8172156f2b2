"""Names in a few bytes each: a table of them says what a dictionary says."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.record.ledger import MailLedger
from kagents_runner.record.letters import Letter
from kagents_runner.record.packed import PackedTable
from kagents_runner.record.posts import Tally
from kagents_runner.record.register import Register

START = 1_800_000_000.0


@given(st.lists(st.tuples(st.binary(max_size=3), st.integers(0, 2**64 - 1)), max_size=300))
def test_a_table_is_a_dictionary(puts: list[tuple[bytes, int]]) -> None:
    table, known = PackedTable(), dict[bytes, int]()
    for name, value in puts:
        table.put(name, value)
        known[name] = value
    assert len(table) == len(known)
    for name in [*known, b"", b"\0", b"none of them"]:
        assert table.get(name) == known.get(name)
        assert (name in table) == (name in known)


def test_it_grows_over_its_first_size() -> None:
    table = PackedTable()
    for number in range(5000):
        table.put(b"%d" % number, number)
    assert len(table) == 5000
    assert all(table.get(b"%d" % number) == number for number in range(5000))
    assert b"5000" not in table


def test_what_is_settled_is_packed_and_still_known() -> None:
    register = Register()
    for number in range(10_000):
        register.enter(f"id-{number}", Tally("worker", b"%016d" % number, count=1))
    assert all(f"id-{number}" in register for number in range(10_000))
    assert sum(register.get(f"id-{number}") is not None for number in range(10_000)) < 5_000


def test_thousands_of_equal_messages_stay_apart() -> None:
    ledger, journal = MailLedger(), list[Mapping[str, Any]]()
    order: list[Callable[[], list[Mapping[str, Any]]]] = []
    for number in range(500):
        same = Letter("lead", "worker", "ok", id=f"n{number}")
        order.append(lambda same=same: ledger.sent(same, START))
        order.append(
            lambda number=number: ledger.sighted(f"l{number}", Letter("lead", "worker", "ok"), START)
        )
    random.Random(7).shuffle(order)
    for act in order:
        journal += act()
    journal += ledger.due(START + 1_000)
    assert Counter(entry["kind"] for entry in journal) == {"message": 500, "delivery": 500, "seen": 500}
