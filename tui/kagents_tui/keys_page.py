"""Writes docs/keys.md from the registry: ``python -m kagents_tui.keys_page docs/keys.md``."""

import sys
from pathlib import Path

from kagents_tui.actions import ACTIONS, SCREENS, Action, of_screen, shown_keys

TITLES = {
    "teams": "The list of teams",
    "gates": "The list of gates",
    "namespace": "The list of namespaces",
    "context": "The list of contexts",
    "team": "One team",
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
        parts += [
            "",
            f"## {TITLES.get(screen, f'The list of {screen}')}",
            "",
            "| keys | what it does | | id |",
            "|---|---|---|---|",
        ]
        parts += [row(action) for action in of_screen(screen) if action.keys]
    parts += ["", "## The command line, after `:`", "", "| command | what it does |", "|---|---|"]
    for action in ACTIONS:
        if action.command:
            line = f":{action.command} {action.argument}".strip()
            parts.append(f"| `{line}` | {action.help} |")
    parts += [
        "",
        "`TEAM` is `namespace/name`, or a name that only one team has; without it, the team under the",
        "cursor is meant. `AGENT` is one of its agents; without it, that under the cursor, else the first.",
        "Tab completes, up and down go through what was typed before.",
    ]
    return "\n".join(parts) + "\n"


def row(action: Action) -> str:
    """One line of a table of keys."""
    keys = ", ".join(f"`{key}`" for key in shown_keys(action))
    marks = ["asks"] * action.dangerous + ["changes"] * action.mutates
    return f"| {keys} | {action.help} | {', '.join(marks)} | `{action.id}` |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
