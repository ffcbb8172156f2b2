"""What is behind texts and logs, without a screen: entries by time, searching, marking what matches."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from kagents_core.safetext import clean
from kagents_tui.widgets.entries import Entries, Mark
from kagents_tui.widgets.searched import MARKED, MOST_MARKED, marked, pattern_of

START = datetime(2026, 11, 21, tzinfo=UTC)


def entry(second, number=0):
    at = None if second is None else START + timedelta(seconds=second)
    return Mark(at, clean(""), clean(str(number)))


SECONDS = st.none() | st.integers(0, 30)
BATCHES = st.lists(st.lists(SECONDS, max_size=6), max_size=8)


@given(BATCHES)
def test_entries_are_in_the_order_of_their_times_and_then_in_that_in_which_they_came(batches):
    entries, expected, number = Entries(), [], 0
    for batch in batches:
        timed, last = [], expected[-1][0] if expected else datetime.min.replace(tzinfo=UTC)
        added = [entry(second, number := number + 1) for second in batch]
        for each in added:
            last = each.at or last
            timed.append((last, each))
        before = list(entries.kept)
        changed = entries.add(added)
        expected = sorted([*expected, *timed], key=lambda pair: pair[0])
        assert entries.kept == [each for _, each in expected]
        assert (changed is None) is (not batch)
        if changed is not None:
            assert entries.kept[:changed] == before[:changed]
            assert changed == len(before) or before[changed] is not entries.kept[changed]


@given(BATCHES, st.integers(1, 20))
def test_the_oldest_entries_go_and_numbers_stay(batches, limit):
    entries = Entries(limit)
    come = 0
    for number, batch in enumerate(batches):
        come += len(batch)
        entries.add([entry(100 + number) for _ in batch])
        assert len(entries) <= limit
        assert entries.first == entries.dropped == come - len(entries)


@given(st.lists(SECONDS, max_size=8), st.lists(SECONDS, max_size=8), st.integers(1, 10))
def test_an_older_page_stands_in_front_and_fits(page, held, limit):
    entries = Entries(limit)
    entries.add([entry(second) for second in held])
    before = list(entries.kept)
    older = [entry(second) for second in page]
    kept = entries.put_before(older)
    room = limit - len(before)
    assert entries.kept == [*(older[-room:] if room else []), *before]
    assert kept is (bool(page) and room > 0)
    assert entries.index_at(START - timedelta(days=1)) <= entries.index_at(START + timedelta(days=1))


@given(st.text(max_size=60), st.text(max_size=5))
def test_marking_changes_no_text_and_marks_all_that_matches(text, wanted):
    pattern = pattern_of(wanted)
    segments = marked(text, pattern, Style())
    assert "".join(each.text for each in segments) == text
    for each in segments:
        if each.style == MARKED:
            assert pattern.fullmatch(each.text) or pattern.search(text)
    found = [match for match in pattern.finditer(text) if match.group()] if pattern else []
    assert sum(each.style == MARKED for each in segments) == len(found)


def test_what_is_no_regular_expression_is_searched_as_it_is():
    assert pattern_of("a(b").search("xA(B")
    assert pattern_of("") is None
    assert pattern_of("a|b").search("B")


def test_only_so_many_matches_of_a_line_are_marked():
    segments = marked("a" * 1000, pattern_of("a"), Style())
    assert sum(each.style == MARKED for each in segments) == MOST_MARKED
