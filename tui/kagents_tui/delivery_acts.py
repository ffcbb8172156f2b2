"""What a person does with a team's delivery on the screen: retries it, opens its link, copies the link."""

from typing import TYPE_CHECKING

from kagents_tui.acts import ActError
from kagents_tui.delivery_states import failure_of, why_no_retry
from kagents_tui.links import Link, link_of
from kagents_tui.rows.delivery import story
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Team

if TYPE_CHECKING:
    from kagents_tui.acting import Pick
    from kagents_tui.app import KagentsApp
    from kagents_tui.session import Connection


async def retry(app: "KagentsApp", link: "Connection", team: Team, pick: "Pick") -> None:
    """Shows why the work was not delivered, asks, and lets it be tried again."""
    from kagents_tui import retrying
    from kagents_tui.screens.dialogs import Confirm

    source, name = team.object(), f"{team.key[0]}/{team.key[1]}"
    if why := why_no_retry(source):
        raise ActError(f"{name} {why}")
    question = f"Retry the delivery of {name}?"
    if await app.push_screen_wait(Confirm(question, story(source), "Retry", safe=False)):
        await retrying.retry(link.client, *team.key, uid=team.uid, seen=failure_of(source))
        app.say(f"the delivery of {name} is tried again", "good")


async def open_link(app: "KagentsApp", link: "Connection", team: Team, pick: "Pick") -> None:
    """Opens the team's link in the person's browser."""
    from kagents_tui import links

    found = _link(team)
    app.say(f"opening {found.what}: {found.url}", "accent")
    if why := await links.open_in_browser(found.url):
        raise ActError(f"{why}; the address is {found.url}")


async def copy_link(app: "KagentsApp", link: "Connection", team: Team, pick: "Pick") -> None:
    """Puts the team's link into the clipboard."""
    from kagents_tui import terminal_writing

    found = _link(team)
    app.write_to_terminal(terminal_writing.clipboard(found.url)[0])
    app.say(f"copied {found.what}: {found.url}", "good")


def _link(team: Team) -> Link:
    found = link_of(team.object())
    if found is None:
        raise ActError(
            f"{line(team.key[0])}/{line(team.key[1])} has no link: no pull request, no repository on the web"
        )
    return found


DOERS = {"retry": retry, "open_link": open_link, "copy_link": copy_link}
