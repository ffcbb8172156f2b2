"""Writes docs/keys.md from the registry: ``python -m kagents_tui.keys_page docs/keys.md``."""

import sys
from collections.abc import Iterable
from pathlib import Path

from kagents_tui.actions import ACTIONS, SCREENS, Action, of_screen, shown_keys
from kagents_tui.actions.dialogs import DIALOG_TITLES, of_dialog
from kagents_tui.actions.writing import WRITING

TITLES = {
    "teams": "The list of teams",
    "gates": "The list of gates",
    "artifacts": "The list of artifacts",
    "namespace": "The list of namespaces",
    "context": "The list of contexts",
    "team": "One team",
    "all-mail": "The mail of all teams",
    "all-tasks": "The tasks of all teams",
    "document": "A text (description, YAML, message, help)",
    "log": "The log of a container",
    "agent": "One agent",
    "transcript": "The transcript of an agent",
    "diff": "The changes of an agent",
}


def page() -> str:
    """The page, in Markdown."""
    parts = [
        "# Keys and commands of kagents-tui",
        "",
        "Generated from `kagents_tui/actions/` by `make generate`; do not edit.",
        "",
        "A key marked *asks* opens a question with Cancel in focus. A key marked *changes* is not bound with",
        "`--read-only`, and is off, with the reason, where your role does not allow it. Every key can be",
        "changed in the [configuration](configuration.md), by the id in the last column.",
    ]
    for screen in SCREENS:
        parts += section(TITLES.get(screen, f"The list of {screen}"), of_screen(screen))
    for dialog, title in DIALOG_TITLES.items():
        parts += section(title, of_dialog(dialog))
    parts += section("Where text is typed", WRITING)
    parts += [
        "",
        "Every character is text there; so is `enter` in several lines. The keys from `text_up` on hold only",
        "in several lines.",
    ]
    parts += ["", "## The command line, after `:`", "", "| command | what it does |", "|---|---|"]
    for action in ACTIONS:
        if action.command:
            line = f":{action.command} {action.argument}".strip()
            parts.append(f"| `{line}` | {action.help} |")
    parts += [
        "",
        "`TEAM` is `namespace/name`, or a name that only one team has; without it, the team under the",
        "cursor is meant. `AGENT` is one of its agents; without it, that under the cursor, else the first.",
        "`:mail` and `:tasks` without a team are about the team whose view is open; on a list of all teams,",
        "or with a namespace (`all`: every one), a label or a context, they are about all teams.",
        "Tab completes, up and down go through what was typed before.",
    ]
    return "\n".join(parts) + "\n"


def section(title: str, actions: Iterable[Action]) -> list[str]:
    """A table of keys under its title."""
    head = ["", f"## {title}", "", "| keys | what it does | | id |", "|---|---|---|---|"]
    return head + [row(action) for action in actions if action.keys]


def row(action: Action) -> str:
    """One line of a table of keys."""
    keys = ", ".join(f"`{key}`" for key in shown_keys(action))
    marks = ["asks"] * action.dangerous + ["changes"] * action.mutates
    return f"| {keys} | {action.help} | {', '.join(marks)} | `{action.id}` |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
