"""Which message is it? Every known id, its other names, and the likeness it has.

What can change is kept as objects. What is settled, by far the most, is packed: an id with the mark of its
likeness, and the mark with two numbers. It is asked seldom: a source that tells of it tells once more.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kagents_runner.record.letters import Letter, Likeness, derived_id, likeness
from kagents_runner.record.packed import PackedTable
from kagents_runner.record.posts import Tally

_SPARE: Final = 32
_FEWEST: Final = 4096
"""Objects that are kept at least, settled or not."""


class Register:
    """Ids and likenesses of all journalled messages."""

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        """Ids that turned out to name a message journalled under a derived one."""
        self.tallies: dict[bytes, Tally] = {}
        self._known: dict[str, Tally] = {}
        self._unconfirmed: set[str] = set()  # ids that no mailbox has shown yet
        self._settled = PackedTable()
        self._numbers = PackedTable()
        self._pack_at = _FEWEST
        self._agreed: dict[str, int] = {}  # what lies under an id, as it was last compared

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._known or _bytes(message_id) in self._settled

    def get(self, message_id: str) -> Tally | None:
        """The tally of a known message that is not packed."""
        return self._known.get(message_id)

    def tally(self, letter: Letter) -> Tally:
        """The tally of a letter's likeness."""
        return self.tally_of(likeness(letter), letter.to)

    def tally_of(self, like: Likeness, to: str) -> Tally:
        """The tally of a likeness that is known already."""
        found = self.tally_of_mark(like.mark)
        if found is None:
            found = self.tallies[like.mark] = Tally(to, like.mark)
        found.to = to  # which the mark covers
        return found

    def tally_of_mark(self, mark: bytes) -> Tally | None:
        """The tally of a known likeness."""
        found = self.tallies.get(mark)
        if found is None and (numbers := self._numbers.get(mark)) is not None:
            count, spare = numbers & (1 << _SPARE) - 1, numbers >> _SPARE
            found = self.tallies[mark] = Tally("", mark, count=count, spare=spare)
        return found

    def name(self, message_id: str) -> str:
        """The id under which a message is journalled."""
        return self.aliases.get(message_id, message_id)

    def enter(self, message_id: str, tally: Tally) -> None:
        """A message is journalled under this id."""
        self._known[message_id] = tally
        self._unconfirmed.add(message_id)
        if max(len(self._known), len(self.tallies)) > self._pack_at:
            self._pack()
            self._pack_at = max(_FEWEST, 2 * len(self._known), 2 * len(self.tallies))

    def alias(self, message_id: str, journalled: str) -> None:
        """The real id of a message that was journalled under a derived one."""
        self.aliases[message_id] = journalled
        tally = self._known.get(journalled)
        if tally is None:
            self._settled.put(_bytes(message_id), self._settled.get(_bytes(journalled)) or 0)
            return
        self._known[message_id] = tally
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

    def learned(self) -> dict[str, object]:
        """What follows from the journal, for its digest."""
        return {name: value for name, value in vars(self).items() if name != "_agreed"}

    def relearn(self, learned: Mapping[str, Any]) -> None:
        """Takes over what ``learned`` gave."""
        vars(self).update(learned)

    def is_plain(self, letter: Letter) -> bool:
        """Whether a mailbox entry has an id, and is the message that is known by it, if any is."""
        return letter.id is not None and self._agrees(letter, letter.id)

    def _agrees(self, letter: Letter, message_id: str) -> bool:
        """Whether a mailbox entry is the message known by its id, or another one that borrowed the id."""
        tally = self._known.get(message_id)
        if tally is None and (mark := self._settled.get(_bytes(message_id))) is not None:
            return mark == _number(likeness(letter).mark)
        if tally is None or message_id in self._unconfirmed:
            return tally is None or letter.to == tally.to
        content = hash((letter.sender, letter.to, letter.text))  # a long mailbox is looked at often
        if self._agreed.get(message_id) != content:
            if self.tally(letter) is not tally:
                return False
            self._agreed[message_id] = content
        return True

    def _pack(self) -> None:
        for message_id, tally in list(self._known.items()):
            if tally.at_rest:
                self._settled.put(_bytes(message_id), _number(tally.mark))
                self._unconfirmed.discard(message_id)
                self._agreed.pop(message_id, None)
                del self._known[message_id]
        for mark, tally in list(self.tallies.items()):
            if tally.at_rest:
                self._numbers.put(mark, tally.count | tally.spare << _SPARE)
                del self.tallies[mark]


def _bytes(message_id: str) -> bytes:
    return message_id.encode("utf-8", "surrogatepass")


def _number(mark: bytes) -> int:
    return int.from_bytes(mark[:8], "little")
