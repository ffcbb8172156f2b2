"""A bulk act on the screen: rights first, then one question with every name, then a report of each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kagents_tui import bulk
from kagents_tui.acting import RefusedError, ready
from kagents_tui.actions import Action
from kagents_tui.bulk import Outcome, Subject
from kagents_tui.rows.fields import line

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp
    from kagents_tui.session import Connection

ATTRIBUTES: Final = {
    "agentteams": "AGENT_TEAMS",
    "agentteamruns": "AGENT_TEAM_RUNS",
    "agentteamtemplates": "AGENT_TEAM_TEMPLATES",
}
"""Names in ``kagents_core.api.resources`` of what can be marked, by plural."""


async def act_on_all(
    app: "KagentsApp",
    action: Action,
    subjects: Sequence[Subject],
    done: Callable[[Sequence[Subject]], None],
) -> None:
    """Does one act of ``bulk.BULK`` on the subjects; ``done`` hears which succeeded."""
    from kagents_tui.screens.dialogs import Confirm
    from kagents_tui.screens.reading import ReadingScreen

    try:
        connection = ready(app, action)
        if not subjects:
            raise RefusedError(f"{action.title}: nothing that is marked waits for it")
        allowed, refused = await permitted(app, connection, action, subjects)
        act = action.id
        if act == "suspend":
            seen, _ = await bulk.judge(connection.client, "read", allowed)
            act = bulk.direction(act, seen)
        judged, senseless = await bulk.judge(connection.client, act, allowed)
        refused += senseless
    except RefusedError as error:
        app.say(str(error), "warn")
        return
    if not judged:
        await app.push_screen(
            ReadingScreen(f"{act}: nothing was done", None, bulk.report(act, refused), wrap=False)
        )
        return
    words = bulk.question(act, judged)
    if not await app.push_screen_wait(
        Confirm(words, bulk.story(act, judged, refused), act.capitalize(), safe=True)
    ):
        return
    if app.connection is not connection:
        app.say(f"{act}: the connection is another one now; nothing was done", "warn")
        return
    outcomes = [*await bulk.carry_out(connection.client, act, judged), *refused]
    done([each.subject for each in outcomes if each.done])
    if len(outcomes) == 1:
        app.say(f"{outcomes[0].subject.words} {outcomes[0].words}", "good" if outcomes[0].done else "warn")
    else:
        await app.push_screen(ReadingScreen(f"{act}: report", None, bulk.report(act, outcomes), wrap=False))


async def permitted(
    app: "KagentsApp", connection: "Connection", action: Action, subjects: Sequence[Subject]
) -> tuple[list[Subject], list[Outcome]]:
    """Those that the person may do it to, and the reason of the others. Asked once for each namespace."""
    allowed: list[Subject] = []
    refused: list[Outcome] = []
    for subject in subjects:
        asked = action
        if action.needs is not None:
            needs = replace(action.needs, resource=ATTRIBUTES[subject.resource.plural])
            asked = replace(action, needs=needs)
        why = await app.permissions.learn(connection.client, asked, subject.namespace)
        if why:
            refused.append(Outcome(subject, False, line(why, 300)))
        else:
            allowed.append(subject)
    return allowed, refused
