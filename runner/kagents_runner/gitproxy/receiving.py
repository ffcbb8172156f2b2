"""A push: looked at, taken into the hub's copy, and given to the repository before the agent hears of it."""

from kagents_runner.gitproxy.bodies import Body
from kagents_runner.gitproxy.mirror import Mirror
from kagents_runner.gitproxy.packets import accepted, read_beginning, report
from kagents_runner.gitproxy.rules import refusals
from kagents_runner.gitproxy.streams import received
from kagents_runner.output import say
from kagents_runner.termination import RunnerError


async def receive(mirror: Mirror, agent: str, branch: str, body: Body) -> bytes:
    """The answer for git. Raises ``PacketError``, ``BodyError``, ``EOFError``, ``GitError``."""
    beginning = await read_beginning(body.exactly)
    if not beginning.commands:  # by this git tries whether it is let in, before it sends much
        await body.drop()
        return b""
    reasons = refusals(beginning.commands, branch)
    if reasons is not None:
        await body.drop()
        say(f"{agent} may not push {', '.join(each.name for each in beginning.commands)}")
        return report(beginning, reasons)
    [command] = beginning.commands
    async with mirror.pushing(branch):
        answer = await received(mirror, beginning.raw, body)
        if not accepted(answer, beginning):
            return answer
        try:
            await mirror.push(branch, command.new)
        except RunnerError as failure:
            await mirror.take_back(branch, command.old)
            say(f"{agent} cannot push {branch}: {failure.sentence}")
            return report(beginning, [f"kagents: {failure.sentence}"])
    say(f"{agent} pushed {command.new[:12]} as {branch}")
    return answer
