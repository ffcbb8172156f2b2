"""The views of one team and of the whole cluster, and what a person does in the mail and among the tasks."""

from typing import Final

from kagents_tui.actions.action import Action
from kagents_tui.actions.acts import EXEC
from kagents_tui.actions.kinds import kind

GRAMMAR: Final = "[TEAM or NAMESPACE…] [LABEL=VALUE…] [/FILTER] [@CONTEXT]"
"""What may follow a view that there is of one team and of all teams."""

TEAM: Final = (
    Action(
        "mail",
        (),
        "mail",
        "Mail of the open team, else of all teams: who wrote to whom, delivered, seen, waiting",
        ("everywhere",),
        "team",
        command="mail",
        argument=GRAMMAR,
        opens="kagents_tui.screens.mail:MailScreen",
        across="all-mail",
    ),
    Action(
        "tasks",
        (),
        "tasks",
        "Tasks of the open team, as a board or a list with the history of each; else of all teams",
        ("everywhere",),
        "team",
        command="tasks",
        argument=GRAMMAR,
        opens="kagents_tui.screens.tasks:TasksScreen",
        across="all-tasks",
    ),
    kind(
        "pulse", "kagents_tui.screens.pulse:PulseScreen", "The whole cluster at a glance", aliases=("pulses",)
    ),
    Action("pane_usage", ("5",), "usage", "To tokens and money", ("team",)),
    Action(
        "maximise",
        ("f",),
        "full screen",
        "All the room for the pane, or all panes again; mail and tasks open in full",
        ("team",),
        footer=True,
    ),
    Action(
        "toggle_view",
        ("t",),
        "other view",
        "Threads or every message; the board or a list",
        ("mail", "tasks"),
        footer=True,
    ),
    Action(
        "reply",
        ("r",),
        "reply",
        "Answer the message: its sender and summary are filled in",
        ("mail", "all-mail"),
        mutates=True,
        needs=EXEC,
        footer=True,
    ),
    Action(
        "unread_only",
        ("u",),
        "unread",
        "Only what nobody has looked at yet, or all",
        ("mail", "all-mail"),
        footer=True,
    ),
    Action(
        "preview",
        ("p",),
        "preview",
        "The message below the list, or more room for the list",
        ("mail", "all-mail"),
    ),
    Action(
        "jump_agent",
        ("o",),
        "agent",
        "To the agent: the sender, or the task's owner",
        ("mail", "tasks", "all-mail", "all-tasks"),
    ),
    Action(
        "sources",
        ("i",),
        "teams",
        "Which teams are read, how old that is, which cannot be read and why",
        ("all-mail", "all-tasks"),
        footer=True,
    ),
    Action("jump_task", ("number_sign",), "task", "To the task that the message names", ("mail",)),
    Action("column_left", ("h", "left"), "column left", "To the column on the left", ("tasks",)),
    Action("column_right", ("l", "right"), "column right", "To the column on the right", ("tasks",)),
)
