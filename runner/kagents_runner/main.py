"""``kagents-runner``: one program with a verb for each thing that runs inside a pod.

A verb's code is imported only when it is used: ``tail`` and ``mcp`` start for every viewer and every agent.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from kagents_core.api.constants import EXIT_VOLUME_FULL
from kagents_runner.termination import RunnerError, report_failure

Verb = Callable[[argparse.Namespace, Mapping[str, str]], Coroutine[Any, Any, int] | int]
"""What a verb's module offers: gets arguments and environment; returns the exit code or its coroutine.

It raises ``RunnerError`` for an end that a person should read about.
"""

_VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "prepare": (
        "kagents_runner.prepare.verb",
        "clone, make worktrees, write the native team files, then `ready`",
    ),
    "setup": ("kagents_runner.prepare.setup", "run the repository's setup command, then `ready`"),
    "await": ("kagents_runner.await_", "wait until the team is prepared"),
    "supervise": ("kagents_runner.supervise", "run this pod's agent to its end"),
    "record": ("kagents_runner.record.verb", "keep the journal and the team's status"),
    "git-proxy": ("kagents_runner.gitproxy.verb", "let agents reach the repository, each its own branch"),
    "gateway": (
        "kagents_runner.gateway.verb",
        "pass agents' requests on to the model, and count the cost",
    ),
    "tail": ("kagents_runner.tail", "print journal entries as JSON lines"),
    "send": ("kagents_runner.send", "send an agent the message on stdin"),
    "answer": ("kagents_runner.answer", "answer what an agent asks, by the JSON on stdin"),
    "merge": ("kagents_runner.finish.merge_verb", "join the agents' branches into one"),
    "finish": ("kagents_runner.finish.verb", "push the joined branch and make the pull request"),
    "checks": ("kagents_runner.finish.checks_verb", "wait for the checks of the pull request"),
    "simulate": ("kagents_runner.simulate.verb", "play a script of a simulated agent by hand"),
    "attach": ("kagents_runner.terminal.verb", "show the agent's own screen in this terminal"),
    "diff": ("kagents_runner.diff.verb", "print what an agent has changed, as JSON lines"),
    "transcript": ("kagents_runner.transcript", "print an agent's turns, as JSON lines"),
    "hold": ("kagents_runner.export.hold", "do nothing for a while, so that an export can be run beside it"),
    "export": ("kagents_runner.export.verb", "print the team's files as a tar.gz archive"),
    "artifact": ("kagents_runner.artifacts.verb", "print what an agent has made as a tar.gz archive"),
    "mcp": ("kagents_runner.mcp.verb", "serve the agent's kagents tools over stdio"),
}
_IN_CONTAINERS: Final = frozenset(
    {"prepare", "setup", "await", "supervise", "record", "git-proxy", "gateway", "merge", "finish", "checks"}
)
"""Verbs that are a container's program and so end with a termination message."""

_EPILOG: Final = """\
Places and documents come from environment variables: KAGENTS_TEAM_DIR, KAGENTS_HOME_DIR, KAGENTS_HOMES_DIR,
KAGENTS_WORK_DIR, KAGENTS_ARTIFACTS_DIR, KAGENTS_GIT_CREDENTIALS_DIR, KAGENTS_FORGE_CREDENTIALS_DIR,
KAGENTS_FINISH_DIR,
KAGENTS_FINISH, KAGENTS_TEAM, KAGENTS_AGENT, KAGENTS_TERMINATION_LOG, KAGENTS_LOG_LEVEL,
KAGENTS_METRICS_ADDRESS, KAGENTS_METRICS_PORT, KAGENTS_REGISTRY_NETWORKS,
KAGENTS_OVER_DIR, KAGENTS_GIT_PROXY_DIR,
KAGENTS_GIT_PROXY_ADDRESS, KAGENTS_GIT_PROXY_PORT,
KAGENTS_GATEWAY_DIR, KAGENTS_GATEWAY_ADDRESS_DIR, KAGENTS_GATEWAY_ADDRESS, KAGENTS_GATEWAY_PORT,
KAGENTS_LIMITS_DIR, KAGENTS_MODEL_CREDENTIALS_DIR, KAGENTS_MODEL_CREDENTIALS_KIND,
KAGENTS_PRICES_FILE, KAGENTS_HUB_TOKEN_FILE,
KAGENTS_AWAIT_TIMEOUT (seconds, 900; longer with a repository),
KAGENTS_SIMULATION_SPEED (1; 10 is ten times as fast).

Exit codes: 0 done; 1 failed; 2 wrong usage; 64 a person must change something; 74 the volume is full;
143 ended by SIGTERM.
"""


