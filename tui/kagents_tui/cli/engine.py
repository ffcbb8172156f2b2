"""``kagents local``, which hands over to the embedded engine, and ``kagents version``."""

import argparse
import importlib.util
import os
import sys

from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError
from kagents_tui.connection import data_directory


def register(verbs: options.Verbs) -> None:
    """Add the verbs."""
    parser = options.verb(
        verbs,
        "local",
        "start, stop and look at the embedded engine on this machine",
        (
            "kagents local up",
            "kagents local status -o json",
            "kagents local kubeconfig",
            "kagents local down --purge",
        ),
    )
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="up|down|status|kubeconfig|volume ...",
        help="for the engine",
    )
    parser.set_defaults(run=local)

    parser = options.verb(
        verbs,
        "version",
        "print the version, and the API server's",
        ("kagents version", "kagents version --client -o json"),
    )
    parser.add_argument("--client", action="store_true", help="do not ask an API server")
    options.add_output(parser, ("table", "json", "yaml"))
    options.add_connection(parser)
    parser.set_defaults(run=version)


async def local(arguments: argparse.Namespace) -> int:
    """Run the engine's own command line."""
    import asyncio

    if importlib.util.find_spec("kagents_local") is None:
        raise CommandError(
            exits.FAILED, "the embedded engine is not installed: run pip install 'kagents[local]'"
        )
    environment = dict(os.environ)
    if arguments.data is not None:
        environment["KAGENTS_DATA"] = str(data_directory(arguments.data))
    command = (sys.executable, "-m", "kagents_local", *(arguments.arguments or ["--help"]))
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    return await process.wait()


async def version(arguments: argparse.Namespace) -> int:
    """The installed version; the server's when it answers."""
    import importlib.metadata

    try:
        found = {"client": importlib.metadata.version("kagents")}
    except importlib.metadata.PackageNotFoundError:
        found = {"client": "unknown"}
    if not arguments.client:
        async with options.session(arguments) as session:
            found |= {
                "server": await session.client.server_version(),
                "context": session.client.config.context,
            }
    if arguments.output == "json":
        output.write_json(found)
    elif arguments.output == "yaml":
        output.write_yaml(found)
    else:
        output.write_table(["PART", "VERSION"], list(found.items()))
    return exits.OK
