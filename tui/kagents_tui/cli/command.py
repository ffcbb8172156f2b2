"""The entry of ``kagents``: parses, runs the verb, and turns every error into one line and an exit code."""

import argparse
import os
import sys
from collections.abc import Sequence

from kagents_core.kube.errors import ApiError, KubeError, NotFound
from kagents_core.safetext import clean
from kagents_tui.cli import (
    answering,
    applying,
    attach,
    attention,
    completion,
    copying,
    cost,
    deciding,
    diff,
    engine,
    exits,
    export,
    options,
    pulse,
    reading,
    retrying,
    stopping,
    talking,
    team_views,
    transcript,
    waiting,
)
from kagents_tui.cli.exits import CommandError
from kagents_tui.cli.options import Parser

GROUPS = (
    applying,
    reading,
    team_views,
    pulse,
    cost,
    attention,
    deciding,
    answering,
    retrying,
    stopping,
    talking,
    transcript,
    attach,
    diff,
    export,
    copying,
    waiting,
    completion,
    engine,
)


def build_parser(program: str = "kagents") -> Parser:
    """The whole command line, as a program of this name."""
    codes = "\n".join(f"  {code}  {meaning}" for code, meaning in exits.MEANINGS.items())
    parser = Parser(
        prog=program,
        description="Runs teams of Claude Code agents on Kubernetes or on this machine, and manages them.",
        epilog=f"exit codes:\n{codes}\n\n`kagents VERB --help` tells more; `kagents-tui` is the full screen.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_connection(parser, before_verb=True)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for group in GROUPS:
        group.register(verbs)
    return parser


def main(arguments: Sequence[str] | None = None, *, program: str = "kagents") -> int:
    """Run the command under a name; returns its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == [completion.HIDDEN]:
        return completion.answer(build_parser(program), words[1:])
    parsed = build_parser(program).parse_args(words)
    import asyncio  # 40 ms that --help need not spend

    try:
        code: int = asyncio.run(parsed.run(parsed))
        return code
    except CommandError as error:
        _complain(parsed.verb, *error.sentences)
        return error.code
    except KubeError as error:
        _complain(parsed.verb, _sentence(error))
        return exits.code_of(error)
    except BrokenPipeError:
        # The reader has gone, which is its right; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    except KeyboardInterrupt:
        return exits.INTERRUPTED


def _sentence(error: KubeError) -> str:
    if isinstance(error, NotFound) and error.message.startswith("the server could not find"):
        return "the API server does not know the kagents resources; install the chart first"
    if isinstance(error, ApiError) and not error.message:
        return f"the API server answered {error.status} {error.reason}"
    return str(error)


def _complain(verb: str, *sentences: str) -> None:
    for sentence in sentences:
        line = clean(" ".join(sentence.split()), limit=2_000, multiline=False)
        print(f"kagents {verb}: {line}", file=sys.stderr)  # noqa: T201
