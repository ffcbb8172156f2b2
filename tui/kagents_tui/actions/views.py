"""Going from one view to another, and out."""

from typing import Final

from kagents_tui.actions.action import Action

VIEWS: Final = (
    Action(
        "namespace",
        (),
        "namespace",
        "Show these namespaces only; `all` shows every one",
        ("everywhere",),
        command="ns",
        argument="NAMESPACE… | all",
    ),
    Action(
        "context",
        (),
        "context",
        "Change to another context of the kubeconfig",
        ("everywhere",),
        command="ctx",
        argument="CONTEXT",
    ),
    Action(
        "command", ("colon",), "command", "Open the command line; tab completes", ("everywhere",), footer=True
    ),
    Action(
        "help",
        ("question_mark",),
        "help",
        "Every key of this view",
        ("everywhere",),
        command="help",
        footer=True,
    ),
    Action(
        "back", ("escape", "q"), "back", "Clear the filter, else go back; it never quits", ("everywhere",)
    ),
    Action("interrupt", ("ctrl+c",), "interrupt", "Twice within two seconds: quit", ("everywhere",)),
    Action("quit", ("ctrl+q",), "quit", "Quit at once; teams keep running", ("everywhere",), command="quit"),
)
