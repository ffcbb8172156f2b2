"""Moving, sorting, filtering and searching inside a view."""

from typing import Final

from kagents_tui.actions.action import Action

MOVES: Final = (
    Action("down", ("j", "down"), "down", "One row down", ("list", "document")),
    Action("up", ("k", "up"), "up", "One row up", ("list", "document")),
    Action("first", ("g", "home"), "first", "To the first row", ("list", "document")),
    Action("last", ("G", "end"), "last", "To the last row", ("list", "document")),
    Action("page_down", ("ctrl+f", "pagedown"), "page down", "One page down", ("list", "document")),
    Action("page_up", ("ctrl+b", "pageup"), "page up", "One page up", ("list", "document")),
    Action(
        "filter",
        ("slash",),
        "filter",
        "Show matching rows: a regular expression, `!` in front inverts",
        ("list",),
        footer=True,
    ),
    Action("sort_attention", ("U",), "sort: urgent", "Sort by what is most urgent", ("teams",)),
    Action("sort_name", ("N",), "sort: name", "Sort by name; again reverses", ("teams", "gates")),
    Action("sort_phase", ("P",), "sort: phase", "Sort by phase; again reverses", ("teams",)),
    Action("sort_cost", ("C",), "sort: cost", "Sort by cost; again reverses", ("teams", "gates")),
    Action("sort_age", ("A",), "sort: age", "Sort by age; again reverses", ("teams",)),
    Action("next_pane", ("tab",), "pane", "To the next pane", ("team",), footer=True),
    Action("previous_pane", ("shift+tab",), "previous pane", "To the pane before", ("team",)),
    Action("pane_agents", ("1",), "agents", "To the agents", ("team",)),
    Action("pane_mail", ("2",), "mail", "To the mail", ("team",)),
    Action("pane_tasks", ("3",), "tasks", "To the tasks", ("team",)),
    Action("pane_timeline", ("4",), "timeline", "To the timeline", ("team",)),
    Action("search", ("slash",), "search", "Search: a regular expression", ("document",), footer=True),
    Action("next_match", ("n",), "next match", "To the next match", ("document",), footer=True),
    Action("previous_match", ("N",), "previous match", "To the match before", ("document",)),
    Action("wrap", ("w",), "wrap", "Wrap long lines, or cut them", ("document",), footer=True),
    Action("follow", ("s",), "follow", "Follow the end, or stay", ("log",), footer=True),
)
