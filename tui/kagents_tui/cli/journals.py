"""What a team's journal tells, read to its present end: mail and tasks of one team."""

from contextlib import aclosing
from typing import Any

from kagents_tui.cli.options import Session

Object = dict[str, Any]


async def journal_of(session: Session, team: Object) -> list[Object]:
    """Every journal entry there is. Raises NoJournalError without a hub."""
    from kagents_tui.journal_stream import stream

    async with aclosing(stream(session.client, team, follow=False)) as entries:
        return [entry async for entry in entries]


async def mail_of_team(session: Session, team: Object) -> list[Object]:
    """Every message, with what became of it."""
    from kagents_tui.cli.fold import mail_of

    return mail_of(await journal_of(session, team))


async def tasks_of_team(session: Session, team: Object) -> list[Object]:
    """Every task as it stands, with its history."""
    from kagents_tui.cli.fold import tasks_of

    return tasks_of(await journal_of(session, team))
