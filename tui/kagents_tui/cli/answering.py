"""``kagents answer``: shows what an agent asks in full, and takes a person's answer to it."""

import argparse
from typing import Any

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.asks import CHOICE_LIMIT, MODES, REASON_LIMIT
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "answer",
        "show what an agent asks, or answer it: a permission, a plan, a question",
        (
            "kagents answer q3-report researcher",
            "kagents answer q3-report researcher --allow",
            'kagents answer q3-report perm-1795199300181-wryhjre --deny --reason "not on a Friday"',
            "kagents answer q3-report researcher --choose 2",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument(
        "request",
        metavar="REQUEST",
        help="id of the request (see kagents attention), or the name of an agent that asks one thing",
    )
    verdict = parser.add_mutually_exclusive_group()
    verdict.add_argument("--allow", action="store_true", help="allow the tool call, or approve the plan")
    verdict.add_argument("--deny", action="store_true", help="refuse the tool call, plan or question")
    parser.add_argument("--reason", type=_short(REASON_LIMIT), metavar="TEXT", help="why; the agent reads it")
    parser.add_argument(
        "--choose",
        type=_numbers,
        dest="choices",
        action="append",
        metavar="N[,N]",
        help="options of a question by number; repeat it for each question, in order",
    )
    parser.add_argument(
        "--say",
        type=_words,
        dest="choices",
        action="append",
        metavar="TEXT",
        help="instead of --choose: answer a question in own words",
    )
    parser.add_argument(
        "--mode",
        choices=tuple(MODES),
        metavar="MODE",
        help="with --allow of a plan, how the agent may work then: edits (files without asking; the "
        "default), everything (no tool is asked for), each (every tool is asked for)",
    )
    options.add_output(parser, ("table", "json"))
    options.add_connection(parser)
    parser.set_defaults(run=answer)


def _short(limit: int) -> Any:
    def text(given: str) -> str:
        if not given.strip() or len(given) > limit:
            raise argparse.ArgumentTypeError(f"a text of 1 to {limit} characters is expected")
        return given

    return text


def _words(given: str) -> tuple[str]:
    return (str(_short(CHOICE_LIMIT)(given)),)


def _numbers(given: str) -> tuple[int, ...]:
    parts = given.split(",")
    if not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        raise argparse.ArgumentTypeError(f"{given[:40]!r} is no number, nor numbers with commas")
    return tuple(int(part) for part in parts)


async def answer(arguments: argparse.Namespace) -> int:
    """Show the request, or hand the answer to the hub."""
    from kagents_tui import acts, asking

    decides = arguments.allow or arguments.deny or bool(arguments.choices)
    _check(arguments, decides)
    async with options.session(arguments) as session:
        team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
        try:
            request = asking.choose(team, arguments.request)
            if not decides:
                _write(await asking.in_full(session.client, team, request), arguments.output)
                return exits.OK
            await asking.answer(
                session.client,
                team,
                request,
                uid=team["metadata"]["uid"],
                allow=not arguments.deny,
                reason=arguments.reason,
                choices=tuple(arguments.choices or ()),
                mode=arguments.mode,
            )
        except asking.NoSuchRequestError as error:
            raise CommandError(exits.NOT_FOUND, str(error)) from None
        except acts.ActError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
    word = "refused" if arguments.deny else "answered" if arguments.choices else "allowed"
    if arguments.output == "json":
        output.write_json(
            {"request": request.id, "agent": request.agent, "kind": request.kind, "answer": word}
        )
    else:
        output.write(f"{request.kind} of {request.agent} in {session.namespace}/{arguments.team} {word}\n")
    return exits.OK


def _check(arguments: argparse.Namespace, decides: bool) -> None:
    """Refuses options that would have no effect."""
    if arguments.choices and arguments.deny:
        raise CommandError(exits.USAGE, "--choose and --say do not go together with --deny")
    if arguments.reason is not None and not decides:
        raise CommandError(exits.USAGE, "--reason needs --allow or --deny")
    if arguments.mode is not None and not arguments.allow:
        raise CommandError(exits.USAGE, "--mode needs --allow")
    if arguments.reason is not None and arguments.choices:
        raise CommandError(exits.USAGE, "a question takes no --reason; say it with --say")


def _write(entry: dict[str, Any], form: str) -> None:
    if form == "json":
        output.write_json(entry)
        return
    from kagents_tui.rows.fields import line
    from kagents_tui.rows.peek import ask_story

    head = f"{line(entry.get('agent'), 100)} asks ({line(entry.get('ask'), 20)} {line(entry.get('id'), 300)})"
    output.write(f"{head}\n\n{ask_story(entry)}\n")
