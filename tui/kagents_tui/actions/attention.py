"""The list of everything that waits for a person, and how a person answers from there."""

from typing import Final

from kagents_tui.actions.action import Action
from kagents_tui.actions.acts import EXEC
from kagents_tui.actions.kinds import kind

ATTENTION: Final = (
    kind(
        "attention",
        "kagents_tui.screens.attention:AttentionScreen",
        "Everything that waits for a person, in all teams, the most urgent first",
        keys=("w",),
        scopes=("view",),
        aliases=("waiting", "w"),
    ),
    Action(
        "peek",
        ("space",),
        "peek",
        "Show below the list what is asked, in full; or close it",
        ("attention",),
        footer=True,
    ),
    Action(
        "allow",
        ("a",),
        "allow",
        "Allow the tool call, approve the plan or gate that is shown, send the choice, retry the delivery",
        ("attention",),
        mutates=True,
        needs=EXEC,
        footer=True,
    ),
    Action(
        "refuse",
        ("r",),
        "refuse",
        "Refuse it, with a reason for the agent; a gate: deny it",
        ("attention",),
        mutates=True,
        needs=EXEC,
        footer=True,
    ),
    Action(
        "choose",
        tuple("123456789"),
        "choose",
        "Choose an option of the question; of a plan: 1 approve, files are edited without asking, "
        "2 approve and ask for nothing more, 3 approve and ask for every tool",
        ("attention",),
        mutates=True,
        needs=EXEC,
        numbered=True,
    ),
    Action(
        "own_words",
        ("o",),
        "own words",
        "Answer the question in own words",
        ("attention",),
        mutates=True,
        needs=EXEC,
    ),
    Action("peek_down", ("J", "shift+down"), "scroll down", "Scroll what is asked down", ("attention",)),
    Action("peek_up", ("K", "shift+up"), "scroll up", "Scroll what is asked up", ("attention",)),
)
