"""The verb ``mcp``: the server that the CLI of an agent starts; by hand, to see what an agent is offered."""

import argparse
from collections.abc import Mapping

from kagents_runner.mcp.server import main


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Serves until the input ends. Nothing else runs in this process, so reading may block it."""
    return main(environment)
