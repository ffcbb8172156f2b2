"""Carries out the acts on a team: checks the right, shows the object as it is now, asks, and acts on it.

Every act reads the object afresh before it asks. It then acts on that object alone, by its UID: a team that
was deleted and made again in the meantime is refused, never hit.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kagents_core.safetext import SafeText, clean
from kagents_tui import agent_acts, delivery_acts
from kagents_tui.actions import Action
from kagents_tui.journal_view import JournalView
from kagents_tui.rows.agents import Agent, agents_of
from kagents_tui.rows.fields import line
from kagents_tui.rows.gates import gate_story
from kagents_tui.rows.teams import Team, finished, project

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp
    from kagents_tui.session import Connection


@dataclass(frozen=True, slots=True)
class Pick:
    """What the cursor is on: a gate's event, an agent's name, where the view knows."""

    event: str | None = None
    agent: str | None = None
    summary: str = ""
    """What a message that is to be written is about."""


class RefusedError(Exception):
    """An act that is not done; its text is one plain sentence."""


async def act(
    app: "KagentsApp",
    action: Action,
    team: Team,
    *,
    event: str | None = None,
    agent: str | None = None,
    summary: str = "",
) -> None:
    """Does one act of the registry on a team. Whatever goes wrong is one sentence on the message line."""
    from kagents_core.kube.errors import KubeError
    from kagents_tui.acts import ActError

    try:
        connection = ready(app, action)
        refusal = await app.permissions.learn(connection.client, action, team.key[0])
        if refusal:
            raise RefusedError(refusal)
        await DOERS[action.id](app, connection, await fresh(connection, team), Pick(event, agent, summary))
    except (RefusedError, ActError, KubeError) as error:
        app.say(str(error), "warn")


def ready(app: "KagentsApp", action: Action) -> "Connection":
    """The connection, if there is one to act through."""
    if app.options.read_only and action.mutates:
        raise RefusedError(f"{action.title} changes something, and this session is read-only")
    if app.connection is None:
        raise RefusedError(f"{action.title}: not connected yet")
    if app.link is not None and not app.link.connected and action.mutates:
        raise RefusedError(
            f"{action.title}: the connection is lost, what is shown may be old; try again later"
        )
    return app.connection


async def fresh(connection: "Connection", team: Team) -> Team:
    """The object as it is now. Refuses when it is gone, or another one has its name."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_core.kube.errors import NotFound

    namespace, name = team.key
    try:
        now = project(await connection.client.get(AGENT_TEAMS, namespace, name))
    except NotFound:
        raise RefusedError(f"{namespace}/{name} is gone; nothing was done") from None
    if now.uid != team.uid:
        raise RefusedError(f"{namespace}/{name} was deleted and made again; look at the new one first")
    return now


def title(team: Team) -> str:
    """How a dialog names the object."""
    return f"{team.key[0]}/{team.key[1]}"


def generation(team: Team) -> int | None:
    """Of the spec that a dialog shows; None on a server that counts none."""
    found: int | None = team.object()["metadata"].get("generation")
    return found


