"""Small pure parts: filters, the layout of columns, wrapped lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kagents_core.safetext import clean
from kagents_tui.filters import FilterError, read_filter
from kagents_tui.rows.cells import Column, cell
from kagents_tui.widgets.layout import arrange, fit
from kagents_tui.widgets.wrapping import wrapped


def matches(text: str, row: str = "", labels: dict[str, str] | None = None) -> bool:
    """Whether a filter lets a row pass."""
    found = read_filter(text)
    return (found.text is None or found.text(row.lower())) and (
        found.labels is None or found.labels(labels or {})
    )


@pytest.mark.parametrize(
    ("text", "row", "passes"),
    [
        ("auth", "dev auth-refactor", True),
        ("AUTH", "dev auth-refactor", True),
        ("^dev", "dev auth", True),
        ("^auth", "dev auth", False),
        ("!auth", "dev auth", False),
        ("!auth", "dev docs", True),
        ("-f aref", "dev auth-refactor", True),
        ("-f fera", "dev auth-refactor", False),
        ("!-f aref", "dev auth-refactor", False),
        ("-f a.", "dev abc", False),
        ("", "anything", True),
        ("!", "anything", True),
        ("-l", "anything", True),
        ("-f ", "anything", True),
    ],
)
def test_filters(text, row, passes):
    assert matches(text, row) is passes


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("-l app=web", True),
        ("-l app==web", True),
        ("-l app=api", False),
        ("-l app!=api", True),
        ("-l app", True),
        ("-l !app", False),
        ("-l tier", False),
        ("-l app=web,team.example/owner=me", True),
        ("-l app=web,tier=1", False),
        ("!-l app=web", False),
    ],
)
def test_filters_by_label(text, passes):
    assert matches(text, labels={"app": "web", "team.example/owner": "me"}) is passes


@pytest.mark.parametrize("text", ["a[", "(", "!*", "-l a=b=c", "-l =", "-l a!b", "-l !a=b", "-l ,"])
def test_a_filter_that_cannot_be_read_is_told_in_one_sentence(text):
    with pytest.raises(FilterError) as error:
        read_filter(text)
    assert "\n" not in str(error.value)


@given(st.text(max_size=12), st.text(max_size=30))
def test_a_filter_and_its_inverse_disagree(text, row):
    try:
        straight, inverse = read_filter(text.lstrip("!")), read_filter("!" + text.lstrip("!"))
    except FilterError:
        return
    if straight.text is not None and inverse.text is not None:
        assert straight.text(row) is not inverse.text(row)


COLUMNS = (
    Column("A", lambda i, s: cell(""), 2, 2),
    Column("B", lambda i, s: cell(""), 5, 20, drop=2),
    Column("C", lambda i, s: cell(""), 5, 40, drop=1, grow=True),
    Column("D", lambda i, s: cell(""), 3, 9, drop=3, quiet=True),
)


@given(st.lists(st.integers(0, 60), min_size=4, max_size=4), st.integers(1, 200))
def test_columns_never_exceed_the_width_once_it_holds_the_minimum(wanted, width):
    layout = arrange(COLUMNS, wanted, width)
    used = sum(size for _, size in layout) + len(layout) - 1
    assert used <= max(width, 2)
    if any(COLUMNS[index].grow for index, _ in layout):
        assert used == width
    for index, size in layout:
        assert size >= COLUMNS[index].minimum


def test_a_quiet_column_is_left_out_while_it_is_empty():
    assert [index for index, _ in arrange(COLUMNS, [2, 5, 5, 0], 100)] == [0, 1, 2]
    assert [index for index, _ in arrange(COLUMNS, [2, 5, 5, 1], 100)] == [0, 1, 2, 3]


@given(st.text(max_size=40), st.integers(0, 30))
def test_a_fitted_text_has_exactly_the_width(text, width):
    assert cell_len(fit(clean(text, multiline=False), width)) == width


@given(st.text(max_size=200), st.integers(2, 40))
def test_a_wrapped_line_fits_and_loses_only_spaces(text, width):
    line = clean(text, multiline=False)
    pieces = wrapped(line, width)
    assert all(cell_len(piece) <= width for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(line.split())
