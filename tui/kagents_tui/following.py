"""One team and its journal, followed once for all the screens that show them, and while there is one."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kagents_tui.rows.teams import Key, Team, finished
from kagents_tui.tail import Tail

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp
    from kagents_tui.feed import Batch


class Reader(Protocol):
    """A screen that shows a team's journal."""

    def journal_changed(self) -> None:
        """There is something new, or the stream was lost or has ended."""
        ...

    def journal_replaced(self, why: str) -> None:
        """It is another journal from now on; ``why`` in one sentence."""
        ...


class Following:
    """A team as it is now, and its journal. ``gone``: it was deleted, what is here is the last known."""

    def __init__(self, app: "KagentsApp", key: Key) -> None:
        self.app = app
        self.key = key
        self.team: Team | None = None
        self.object: dict[str, Any] = {}
        self.gone = False
        self.readers: list[Reader] = []
        self.known = asyncio.Event()
        self.tail = self._new_tail()
        self.take(app.teams.get(key))

    @classmethod
    def join(cls, app: "KagentsApp", key: Key, reader: Reader) -> "Following":
        """The following that another screen of the stack has already, or a new one."""
        others = (getattr(screen, "following", None) for screen in app.screen_stack)
        shared = next((each for each in others if isinstance(each, cls) and each.key == key), None)
        following = shared or cls(app, key)
        following.readers.append(reader)
        if shared is None:
            following.start()
        return following

    def leave(self, reader: Reader) -> None:
        """A screen is closed; with the last one the stream ends."""
        self.readers = [each for each in self.readers if each is not reader]
        if not self.readers:
            self.app.workers.cancel_group(self.app, self._group)

    @property
    def _group(self) -> str:
        return f"journal-{id(self)}"

    def start(self) -> None:
        """Follows the journal from its beginning, and nothing else."""
        self.app.run_worker(self._follow(self.tail), group=self._group, exclusive=True, exit_on_error=False)

    def _new_tail(self) -> Tail:
        return Tail(self._open, self._changed)

    async def _follow(self, tail: Tail) -> None:
        await self.known.wait()
        await tail.run(finished=lambda: self.gone or self.team is None or finished(self.team))

    def _open(self, after: int) -> AsyncGenerator[Mapping[str, Any]]:
        from kagents_tui.journal_stream import stream

        if self.app.connection is None or self.team is None:
            raise ConnectionError("not connected")
        return stream(self.app.connection.client, self.team.object(), after=after, follow=True)

    def _changed(self) -> None:
        for reader in self.readers:
            reader.journal_changed()

    def teams_changed(self, batch: "Batch") -> None:
        """Takes the team out of a batch of the feed; the same batch twice changes nothing."""
        if self.key in batch:
            self.gone = batch[self.key] is None
            self.take(batch[self.key])
            self._changed()

    def take(self, team: Team | None) -> None:
        """The team as it is now. One that was deleted and made again has another journal."""
        if team is None or team is self.team:
            return
        made_again = self.team is not None and team.uid != self.team.uid
        self.team, self.object = team, team.object()
        self.known.set()
        if made_again:
            self.tail = self._new_tail()
            self.start()
            for reader in self.readers:
                reader.journal_replaced("the team was deleted and made again; this is the new one")
