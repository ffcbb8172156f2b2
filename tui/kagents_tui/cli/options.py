"""What the verbs share: options, the parser's plain errors, and a session with the chosen API server."""

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from kagents_core.api.resources import (
    AGENT_BUDGETS,
    AGENT_TEAM_RUNS,
    AGENT_TEAM_TEMPLATES,
    AGENT_TEAMS,
    AGENT_USAGES,
    Resource,
)
from kagents_tui.cli import exits
from kagents_tui.cli.exits import CommandError
from kagents_tui.connection import Choice, open_client

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

Verbs = Any
"""What ``add_subparsers`` returns; argparse keeps its class private."""

FORMATS: Final = ("table", "wide", "json", "yaml", "name")

KINDS: Final[dict[str, Resource]] = {
    "team": AGENT_TEAMS,
    "at": AGENT_TEAMS,
    "agentteam": AGENT_TEAMS,
    "run": AGENT_TEAM_RUNS,
    "atr": AGENT_TEAM_RUNS,
    "agentteamrun": AGENT_TEAM_RUNS,
    "template": AGENT_TEAM_TEMPLATES,
    "att": AGENT_TEAM_TEMPLATES,
    "agentteamtemplate": AGENT_TEAM_TEMPLATES,
    "budget": AGENT_BUDGETS,
    "ab": AGENT_BUDGETS,
    "agentbudget": AGENT_BUDGETS,
    "usage": AGENT_USAGES,
    "au": AGENT_USAGES,
    "agentusage": AGENT_USAGES,
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(exits.USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


@dataclass(frozen=True, slots=True)
class Session:
    """An open client and the namespace that is meant when none is named."""

    client: "Client"
    namespace: str
    everywhere: bool = False

    @property
    def scope(self) -> str | None:
        """The namespace to list, or None for all."""
        return None if self.everywhere else self.namespace


def verb(verbs: Verbs, name: str, help: str, examples: Sequence[str]) -> argparse.ArgumentParser:  # noqa: A002
    """A verb's parser with the options every verb has, and its examples at the end of its help."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog="examples:\n" + "\n".join(f"  {line}" for line in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(examples=tuple(examples))
    return parser


def add_connection(parser: argparse.ArgumentParser, *, before_verb: bool = False) -> None:
    """Which API server, and which namespace.

    ``before_verb`` is for the command itself; its values count unless the verb repeats them.
    """
    add = parser.add_argument
    missing = None if before_verb else argparse.SUPPRESS
    add("-n", "--namespace", metavar="NAME", default=missing, help="namespace; the context's when absent")
    add(
        "--context",
        metavar="NAME",
        default=missing,
        help="context; the kubeconfig's current one when absent",
    )
    add(
        "--kubeconfig",
        metavar="FILE",
        default=missing,
        help="kubeconfig; KUBECONFIG or ~/.kube/config if absent",
    )
    flag = False if before_verb else argparse.SUPPRESS
    add("--local", action="store_true", default=flag, help="the embedded engine, which is started if need be")
    add(
        "--data",
        metavar="DIR",
        default=missing,
        help="data directory of the embedded engine; implies --local",
    )


def add_everywhere(parser: argparse.ArgumentParser) -> None:
    """All namespaces at once."""
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="every namespace")


def add_output(parser: argparse.ArgumentParser, formats: Sequence[str] = FORMATS) -> None:
    """How the answer is written."""
    parser.add_argument(
        "-o",
        "--output",
        choices=formats,
        default="table",
        metavar="FORMAT",
        help=f"one of {', '.join(formats)}",
    )


@asynccontextmanager
async def session(arguments: argparse.Namespace) -> AsyncIterator[Session]:
    """An open session with the API server that the options choose."""
    choice = Choice(
        kubeconfig=arguments.kubeconfig,
        context=arguments.context,
        local=arguments.local or arguments.data is not None,
        data=arguments.data,
    )
    if choice.local and (choice.kubeconfig or choice.context):
        raise CommandError(exits.USAGE, "--local does not go together with --kubeconfig or --context")
    client = await open_client(choice, note)
    async with client:
        namespace = arguments.namespace or client.config.namespace
        yield Session(client, namespace, bool(getattr(arguments, "all_namespaces", False)))


def note(sentence: str) -> None:
    """A remark that is not part of the answer, on standard error; nothing in it commands a terminal."""
    from kagents_core.safetext import clean

    print(f"kagents: {clean(sentence, limit=1_000, multiline=False)}", file=sys.stderr)  # noqa: T201


def split_kind(text: str, *, kinds: Sequence[Resource] = tuple(KINDS.values())) -> tuple[Resource, str]:
    """``run/NAME`` as (runs, NAME); a bare name is a team's. Raises CommandError for another kind."""
    kind, slash, name = text.rpartition("/")
    resource = KINDS.get(kind.partition(".")[0].lower().removesuffix("s")) if slash else AGENT_TEAMS
    if resource is None or resource not in kinds or not name:
        known = ", ".join(dict.fromkeys(f"{each.singular}/NAME" for each in kinds))
        raise CommandError(exits.USAGE, f"{text}: name a team, or one of {known}")
    return resource, name
