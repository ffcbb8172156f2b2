"""``kubectl kagents``: the same command as a plugin of kubectl, which finds ``kubectl-kagents`` on PATH.

``kubectl_complete-kagents`` beside it answers kubectl's own completion: candidates as ``completion.answer``
tells them, then a line with the directive of kubectl's completion.
"""

import sys
from collections.abc import Sequence
from typing import Final

PROGRAM: Final = "kubectl kagents"
NO_FILES: Final = ":4"
FILES_TOO: Final = ":0"
FOLDERS_ONLY: Final = ":16"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command under kubectl's name; returns its exit code."""
    from kagents_tui.cli.command import main as run

    return run(arguments, program=PROGRAM)


def complete(arguments: Sequence[str] | None = None) -> int:
    """Answers kubectl: the arguments are the words behind ``kubectl kagents``, the last one at the cursor."""
    from kagents_tui.cli.command import build_parser
    from kagents_tui.cli.completing import FILES
    from kagents_tui.cli.completion import found_for, told

    words = list(sys.argv[1:] if arguments is None else arguments)
    found = found_for(build_parser(PROGRAM), words)
    if isinstance(found, str):
        lines = [FILES_TOO if found == FILES else FOLDERS_ONLY]
    else:
        lines = [*map(told, found), NO_FILES]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0
