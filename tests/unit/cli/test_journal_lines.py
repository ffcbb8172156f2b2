"""The journal's lines out of a stream that is cut anywhere, and entries out of lines of any kind."""

from hypothesis import given
from hypothesis import strategies as st

from kagents_tui import journal_stream
from kagents_tui.cli.fold import mail_of, tasks_of
from kagents_tui.cli.lines import entry_line
from kagents_tui.journal_stream import lines, parse


async def split(chunks):
    async def source():
        for chunk in chunks:
            yield chunk

    return [line async for line in lines(source())]


@given(st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"\n", b" ")), max_size=8), st.data())
async def test_lines_are_the_same_wherever_the_stream_is_cut(whole, data):
    stream = b"".join(line + b"\n" for line in whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert await split(chunks) == whole


async def test_a_line_that_is_too_long_is_left_out(monkeypatch):
    monkeypatch.setattr(journal_stream, "MAX_LINE", 8)
    assert await split([b"one\n", b"x" * 9, b"x" * 9 + b"\ntwo\n", b"y" * 9 + b"\nthree"]) == [
        b"one",
        b"two",
        b"three",
    ]


@given(st.binary(max_size=60))
def test_any_line_is_an_entry_or_nothing(data):
    entry = parse(data)
    assert entry is None or isinstance(entry["kind"], str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(
    ["message", "delivery", "seen", "resent", "task", "activity", "usage", "request", "phase", "x"]
)
FIELDS = st.sampled_from(
    ["id", "text", "task", "agent", "costMicros", "delivered", "seen", "at", "type", "detail"]
)


@given(
    st.lists(st.tuples(KINDS, st.dictionaries(FIELDS, JSON)).map(lambda pair: {**pair[1], "kind": pair[0]}))
)
def test_entries_of_any_content_are_shown_on_one_harmless_line(entries):
    for entry in entries:
        line = entry_line(entry)
        assert not set(line) & {*map(chr, range(32)), *map(chr, range(127, 160)), "\u202e", "\u2028"}
    assert isinstance(mail_of(entries), list)
    assert isinstance(tasks_of(entries), list)
