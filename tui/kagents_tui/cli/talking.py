"""``kagents send``, ``tail`` and ``logs``: what agents and people say."""

import argparse
import codecs
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api.resources import AGENT_TEAMS
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

MAIL: Final = frozenset({"message", "delivery", "seen", "resent"})
TASKS: Final = frozenset({"task"})
RECONNECT_SECONDS: Final = 60.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
_MOST_TEXT: Final = 256 * 1024


def register(verbs: options.Verbs) -> None:
    """Add the verbs."""
    parser = options.verb(
        verbs,
        "send",
        "write a message to an agent of a running team",
        (
            'kagents send q3-report lead "Use the numbers of Monday."',
            "kagents send q3-report lead - < note.md",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument("agent", metavar="AGENT", help="lead, or the name of a teammate")
    parser.add_argument(
        "text", nargs="?", default="-", metavar="TEXT", help="the message; - or nothing reads standard input"
    )
    parser.add_argument("--summary", metavar="TEXT", help="a few words that agents see first")
    options.add_output(parser, ("table", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=send)

    parser = options.verb(
        verbs,
        "tail",
        "print a team's journal: mail, tasks, activity, gates, phases",
        (
            "kagents tail q3-report -f",
            "kagents tail q3-report --mail -o json",
            "kagents tail q3-report --after 120",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument("--mail", action="store_true", help="messages and what became of them")
    parser.add_argument("--tasks", action="store_true", help="changes of tasks")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the team has ended")
    parser.add_argument(
        "--after", type=_number, default=0, metavar="N", help="only entries with a higher number"
    )
    options.add_output(parser, ("table", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=tail)

    parser = options.verb(
        verbs,
        "logs",
        "print what an agent's program has written, made safe for a terminal",
        ("kagents logs q3-report researcher -f", "kagents logs auth-refactor finish"),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument(
        "agent",
        nargs="?",
        default="lead",
        metavar="AGENT",
        help="lead (the default), a teammate, hub, or finish",
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the container has ended")
    parser.add_argument("-c", "--container", metavar="NAME", help="container; the agent's own when absent")
    parser.add_argument("--tail", type=_number, metavar="N", help="only the last N lines")
    parser.add_argument("--previous", action="store_true", help="of the container before its last restart")
    options.add_connection(parser)
    parser.set_defaults(run=logs)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of 0 or more")
    return int(text)


async def send(arguments: argparse.Namespace) -> int:
    """Hand the message to the hub."""
    import asyncio

    from kagents_tui import acts

    text = arguments.text
    if text == "-":
        if sys.stdin.isatty():
            options.note("type the message, then end it with Ctrl-D")
        data = await asyncio.to_thread(sys.stdin.buffer.read, _MOST_TEXT + 1)
        text = data.decode("utf-8", errors="replace")
    async with options.session(arguments) as session:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        names = agent_names(team)
        if arguments.agent not in names:
            known = ", ".join(names)
            raise CommandError(
                exits.NOT_FOUND, f"{arguments.team} has no agent {arguments.agent}; its agents: {known}"
            )
        try:
            written = await acts.send(
                session.client, team, to=arguments.agent, text=text, summary=arguments.summary
            )
        except acts.ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    if arguments.output == "json":
        told = {"namespace": session.namespace, "team": arguments.team, "to": arguments.agent}
        output.write_json({**told, "message": written})
    else:
        output.write_table(["MESSAGE", "TO"], [[written, arguments.agent]])
    return exits.OK


def agent_names(team: Mapping[str, Any]) -> list[str]:
    """The declared agents."""
    spec = team.get("spec") or {}
    return (["lead"] if spec.get("lead") else []) + [
        str(each["name"]) for each in spec.get("teammates") or ()
    ]


async def tail(arguments: argparse.Namespace) -> int:
    """Print entries as they come."""
    from kagents_tui.journal_stream import NoJournalError

    kinds = (MAIL if arguments.mail else frozenset()) | (TASKS if arguments.tasks else frozenset())
    async with options.session(arguments) as session:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        try:
            entries = resumed(session.client, team, after=arguments.after, follow=arguments.follow)
            async with aclosing(entries):
                async for entry in entries:
                    _print_entry(entry, kinds, as_json=arguments.output == "json")
        except NoJournalError as error:
            raise CommandError(exits.NOT_FOUND, str(error)) from None
    return exits.OK


def _print_entry(entry: Mapping[str, Any], kinds: frozenset[str], *, as_json: bool) -> None:
    from kagents_tui.cli.lines import entry_line

    kind = entry.get("kind")
    if kind == "gap":
        options.note(f"entries up to {entry.get('seq')} are no longer there")
    elif kind in ("live", "alive") or (kinds and kind not in kinds):
        return
    elif as_json:
        output.write_json_line(entry)
    else:
        output.write(entry_line(entry) + "\n")


async def resumed(
    client: "Client", team: Mapping[str, Any], *, after: int, follow: bool
) -> AsyncGenerator[dict[str, Any]]:
    """The journal's stream; with ``follow`` a broken one is taken up again after the last number."""
    import asyncio

    from kagents_core.kube.errors import Forbidden, Unauthorized, Unreachable
    from kagents_tui.journal_stream import stream

    last, wait, waited = after, _FIRST_WAIT, 0.0
    while True:
        try:
            async with aclosing(stream(client, team, after=last, follow=follow)) as entries:
                async for entry in entries:
                    last = max(last, entry.get("seq") or 0)
                    wait, waited = _FIRST_WAIT, 0.0
                    yield entry
            return
        except (Forbidden, Unauthorized):
            raise
        except Unreachable as error:
            if not follow or waited >= RECONNECT_SECONDS:
                raise
            options.note(f"{error} Trying again.")
        await asyncio.sleep(wait)
        waited += wait
        wait = min(_LONGEST_WAIT, wait * 2)


async def logs(arguments: argparse.Namespace) -> int:
    """Print the log of the agent's latest pod."""
    async with options.session(arguments) as session:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        pod, usual = await _pod_and_container(session.client, team, arguments.agent)
        container = arguments.container or usual
        chunks = session.client.logs(
            session.namespace,
            pod,
            container=container,
            follow=arguments.follow,
            tail=arguments.tail,
            previous=arguments.previous,
        )
        async with aclosing(chunks):
            async for line in safe_lines(chunks):
                output.write(line)
    return exits.OK


async def _pod_and_container(client: "Client", team: Mapping[str, Any], agent: str) -> tuple[str, str]:
    """The latest pod of an agent, of the hub or of the delivery, and the container whose log is meant."""
    from kagents_core.api.constants import FINISH, HUB
    from kagents_tui.hub import RECORDER, hub_pods

    name, usual = team["metadata"]["name"], "agent"
    if agent in (HUB, FINISH):
        pods = await hub_pods(client, team, agent)
        found = pods[-1]["metadata"]["name"] if pods else None
        usual = RECORDER if agent == HUB else _reached(pods[-1]) if pods else ""
    elif agent not in agent_names(team):
        known = ", ".join([*agent_names(team), HUB, FINISH])
        raise CommandError(exits.NOT_FOUND, f"{name} has no agent {agent}; its agents: {known}")
    else:
        status = team.get("status") or {}
        states = {each.get("name"): each for each in status.get("teammates") or ()} | {
            "lead": status.get("lead")
        }
        found = (states.get(agent) or {}).get("podName")
    if not found:
        raise CommandError(exits.NOT_FOUND, f"{agent} of {name} has no pod yet, so there is no log")
    return str(found), usual


def _reached(pod: Mapping[str, Any]) -> str:
    """The container that a delivery has come to: ``merge`` until it has ended well, then ``finish``."""
    for each in (pod.get("status") or {}).get("initContainerStatuses") or ():
        ended = (each.get("state") or {}).get("terminated") or {}
        if each.get("name") == "merge" and ended.get("exitCode") == 0:
            return "finish"
    return "merge"


async def safe_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Text of the chunks, line by line, without anything that a terminal would obey."""
    from kagents_core.safetext import clean

    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    async for chunk in chunks:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in whole:
            yield clean(line.rstrip("\r"), multiline=False) + "\n"
        if len(rest) > _MOST_TEXT:
            yield clean(rest, multiline=False) + "\n"
            rest = ""
    if rest:
        yield clean(rest, multiline=False) + "\n"
