"""What a person does with one agent: look at it, attach to it, see its changes, read its log."""

from typing import Final

from kagents_tui.actions.action import Action
from kagents_tui.actions.acts import EXEC

AGENT: Final = (
    Action(
        "agent",
        (),
        "agent",
        "One agent: its turns, mail and tasks in one log",
        ("everywhere",),
        "agent",
        command="log",
        argument="[TEAM [AGENT]]",
    ),
    Action(
        "attach",
        ("x",),
        "attach",
        "The agent's own screen; ctrl-], or the configured detachKey, leaves it, and the agent goes on",
        ("acts", "agent", "log", "transcript"),
        "agent",
        needs=EXEC,
        command="attach",
        argument="[TEAM [AGENT]]",
        footer=True,
    ),
    Action(
        "diff",
        ("D",),
        "diff",
        "What the agent has changed in its worktree",
        ("acts", "agent", "log", "transcript"),
        "agent",
        needs=EXEC,
        command="diff",
        argument="[TEAM [AGENT]]",
    ),
    Action(
        "transcript",
        ("enter",),
        "transcript",
        "The agent's whole transcript",
        ("agent",),
        "agent",
        needs=EXEC,
        command="transcript",
        argument="[TEAM [AGENT]]",
        footer=True,
    ),
    Action("since_all", ("0",), "all", "Everything that is there", ("book",)),
    Action("since_1m", ("1",), "1m", "The last minute only", ("book",)),
    Action("since_5m", ("2",), "5m", "The last five minutes only", ("book",)),
    Action("since_1h", ("3",), "1h", "The last hour only", ("book",)),
    Action("stamps", ("t",), "times", "Show the time of each line, or not", ("book",), footer=True),
    Action("mark_here", ("M",), "mark", "Put a mark at the end", ("book",)),
    Action(
        "previous_log",
        ("p",),
        "previous",
        "The container before its last restart, and back",
        ("log",),
        footer=True,
    ),
    Action(
        "older", ("O",), "older", "The page before; so does going up at the top", ("transcript",), footer=True
    ),
    Action("next_turn", ("J",), "next turn", "To the next turn", ("transcript",)),
    Action("previous_turn", ("K",), "previous turn", "To the turn before", ("transcript",)),
    Action("next_file", ("tab",), "next file", "To the next file", ("diff",), footer=True),
    Action("previous_file", ("shift+tab",), "previous file", "To the file before", ("diff",)),
    Action("next_hunk", ("J",), "next hunk", "To the next hunk", ("diff",), footer=True),
    Action("previous_hunk", ("K",), "previous hunk", "To the hunk before", ("diff",)),
    Action("reload", ("ctrl+r",), "again", "Compute the changes again", ("diff",), footer=True),
)
