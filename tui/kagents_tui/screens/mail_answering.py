"""Answering a message from the list it stands in."""

from typing import TYPE_CHECKING

from kagents_tui.actions import BY_ID
from kagents_tui.journal.mail import Mail
from kagents_tui.rows import mail as rows
from kagents_tui.rows.cells import cell
from kagents_tui.rows.teams import Team

if TYPE_CHECKING:
    from kagents_tui.screens.view import View


def answer(screen: "View", mail: Mail | None, team: Team | None, agents: list[str]) -> None:
    """Writes an answer to the sender, or to whom a person had written; says why when that cannot be."""
    if mail is None or team is None:
        screen.say(cell("reply: choose a message first").text, "warn")
        return
    receiver = rows.other_party(mail, agents)
    if receiver is None:
        screen.say(cell(f"reply: {mail.sender} is no agent of this team").text, "warn")
        return
    from kagents_tui.acting import act

    app = screen.kagents
    doing = act(app, BY_ID["message"], team, agent=receiver, summary=rows.answer_summary(mail))
    app.run_worker(doing, group="acts", exit_on_error=False)
