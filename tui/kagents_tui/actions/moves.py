"""Moving, sorting, filtering and searching inside a view."""

from typing import Final

from kagents_tui.actions.action import Action

NAMED: Final = ("agents", "runs", "templates", "events", "all-mail", "all-tasks")
"""Lists with a name, a namespace and an age, beside teams and gates."""

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
        "Show matching rows: a regular expression; `!` in front inverts, `-l` labels, `-f` fuzzy",
        ("list",),
        footer=True,
    ),
    Action("sort_attention", ("U",), "sort: urgent", "Sort by what is most urgent", ("teams",)),
    Action("sort_name", ("N",), "sort: name", "Sort by name; again reverses", ("teams", "gates", *NAMED)),
    Action(
        "sort_namespace",
        ("P",),
        "sort: namespace",
        "Sort by namespace; again reverses",
        ("teams", "gates", *NAMED),
    ),
    Action("sort_phase", ("S",), "sort: phase", "Sort by phase; again reverses", ("teams", "agents", "runs")),
    Action("sort_cost", ("C",), "sort: cost", "Sort by cost; again reverses", ("teams", "gates", "runs")),
    Action("sort_age", ("A",), "sort: age", "Sort by age; again reverses", ("teams", "gates", *NAMED)),
    Action("sort_next", ("greater_than_sign",), "sort: next", "Sort by the next column", ("list",)),
    Action("sort_previous", ("less_than_sign",), "sort: previous", "Sort by the column before", ("list",)),
    Action("sort_reverse", ("O",), "sort: reverse", "Reverse the order", ("list",)),
    Action("wide", ("ctrl+w",), "wide", "All columns, or those that fit", ("view",)),
    Action("scroll_right", ("right",), "right", "With all columns: further right", ("view",)),
    Action("scroll_left", ("left",), "left", "With all columns: further left", ("view",)),
    Action(
        "people", ("ctrl+z",), "needs you", "Only what needs a person, or everything", ("teams", "agents")
    ),
    Action("mark", ("space",), "mark", "Mark the row, or take its mark away", ("marks",)),
    Action(
        "mark_range",
        ("ctrl+space",),
        "mark range",
        "Mark every row from the last marked one to the cursor",
        ("marks",),
    ),
    Action("unmark", ("ctrl+backslash",), "unmark", "Take every mark away", ("marks",)),
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
    Action("follow", ("s",), "follow", "Follow the end, or stay", ("book",), footer=True),
)
