"""``kagents local`` and ``python -m kagents_local``: up, down, status, kubeconfig, volume.

Exit codes: 0 done, 1 it failed (one sentence on stderr), 2 wrong usage, 3 (``status``) no engine runs.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kagents_local.paths import DataDirectory, DataDirectoryError, default_data

NOT_RUNNING: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    options = _parser().parse_args(arguments)
    data = DataDirectory((options.data or default_data(os.environ)).expanduser().absolute())
    verbs = {
        "up": _up,
        "down": _down,
        "status": _status,
        "kubeconfig": _kubeconfig,
        "volume": _volume,
        "serve": _serve,
    }
    # Imported late: the parser answers --help without it.
    from kagents_local.launch import EngineError

    try:
        return verbs[options.verb](data, options)
    except (EngineError, DataDirectoryError) as error:
        _complain(str(error))
    except OSError as error:
        _complain(f"{error.filename or data.root}: {error.strerror or error}")
    except KeyboardInterrupt:
        _complain("interrupted")
    return 1


def _up(data: DataDirectory, options: argparse.Namespace) -> int:
    from kagents_local.launch import up

    record, started = up(data, options.port)
    word = "started" if started else "already runs"
    where = f"pid {record.pid}, port {record.port}, version {record.version}"
    _say(f"engine {word}: {where}\nkubeconfig: {data.kubeconfig}")
    return 0


def _down(data: DataDirectory, options: argparse.Namespace) -> int:
    from kagents_local.launch import down, purge

    if options.purge and not options.yes and not _confirmed(data):
        _complain("nothing was stopped or removed")
        return 1
    pid = down(data)
    if pid is None:
        _say(f"no engine runs on {data.root}")
    else:
        _say(f"engine stopped (pid {pid}); its agents were ended and go on at the next `kagents local up`")
    if options.purge:
        purge(data)
        _say(f"removed {data.root}")
    return 0


def _confirmed(data: DataDirectory) -> bool:
    if not sys.stdin.isatty():
        _complain("--purge removes every team, volume and log; without a terminal to ask on it needs --yes")
        return False
    sys.stderr.write(f"Remove every team, volume and log in {data.root}? Type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def _status(data: DataDirectory, options: argparse.Namespace) -> int:
    from kagents_local.launch import status

    found = status(data)
    if options.output == "json":
        _say(json.dumps(found, indent=2))
    elif not found["running"]:
        _say(f"no engine runs on {data.root}")
    else:
        memory = found["memoryBytes"]
        shown = f", {memory // (1024 * 1024)} MiB" if memory else ""
        _say(f"engine runs: pid {found['pid']}, {found['server']}, version {found['version']}{shown}")
        _say(f"since {found['startedAt']}, data {data.root}")
        for name, part in found["parts"].items():
            error = f" ({part['lastError']})" if part["lastError"] else ""
            _say(f"  {name}: {part['state']}, restarts {part['restarts']}{error}")
    return 0 if found["running"] else NOT_RUNNING


def _kubeconfig(data: DataDirectory, options: argparse.Namespace) -> int:
    if not data.kubeconfig.exists():
        _complain(f"no engine was ever started on {data.root}; start one with `kagents local up`")
        return 1
    _say(data.kubeconfig.read_text().rstrip("\n") if options.output == "yaml" else str(data.kubeconfig))
    return 0


def _volume(data: DataDirectory, options: argparse.Namespace) -> int:
    import asyncio

    from kagents_core.kube.errors import KubeError
    from kagents_local.launch import EngineError
    from kagents_local.team_volume import team_volume

    try:
        _say(str(asyncio.run(team_volume(data, options.namespace, options.team))))
    except KubeError as error:
        raise EngineError(f"{error}; is the engine up? `kagents local up` starts it") from error
    return 0


def _serve(data: DataDirectory, options: argparse.Namespace) -> int:
    from kagents_local.daemon import serve

    return serve(data, port=options.port, ready=options.ready_fd)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kagents local", description="The embedded engine: kagents on this machine, without a cluster."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="data directory (default: $KAGENTS_DATA, ~/.local/share/kagents)",
    )
    starting = verbs.add_parser("up", parents=[common], help="start the engine; returns when it is ready")
    starting.add_argument("--port", type=_port, help="loopback port (default: the last one, else a free one)")
    stopping = verbs.add_parser("down", parents=[common], help="stop the engine and its agents")
    stopping.add_argument("--purge", action="store_true", help="also remove every team, volume and log")
    stopping.add_argument("--yes", action="store_true", help="do not ask")
    showing = verbs.add_parser("status", parents=[common], help="say whether and how the engine runs")
    showing.add_argument("-o", "--output", choices=("text", "json"), default="text")
    naming = verbs.add_parser("kubeconfig", parents=[common], help="where the engine's kubeconfig is")
    naming.add_argument("-o", "--output", choices=("path", "yaml"), default="path")
    finding = verbs.add_parser("volume", parents=[common], help="where a team's files lie on this machine")
    finding.add_argument("team", metavar="TEAM")
    finding.add_argument("-n", "--namespace", default="default", metavar="NAME")
    serving = verbs.add_parser("serve", parents=[common], help="run the engine in the foreground")
    serving.add_argument("--port", type=_port)
    serving.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text}: a port is a number from 1 to 65535")
    return port


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _complain(sentence: str) -> None:
    sys.stderr.write(f"kagents local: {sentence}\n")
