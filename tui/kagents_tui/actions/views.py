"""Going from one view to another, and out."""

from typing import Final

from kagents_tui.actions.action import Action

VIEWS: Final = (
    Action(
        "namespace",
        (),
        "namespace",
        "Show these namespaces only, or `all`; without an argument, a list to choose from",
        ("everywhere",),
        command="ns",
        argument="[NAMESPACE… | all]",
        opens="kagents_tui.screens.namespaces:NamespacesScreen",
    ),
    Action(
        "context",
        (),
        "context",
        "Change to another context of the kubeconfig; without an argument, a list to choose from",
        ("everywhere",),
        command="ctx",
        argument="[CONTEXT]",
        opens="kagents_tui.screens.contexts:ContextsScreen",
    ),
    Action("all_namespaces", ("0",), "all namespaces", "Show every namespace", ("view",)),
    Action(
        "favourite",
        tuple("123456789"),
        "namespace",
        "Show one namespace alone: those used, then the fullest; the numbers stand above the list",
        ("view",),
        numbered=True,
    ),
    Action(
        "older_view", ("left_square_bracket",), "older view", "Back in the history of views", ("everywhere",)
    ),
    Action(
        "newer_view",
        ("right_square_bracket",),
        "newer view",
        "Ahead in the history of views",
        ("everywhere",),
    ),
    Action("last_view", ("minus",), "last view", "To the view before this one, and back", ("everywhere",)),
    Action("refresh", ("ctrl+r",), "refresh", "Read everything anew from the API server", ("view",)),
    Action(
        "command", ("colon",), "command", "Open the command line; tab completes", ("everywhere",), footer=True
    ),
    Action("palette", ("ctrl+p",), "palette", "Find what this view can do by its words", ("everywhere",)),
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
    Action("interrupt", ("ctrl+c",), "interrupt", "Twice within two seconds: quit", ("everywhere", "always")),
    Action(
        "quit",
        ("ctrl+q",),
        "quit",
        "Quit at once; teams keep running",
        ("everywhere", "always"),
        command="quit",
    ),
)
