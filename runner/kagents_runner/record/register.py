"""Which message is it? Every known id, its other names, and the likeness it has."""

from collections.abc import Iterable, Iterator

from kagents_runner.record.letters import Letter, Likeness, derived_id, likeness
from kagents_runner.record.posts import Tally


class Register:
    """Ids and likenesses of all journalled messages."""

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        """Ids that turned out to name a message journalled under a derived one."""
        self.tallies: dict[bytes, Tally] = {}
        self._known: dict[str, Tally] = {}
        self._unconfirmed: set[str] = set()  # ids that no mailbox has shown yet
        self._agreed: dict[str, int] = {}  # what lies under an id, as it was last compared

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._known

    def get(self, message_id: str) -> Tally | None:
        """The tally of a known message."""
        return self._known.get(message_id)

    def tally(self, letter: Letter) -> Tally:
        """The tally of a letter's likeness."""
        return self.tally_of(likeness(letter), letter.to)

    def tally_of(self, like: Likeness, to: str) -> Tally:
        """The tally of a likeness that is known already."""
        found = self.tallies.get(like.mark)
        if found is None:
            found = self.tallies[like.mark] = Tally(to)
        return found

    def name(self, message_id: str) -> str:
        """The id under which a message is journalled."""
        return self.aliases.get(message_id, message_id)

    def enter(self, message_id: str, tally: Tally) -> None:
        """A message is journalled under this id."""
        self._known[message_id] = tally
        self._unconfirmed.add(message_id)

    def alias(self, message_id: str, journalled: str) -> None:
        """The real id of a message that was journalled under a derived one."""
        tally = self._known[journalled]
        self._known[message_id], self.aliases[message_id] = tally, journalled
        if journalled in tally.anonymous:
            tally.anonymous.remove(journalled)

    def lies(self, message_id: str) -> None:
        """A mailbox shows the message."""
        self._unconfirmed.discard(message_id)

    def left(self, message_id: str) -> None:
        """No mailbox shows the message any more."""
        self._agreed.pop(message_id, None)

    def named(self, agent: str, letters: Iterable[Letter]) -> Iterator[tuple[Letter, str]]:
        """Each letter of a mailbox with an id that stays the same from look to look."""
        ordinals: dict[str, int] = {}
        for letter in letters:
            if letter.id is not None and self._agrees(letter, letter.id):
                yield letter, letter.id
                continue
            base = derived_id(agent, letter.sender, letter.written, letter.text, letter.id or "")
            ordinal = ordinals.get(base, 0)
            ordinals[base] = ordinal + 1
            yield letter, base if ordinal == 0 else derived_id(base, str(ordinal))

    def is_plain(self, letter: Letter) -> bool:
        """Whether a mailbox entry has an id, and is the message that is known by it, if any is."""
        return letter.id is not None and self._agrees(letter, letter.id)

    def _agrees(self, letter: Letter, message_id: str) -> bool:
        """Whether a mailbox entry is the message known by its id, or another one that borrowed the id."""
        tally = self._known.get(message_id)
        if tally is None or message_id in self._unconfirmed:
            return tally is None or letter.to == tally.to
        content = hash((letter.sender, letter.to, letter.text))  # a long mailbox is looked at often
        if self._agreed.get(message_id) != content:
            if self.tally(letter) is not tally:
                return False
            self._agreed[message_id] = content
        return True
