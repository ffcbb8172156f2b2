"""Starts an MCP server that the agent's pod runs: ``python -I -m kagents_runner.mcp.stdio FILE NAME``.

The CLI runs this in the server's place, and it becomes the server. So what comes from Secrets is in the
environment of that process alone, never in the CLI's configuration; the CLI expands nothing in the
arguments; and the model's credential, which the CLI's children inherit, goes no further.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.equipment import mounted_values

_CONFIG_BYTES: Final = 4 * 1024 * 1024
_NOT_PASSED_ON: Final = ("ANTHROPIC_", "CLAUDE", "KAGENTS_", "KUBERNETES_")


def environment_of(
    plain: Mapping[str, str], folder: str | None, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The agent's variables without the model's credential, and the server's own. Raises ``OSError``."""
    passed = {name: value for name, value in inherited.items() if not name.startswith(_NOT_PASSED_ON)}
    secrets = mounted_values(Path(folder)) if folder else {}
    return {**passed, **plain, **secrets}


def main() -> int:
    """Does not return once the server runs."""
    file, name = sys.argv[1:3]
    server = json.loads(read_bounded(Path(file), _CONFIG_BYTES))[name]
    program = [server["command"], *server["args"]]
    try:
        environment = environment_of(server["env"], server["credentials"], os.environ)
        os.execvpe(program[0], program, environment)  # noqa: S606 - no shell is wanted
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        print(f"{program[0]} cannot be started: {reason}", file=sys.stderr)  # noqa: T201 - the CLI keeps it
    return 1


if __name__ == "__main__":
    sys.exit(main())
