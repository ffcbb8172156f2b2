"""What is done with one agent of a team: its log, its transcript, its changes, its screen."""

from typing import TYPE_CHECKING

from kagents_tui.acts import ActError
from kagents_tui.journal_view import JournalView
from kagents_tui.rows.agents import agents_of
from kagents_tui.rows.teams import Team

if TYPE_CHECKING:
    from kagents_tui.acting import Pick
    from kagents_tui.app import KagentsApp
    from kagents_tui.session import Connection


def chosen(team: Team, pick: "Pick") -> str:
    """The agent that is meant: the one of the cursor, else the team's first. Raises ActError for none."""
    names = [each.key for each in agents_of(team.object(), JournalView())]
    if pick.agent in names:
        return str(pick.agent)
    if pick.agent or not names:
        raise ActError(f"{team.key[0]}/{team.key[1]} has no agent {pick.agent or 'at all'}")
    return names[0]


async def agent(app: "KagentsApp", link: "Connection", team: Team, pick: "Pick") -> None:
    """Opens the agent."""
    from kagents_tui.navigation import drill
    from kagents_tui.screens.agent import AgentScreen

    await drill(app, AgentScreen(team.key, chosen(team, pick)))


async def transcript(app: "KagentsApp", link: "Connection", team: Team, pick: "Pick") -> None:
    """Opens its transcript."""
    from kagents_tui.screens.transcript import TranscriptScreen

    await app.push_screen(TranscriptScreen(team, chosen(team, pick)))


async def diff(app: "KagentsApp", link: "Connection", team: Team, pick: "Pick") -> None:
    """Opens its changes."""
    from kagents_tui.screens.diff import DiffScreen

    await app.push_screen(DiffScreen(team, chosen(team, pick)))


async def attach(app: "KagentsApp", link: "Connection", team: Team, pick: "Pick") -> None:
    """Gives the terminal to the agent's screen until the person detaches; the application waits meanwhile.

    In a read-only session the person looks, and no key is passed on.
    """
    from kagents_tui import attaching

    name = chosen(team, pick)
    pod = attaching.pod_of(team.object(), name)
    wanted = attaching.Wanted(
        team.key[0], pod, name, read_only=app.options.read_only, key=app.settings.detach_key
    )
    async with app.terminal_given_away():
        said = await attaching.attach(link.client, wanted)
    app.say(said, "good")


DOERS = {"agent": agent, "transcript": transcript, "diff": diff, "attach": attach}
