"""The test cluster: up, down, status, shell, build, missing, images, load, tag, kill and start a part of it.

Needs root; lifecycle.py says what runs.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import build
import images
import lifecycle
from processes import ClusterError, inside, kill, start_again
from settings import BINARIES, places


def _shell() -> int:
    """A shell with kubectl and helm ready."""
    here = places()
    if not lifecycle.running(here):
        raise ClusterError("the cluster is not running: make cluster-up")
    environment = {
        **os.environ,
        "KUBECONFIG": str(here.kubeconfig),
        "PATH": f"{BINARIES}:{os.environ['PATH']}",
        "PS1": "(kagents cluster) \\w $ ",
    }
    command = inside([os.environ.get("SHELL", "/bin/bash")])
    os.execvpe(command[0], command, environment)


def _end(number: int, _: object) -> None:
    """SIGTERM, as CI sends it, ends like Ctrl-C: what was begun is taken back."""
    sys.exit(128 + number)


def main() -> int:
    """Run one verb; a failure is one sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "down", "status", "shell", "build", "missing", "images"):
        verbs.add_parser(verb)
    for verb in ("kill", "start"):
        verbs.add_parser(verb).add_argument("component", choices=lifecycle.ORDER)
    verbs.add_parser("kill-container").add_argument("identity")
    tag = verbs.add_parser("tag")
    tag.add_argument("image")
    tag.add_argument("name")
    verbs.add_parser("load").add_argument("archives", nargs="+", type=Path)
    arguments = parser.parse_args()
    here = places()
    signal.signal(signal.SIGTERM, _end)
    try:
        if arguments.verb in ("up", "build"):
            build.build_all()
        if arguments.verb == "up":
            lifecycle.up(here)
            print(f"export KUBECONFIG={here.kubeconfig}")
        elif arguments.verb == "down":
            lifecycle.down(here)
        elif arguments.verb == "status":
            print("running" if lifecycle.running(here) else "stopped")
        elif arguments.verb == "shell":
            return _shell()
        elif arguments.verb == "missing":
            print("\n".join(lifecycle.missing()))
        elif arguments.verb == "images":
            print("\n".join(images.names(here)))
        elif arguments.verb == "kill-container":
            images.end_container(here, arguments.identity)
        elif arguments.verb == "tag":
            images.tag(here, arguments.image, arguments.name)
        elif arguments.verb == "kill":
            kill(here, arguments.component)
        elif arguments.verb == "start":
            start_again(here, arguments.component)
        elif arguments.verb == "load":
            for archive in arguments.archives:
                images.load(here, archive)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cluster: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