async def approve(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Approves the gate that the cursor is on, or the team's first."""
    await decide(app, link, team, pick.event, approved=True)


async def deny(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Denies it; the teammate will not start."""
    await decide(app, link, team, pick.event, approved=False)


async def decide(
    app: "KagentsApp", link: "Connection", team: Team, event: str | None, *, approved: bool
) -> None:
    """Shows what a gate holds back, asks, and writes the decision."""
    from kagents_tui import acts
    from kagents_tui.screens.dialogs import Confirm

    waiting = [need.event for need in team.needs if need.kind == "gate"]
    if not waiting:
        raise RefusedError(f"no gate of {title(team)} waits for a decision")
    chosen = event if event in waiting else waiting[0]
    more = f" (one of {len(waiting)} that wait)" if len(waiting) > 1 else ""
    verb = "Approve" if approved else "Deny"
    story = gate_story(team.object(), chosen)
    question = f"{verb} {chosen} of {title(team)}?{more}"
    if await app.push_screen_wait(Confirm(question, story, verb, safe=not approved)):
        doer = acts.approve if approved else acts.deny
        await doer(link.client, *team.key, event=chosen, uid=team.uid, generation=generation(team))
        app.say(f"{chosen} of {title(team)} {'approved' if approved else 'denied'}", "good")


def facts(team: Team, *words: str) -> SafeText:
    """The object in words, for a dialog that asks."""
    head = [
        f"team   {line(title(team))}",
        f"uid    {line(team.uid)}",
        f"phase  {team.phase}   ready {team.ready or '-'}   tasks {team.tasks_done}/{team.tasks_total}",
        "",
    ]
    return clean("\n".join([*head, *words]))


async def kill(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Cancels the team."""
    from kagents_tui import acts
    from kagents_tui.screens.dialogs import Confirm

    if finished(team):
        raise RefusedError(f"{title(team)} has ended already ({team.phase})")
    story = facts(team, "Its agents are stopped now and are not started again. Files, mail and tasks stay.")
    if await app.push_screen_wait(Confirm(f"Kill {title(team)}?", story, "Kill", safe=True)):
        await acts.kill(link.client, *team.key, uid=team.uid, generation=generation(team))
        app.say(f"{title(team)} is being cancelled", "good")


async def delete(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Deletes the team."""
    from kagents_tui import acts
    from kagents_tui.screens.dialogs import Confirm

    story = facts(
        team,
        "Everything it owns goes with it: its pods, and its volume with the worktrees, the mail, the tasks",
        "and the results. There is no way back.",
    )
    if await app.push_screen_wait(Confirm(f"Delete {title(team)}?", story, "Delete", safe=True)):
        await acts.delete(link.client, *team.key, uid=team.uid, generation=generation(team))
        app.say(f"{title(team)} is being deleted", "good")


async def suspend(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Suspends a team that runs, resumes one that is suspended."""
    from kagents_tui import acts
    from kagents_tui.screens.dialogs import Confirm

    if finished(team):
        raise RefusedError(f"{title(team)} has ended already ({team.phase})")
    if team.suspending:
        await acts.resume(link.client, *team.key, uid=team.uid)
        app.say(f"{title(team)} resumes", "good")
        return
    key = app.keymap.words("suspend")
    story = facts(team, f"Its agents stop; files and sessions stay, and {key} resumes them.")
    if await app.push_screen_wait(Confirm(f"Suspend {title(team)}?", story, "Suspend", safe=True)):
        await acts.suspend(link.client, *team.key, uid=team.uid, generation=generation(team))
        app.say(f"{title(team)} is being suspended", "good")


async def message(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Writes a message to an agent."""
    from kagents_tui import acts
    from kagents_tui.screens.dialogs import Compose

    if finished(team):
        raise RefusedError(f"{title(team)} has ended ({team.phase}); nobody reads mail any more")
    names = [each.key for each in agents_of(team.object(), JournalView())]
    if not names:
        raise RefusedError(f"{title(team)} has no agents")
    written = await app.push_screen_wait(Compose(line(title(team)), names, pick.agent, pick.summary))
    if written is not None:
        summary = written.summary or None
        await acts.send(link.client, team.object(), to=written.receiver, text=written.text, summary=summary)
        app.say(f"message to {written.receiver} is on its way", "good")


async def logs(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Opens an agent's log."""
    from kagents_tui.screens.log import LogScreen

    chosen = loggable(agents_of(team.object(), JournalView()), pick.agent)
    if chosen is None:
        who = f"{pick.agent} of {title(team)}" if pick.agent else title(team)
        raise RefusedError(f"{who} has no pod yet, so there is no log")
    await app.push_screen(LogScreen(team.key, chosen.key, chosen.pod, simulated=chosen.simulated))


def loggable(agents: list[Agent], wanted: str | None) -> Agent | None:
    """The wanted agent if it has a pod; without a wish, the first that has one."""
    return next((each for each in agents if each.pod and wanted in (None, each.key)), None)


async def describe(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Opens the description."""
    from kagents_core.kube.errors import ApiError
    from kagents_tui import describe as words
    from kagents_tui.feed import events_of
    from kagents_tui.screens.reading import ReadingScreen

    try:
        events = await events_of(link.client, team.key[0], team.uid)
    except ApiError as error:
        events = [{"type": "Warning", "reason": "NotRead", "message": str(error)}]
    text = words.describe(team.object(), events, app.now())
    await app.push_screen(ReadingScreen("Describe", team.key, text, keys=True))


async def yaml(app: "KagentsApp", link: "Connection", team: Team, pick: Pick) -> None:
    """Opens the object as YAML."""
    from kagents_tui import describe as words
    from kagents_tui.screens.reading import ReadingScreen

    await app.push_screen(
        ReadingScreen("YAML", team.key, words.as_yaml(team.object()), keys=True, wrap=False)
    )


DOERS = (
    agent_acts.DOERS
    | delivery_acts.DOERS
    | {
        "approve": approve,
        "deny": deny,
        "kill": kill,
        "delete": delete,
        "suspend": suspend,
        "message": message,
        "logs": logs,
        "describe": describe,
        "yaml": yaml,
    }
)