def build_parser() -> argparse.ArgumentParser:
    """The command line with every verb and its options."""
    parser = argparse.ArgumentParser(
        prog="kagents-runner",
        description="What runs inside the pods of a kagents team.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {name: verbs.add_parser(name, help=text, description=text) for name, (_, text) in _VERBS.items()}
    tail = made["tail"]
    tail.add_argument("--after", type=int, default=0, metavar="N", help="only entries with a greater number")
    tail.add_argument("--follow", action="store_true", help="stay, and print new entries as they come")
    tail.add_argument(
        "--kind", action="append", default=[], metavar="KIND", help="only this kind (repeatable)"
    )
    send = made["send"]
    send.add_argument("--to", required=True, metavar="AGENT", help="the receiver")
    send.add_argument("--summary", metavar="TEXT", help="a few words above the text")
    attach = made["attach"]
    attach.add_argument("--read-only", action="store_true", help="look, and type nothing")
    attach.add_argument(
        "--detach-key", default="ctrl-]", metavar="KEY", help="leaves; the agent goes on (default: ctrl-])"
    )
    diff = made["diff"]
    diff.add_argument("--agent", metavar="AGENT", help="whose worktree (default: this pod's agent, or lead)")
    diff.add_argument("--stat", action="store_true", help="names and numbers only")
    _add_transcript(made["transcript"])
    made["export"].add_argument(
        "--limit",
        type=int,
        default=1024**3,
        metavar="BYTES",
        help="of all files together; what has no room is named in export.json (default: 1 GiB)",
    )
    made["artifact"].add_argument("artifact", metavar="AGENT/ARTIFACT", help="who made it, and its name")
    simulate = made["simulate"]
    simulate.add_argument("script", metavar="SCRIPT", help="YAML file with the steps; - reads stdin")
    simulate.add_argument("--check", action="store_true", help="only say what is wrong with the script")
    simulate.add_argument(
        "--dir", metavar="DIR", help="keep the team's files here (default: a temporary directory)"
    )
    simulate.add_argument("--agent", default="lead", metavar="NAME", help="who plays it (default: lead)")
    simulate.add_argument(
        "--speed", type=float, default=1.0, metavar="X", help="10 is ten times as fast (default: 1)"
    )
    return parser


def _add_transcript(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agent", metavar="AGENT", help="whose turns (default: this pod's agent, or lead)")
    parser.add_argument(
        "--after",
        type=int,
        default=0,
        metavar="OFFSET",
        help="only what stands behind this place of the file",
    )
    parser.add_argument("--before", type=int, metavar="OFFSET", help="only what stands before this place")
    parser.add_argument("--last", type=int, metavar="N", help="only the last N entries")
    parser.add_argument("--follow", action="store_true", help="stay, and print new entries as they come")


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Runs one verb; returns its exit code."""
    parsed = build_parser().parse_args(arguments)
    module, _ = _VERBS[parsed.verb]
    if parsed.verb in _IN_CONTAINERS:
        from kagents_runner.library_log import log_of_libraries

        log_of_libraries(environment)
    try:
        verb: Verb = importlib.import_module(module).run
        return _ended(verb(parsed, environment))
    except RunnerError as failure:
        return _fail(parsed.verb, _full(failure) or failure, environment)
    except BrokenPipeError:
        # The reader of our output went away; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # a person reads one sentence, whatever went wrong
        sentence = f"kagents-runner {parsed.verb} failed: {type(error).__name__}: {error}"
        return _fail(parsed.verb, _full(error) or RunnerError(sentence), environment)


def _ended(result: Coroutine[Any, Any, int] | int) -> int:
    if isinstance(result, int):
        return result
    import asyncio  # not before it is needed: it is most of the start of a verb that does without

    return asyncio.run(result)


def _full(error: Exception) -> RunnerError | None:
    """The same failure in other words when a full volume is behind it, whatever was being written."""
    if isinstance(error, RunnerError) and error.code == EXIT_VOLUME_FULL:
        return None
    from kagents_runner.full_volume import is_full, volume_full, what_failed

    return volume_full(what_failed(error)) if is_full(error) else None


def _fail(verb: str, failure: RunnerError, environment: Mapping[str, str]) -> int:
    report_failure(failure.sentence, environment if verb in _IN_CONTAINERS else None)
    return failure.code
