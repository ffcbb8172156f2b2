"""One line of text: title, hints, messages. It draws plain segments and knows no markup."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from kagents_tui.rows.cells import Cell
from kagents_tui.theme import monochrome, on_ground, style
from kagents_tui.widgets.layout import fit


class Bar(Widget):
    """A line with a left part, which is cut when the room is short, and a right part, which stays."""

    DEFAULT_CSS = "Bar { height: 1; }"

    def __init__(self, *, id: str | None = None, fill: str = " ") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.left: Sequence[Cell] = ()
        self.right: Sequence[Cell] = ()
        self.fill = fill

    def show(self, left: Sequence[Cell], right: Sequence[Cell] = ()) -> None:
        """Replaces what the line shows."""
        if (left, right) != (self.left, self.right):
            self.left, self.right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        colourless = monochrome(self)
        width = self.size.width

        def drawn(cells: Sequence[Cell]) -> list[Segment]:
            return [Segment(each.text, style(each.tone, monochrome=colourless)) for each in cells]

        left, right = Strip(drawn(self.left)), Strip(drawn(self.right))
        if right.cell_length > width:
            right = Strip([])
        room = width - right.cell_length
        if left.cell_length > room:
            left = cut(left, room)
        gap = fit("", room - left.cell_length).replace(" ", self.fill)
        filler = Segment(gap, style("dim", monochrome=colourless))
        return on_ground(self, Strip.join([left, Strip([filler]), right]).simplify())


def cut(strip: Strip, width: int) -> Strip:
    """The beginning of a strip, with an ellipsis where it was cut."""
    if width <= 1:
        return strip.crop(0, max(0, width))
    return Strip.join([strip.crop(0, width - 1), Strip([Segment("…")])])
