"""The views of one team and of the whole cluster, and what a person does in the mail and among the tasks."""

from typing import Final

from kagents_tui.actions.action import Action
from kagents_tui.actions.acts import EXEC
from kagents_tui.actions.kinds import kind

TEAM: Final = (
    Action(
        "mail",
        (),
        "mail",
        "Mail of a team: who wrote to whom, delivered, seen, waiting",
        ("everywhere",),
        "team",
        command="mail",
        argument="[TEAM] [/FILTER]",
        opens="kagents_tui.screens.mail:MailScreen",
    ),
    Action(
        "tasks",
        (),
        "tasks",
        "Tasks of a team: board and list, with the history of each",
        ("everywhere",),
        "team",
        command="tasks",
        argument="[TEAM] [/FILTER]",
        opens="kagents_tui.screens.tasks:TasksScreen",
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
        ("mail",),
        mutates=True,
        needs=EXEC,
        footer=True,
    ),
    Action(
        "unread_only", ("u",), "unread", "Only what nobody has looked at yet, or all", ("mail",), footer=True
    ),
    Action("preview", ("p",), "preview", "The message below the list, or more room for the list", ("mail",)),
    Action("jump_agent", ("o",), "agent", "To the agent: the sender, or the task's owner", ("mail", "tasks")),
    Action("jump_task", ("number_sign",), "task", "To the task that the message names", ("mail",)),
    Action("column_left", ("h", "left"), "column left", "To the column on the left", ("tasks",)),
    Action("column_right", ("l", "right"), "column right", "To the column on the right", ("tasks",)),
)
