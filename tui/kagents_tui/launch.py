"""The entry of ``kagents-tui``: options, and a first frame before anything of Kubernetes is imported."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from kagents_tui import configuration, memory
from kagents_tui.connection import Choice
from kagents_tui.session import Connection, Options
from kagents_tui.settings import Settings

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_tui.sample.stage.play import StageConnector

USAGE_ERROR: Final = 2
CLOSE_SECONDS: Final = 0.5
"""How long a connection may take to close; quitting waits for nothing longer."""

EPILOG: Final = """\
Without a kubeconfig, and outside of a cluster, the embedded engine is used and started if need be.
Quitting leaves all teams running. Press ? for the keys of a view, : for the command line.

examples:
  kagents-tui                            the cluster of the current context, all namespaces
  kagents-tui -n dev-agents -n ops       two namespaces
  kagents-tui --context staging --read-only
  kagents-tui --local                    the embedded engine on this machine
  kagents-tui --demo                     a demonstration without any cluster or engine
  kagents-tui --demo-team                a demonstration team on the embedded engine

environment:
  KAGENTS_CONFIG the configuration file, instead of ~/.config/kagents/config.yaml
  NO_COLOR       no colour at all: bold, underline and reverse video instead
  KUBECONFIG     the kubeconfig files, as for kubectl
  KAGENTS_DATA   the data directory of the embedded engine

`kagents` does the same without a full screen; see `kagents --help`."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> Parser:
    """The command line of the full screen."""
    parser = Parser(
        prog="kagents-tui",
        description="Shows and manages teams of Claude Code agents: what needs a person comes first.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--context", metavar="NAME", help="context; the kubeconfig's current one when absent")
    add("--kubeconfig", metavar="FILE", help="kubeconfig; KUBECONFIG or ~/.kube/config if absent")
    add(
        "-n",
        "--namespace",
        metavar="NAME",
        action="append",
        default=[],
        help="show this namespace; repeatable",
    )
    add("-A", "--all-namespaces", action="store_true", help="show every namespace (the default)")
    add("--local", action="store_true", help="use the embedded engine, which is started if need be")
    add("--data", metavar="DIR", help="data directory of the embedded engine; implies --local")
    add(
        "--demo",
        action="store_true",
        help="show teams that are only played, to try every key on; needs no cluster and no engine",
    )
    add(
        "--demo-team",
        action="store_true",
        help="run a demonstration team on the embedded engine; without a terminal, tell it in plain lines",
    )
    add("--read-only", action="store_true", help="bind no key that changes anything")
    add("--ascii", action="store_true", help="glyphs and lines in ASCII only")
    add("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    add("--config", metavar="FILE", help="configuration file; see --print-config for what it can say")
    add("--print-config", action="store_true", help="print the default configuration, explained, and exit")
    add("--version", action="store_true", help="print the version and exit")
    return parser


@dataclass(slots=True)
class Connector:
    """Opens the API servers that a person chooses; the first one may come with the demonstration team."""

    choice: Choice
    demonstration: bool = False

    async def connect(self, context: str | None, tell: Callable[[str], None]) -> Connection:
        """Opens a context, or what the command line asked for; the embedded engine is started if meant."""
        from kagents_tui.connection import LOCAL_CONTEXT, open_client

        choice = self.choice
        if context == LOCAL_CONTEXT:
            choice = replace(choice, context=None, local=True)
        elif context is not None:
            choice = replace(choice, context=context, local=False)
        tell("connecting")
        client = await open_client(choice, tell)
        await client.__aenter__()
        opens = await self._demonstrate(client, tell) if self.demonstration else None
        return Connection(client, client.config.context, opens)

    async def _demonstrate(self, client: "Client", tell: Callable[[str], None]) -> tuple[str, str]:
        from kagents_tui.demo import ensure_team

        self.demonstration = False
        tell("starting the demonstration team")
        try:
            return await ensure_team(client)
        except BaseException:
            await client.__aexit__(None, None, None)
            raise

    async def close(self, connection: Connection) -> None:
        """Closes a connection, within a moment."""
        import asyncio
        from contextlib import suppress

        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.client.__aexit__(None, None, None)

    def contexts(self) -> list[str]:
        """The contexts of the kubeconfig, and the embedded engine's."""
        from kagents_core.kube.errors import ConfigError
        from kagents_core.kube.kubeconfig import read_kubeconfig
        from kagents_tui.connection import LOCAL_CONTEXT

        try:
            named = list(read_kubeconfig(self.choice.kubeconfig).contexts)
        except ConfigError:
            named = []
        return [*named, *([LOCAL_CONTEXT] if LOCAL_CONTEXT not in named else [])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs kagents-tui; returns its exit code."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    if given.version:
        return print_version()
    if given.print_config:
        return print_configuration()
    local = given.local or given.data is not None or given.demo_team
    if local and (given.context or given.kubeconfig):
        asked = "--demo-team" if given.demo_team else "--local"
        parser.error(
            f"{asked} uses the embedded engine; it does not go together with --context or --kubeconfig"
        )
    if given.demo and (local or given.context or given.kubeconfig):
        parser.error("--demo shows teams that are only played; give it without another place to look at")
    if given.namespace and given.all_namespaces:
        parser.error("-n and -A contradict each other: give one of them")
    if given.demo_team and given.read_only:
        parser.error("--demo-team makes a team, which --read-only forbids: give one of them")
    choice = Choice(given.kubeconfig, given.context, local, given.data)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if given.demo_team:
            from kagents_tui.demo import play

            return play(choice)
        parser.exit(
            USAGE_ERROR, "kagents-tui: this is not a terminal; `kagents` does the same in plain lines\n"
        )
    try:
        settings = configuration.load(given.config)
    except configuration.ConfigurationError as error:
        parser.exit(USAGE_ERROR, f"kagents-tui: {error}\n")
    options = options_of(given, settings)
    if given.demo:
        return show_demonstration(options)
    return show(Connector(choice, demonstration=given.demo_team), options)


def options_of(given: argparse.Namespace, settings: Settings) -> Options:
    """What holds: what the command line says, and where it says nothing the configuration."""
    return Options(
        namespaces=tuple(dict.fromkeys(given.namespace)),
        read_only=given.read_only or settings.read_only,
        ascii=given.ascii or settings.ascii,
        mouse=settings.mouse and not given.no_mouse,
        all_namespaces=given.all_namespaces,
        state=memory.usual_file() if settings.restore else None,
        settings=settings,
    )


def show_demonstration(options: Options) -> int:
    """Runs the full screen on teams that are only played; it is not remembered where the person was."""
    from kagents_tui.sample.stage.play import StageConnector

    return show(StageConnector(), replace(options, state=None))


def show(connector: "Connector | StageConnector", options: Options) -> int:
    """Runs the full screen until the person quits."""
    # Nothing here glides: what is shown is where it is, and an animation only delays it.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    gc.disable()  # imports and the first lists make many objects and no garbage; ``settle`` turns it on again
    from kagents_tui.app import KagentsApp
    from kagents_tui.ending import run

    return run(KagentsApp(connector, options, listed=settle), mouse=options.mouse)


def settle() -> None:
    """The first lists are in: what was made until now stays, and the collector need not look at it again."""
    from kagents_core.kube import garbage

    garbage.settle()


def print_configuration() -> int:
    """Prints the default configuration with every field explained."""
    from kagents_tui.configuration_page import default_file

    sys.stdout.write(default_file())
    return 0


def print_version() -> int:
    """Prints the installed version."""
    import importlib.metadata

    try:
        version = importlib.metadata.version("kagents")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    sys.stdout.write(f"kagents-tui {version}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
