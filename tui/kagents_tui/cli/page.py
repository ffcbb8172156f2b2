"""The page of the ``kagents`` command, from its parser: ``python -m kagents_tui.cli.page FILE``."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from kagents_tui.cli import exits
from kagents_tui.cli.command import build_parser

FIX: Final = "run `make generate` and commit docs/cli.md"

_HEAD: Final = """# The kagents command

Generated from the command's parser by `make generate`; do not edit.

Every verb takes the connection options below, before or after the verb. Without any of them the API server
is the one that kubectl would use; without a kubeconfig it is the embedded engine, started if need be.

Tables are made safe for a terminal: text of agents cannot command it. JSON and YAML hold the text as it is,
with everything beyond printable ASCII escaped. Answers go to standard output; remarks and errors, one line
each, to standard error.
"""


def cli_page() -> str:
    """The page as Markdown. Not argparse's own layout, which differs between Python versions."""
    parser = build_parser()
    lines = [_HEAD, "## Exit codes\n", "| code | meaning |\n|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in exits.MEANINGS.items()]
    lines += ["", "## Connection options\n", "| option | meaning |\n|---|---|"]
    connection = [action for action in parser._actions if action.option_strings and action.dest != "help"]
    lines += [_row(action) for action in connection]
    known = {action.dest for action in connection}
    for name, verb, help_text in _verbs(parser):
        lines += ["", f"## kagents {name}\n", f"{help_text[0].upper()}{help_text[1:]}.\n"]
        lines += _arguments(verb, known)
        lines += ["```", *verb.get_default("examples"), "```"]
    return "\n".join(lines) + "\n"


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, verb in action.choices.items():
                yield name, verb, words[name]


def _arguments(verb: argparse.ArgumentParser, known: set[str]) -> list[str]:
    own = [action for action in verb._actions if action.dest != "help" and action.dest not in known]
    if not own:
        return []
    return ["| argument | meaning |\n|---|---|", *map(_row, own), ""]


def _row(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    names = ", ".join(action.option_strings)
    shown = f"{names} {metavar}".strip() if names else metavar
    if not names and action.nargs == "?":
        shown = f"[{shown}]"
    return f"| `{shown}` | {action.help} |".replace("|DIR|", "\\|DIR\\|")


def main(arguments: Sequence[str]) -> int:
    """Write the page to the given file."""
    if len(arguments) != 1:
        print("usage: python -m kagents_tui.cli.page FILE", file=sys.stderr)  # noqa: T201
        return exits.USAGE
    Path(arguments[0]).write_text(cli_page(), encoding="utf-8")
    return exits.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
