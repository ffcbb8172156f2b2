"""``kagents-runner mcp``: serves the tools on stdin and stdout until the CLI closes its end.

Environment: ``KAGENTS_TEAM_DIR`` and ``KAGENTS_AGENT_NAME``. What the team is, the roster tells.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.documents import DocumentError
from kagents_runner.mcp.jsonrpc import Server
from kagents_runner.mcp.standing import read_team
from kagents_runner.mcp.tools import TeamTools

_INSTRUCTIONS = "Tools of your kagents team: who is there, results, and the end of the work."


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Runs the server. Returns 0 at the end of input, 64 with one sentence on stderr when it cannot start."""
    try:
        server = build_server(environment)
    except (DocumentError, OSError, KeyError, ValueError) as error:
        sys.stderr.write(f"The kagents tools cannot start: {error}\n")
        return 64
    server.serve(sys.stdin.buffer, sys.stdout.buffer)
    return 0


def build_server(environment: Mapping[str, str]) -> Server:
    """The server of the agent that the environment names. Raises what its parts raise."""
    root, agent = Path(environment["KAGENTS_TEAM_DIR"]), environment["KAGENTS_AGENT_NAME"]
    team = read_team(TeamLayout(root, "unnamed"))
    return Server("kagents", "1", _INSTRUCTIONS, TeamTools(TeamLayout(root, team.name), team, agent).tools())
