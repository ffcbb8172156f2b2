"""Answering what stands below the list of attention: only what is shown in full, and then on to the next."""

from collections.abc import Hashable
from time import monotonic

from kagents_core.asks import Mode, questions_of
from kagents_tui.actions import BY_ID
from kagents_tui.rows.cells import cell
from kagents_tui.rows.fields import line, mapping
from kagents_tui.rows.peek import MODES
from kagents_tui.rows.waiting import NAMES, Waiting
from kagents_tui.screens.attention_peek import Peek
from kagents_tui.screens.kindlist import KindList
from kagents_tui.widgets.document import Document


class Answering(KindList, inherit_bindings=False):
    """The answers' half of the list of attention; the other half says what is listed and shown."""

    def __init__(self) -> None:
        super().__init__()
        self.peeking = False
        self.shown: Peek | None = None
        """What stands below the list in full; None while it is read or cannot be."""
        self.guarded_until = 0.0
        self.answered: dict[Hashable, None] = {}
        """What was answered and is still in the object: it is not shown again."""

    @property
    def document(self) -> Document:
        """What is asked, in full."""
        return self.query_one("#peek", Document)

    def fill(self) -> None:
        """Lists everything anew."""
        raise NotImplementedError

    def current_key(self) -> Hashable:
        """What the cursor is on."""
        current: Waiting | None = self.table().current
        return current.key if current is not None else None

    def changed_by_itself(self, before: Hashable) -> None:
        """The list changed, and not by the cursor: what is shown may be another thing now."""
        raise NotImplementedError

    def do_peek(self, arguments: tuple[str, ...]) -> None:
        """What is asked, in full, or the list alone."""
        raise NotImplementedError

    def _facing(self, verb: str) -> Peek | None:
        """What a key may answer now; None, with a word why, when the person may not have seen it."""
        item: Waiting | None = self.table().current
        key = self.kagents.keymap.words
        if item is None:
            self.say(cell("nothing waits for an answer").text, "dim")
        elif not item.need.for_person:
            leads = f"{key('open')} opens the team, {key('message')} writes to the agent"
            self.say(line(f"{item.kind} needs no answer; {leads}"), "dim")
        elif not self.peeking:
            self.do_peek(())
            self.say(line(f"this is what is asked; {verb} once you have read it"), "accent")
        elif monotonic() < self.guarded_until:
            self.say(cell("the list has just moved on; look again").text, "warn")
        elif self.shown is None or self.shown.item.key != item.key:
            self.say(cell("it is not shown in full, so it cannot be answered yet").text, "warn")
        else:
            return self.shown
        return None

    def do_allow(self, arguments: tuple[str, ...]) -> None:
        """Allows what is shown; a question: sends the choice."""
        peek = self._facing(f"press {self.kagents.keymap.words('allow')}")
        if peek is None:
            return
        if peek.is_question and not peek.next_question():
            words = self.kagents.keymap.words("own_words")
            self.say(cell(f"choose an option first, or press {words} for own words").text, "warn")
            self.document.replace(peek.text())
        elif peek.is_question and not peek.complete:
            self.document.replace(peek.text())
        else:
            self._send(peek, allow=True)

    def do_retry(self, arguments: tuple[str, ...]) -> None:
        """Retries the delivery that is shown; one that the command line names, in its dialog."""
        item: Waiting | None = self.table().current
        if arguments or item is None or item.need.failure is None:
            self.act_on_team(BY_ID["retry"], arguments)
        else:
            self.do_allow(())

    def do_choose(self, arguments: tuple[str, ...]) -> None:
        """An option of the question, or the way of working of a plan."""
        number = int(arguments[0]) + 1
        peek = self._facing("choose")
        if peek is None:
            return
        if peek.is_plan:
            if number > len(MODES):
                tells = self.kagents.keymap.words("help")
                self.say(cell(f"a plan is approved in three ways; {tells} tells which keys").text, "warn")
                return
            mode: Mode = MODES[number - 1][0]
            self._send(peek, allow=True, mode=mode)
        elif not peek.is_question:
            self.say(cell("what is shown has no options to choose from").text, "dim")
        elif not peek.choose(number):
            self.say(cell(f"the question has no option {number}").text, "warn")
        elif peek.complete and peek.single:
            self._send(peek, allow=True)
        else:
            self.document.replace(peek.text())

    def do_own_words(self, arguments: tuple[str, ...]) -> None:
        """An answer in own words."""
        peek = self._facing(f"press {self.kagents.keymap.words('own_words')}")
        if peek is None:
            return
        if not peek.is_question:
            refuses = self.kagents.keymap.words("refuse")
            self.say(
                cell(f"only a question is answered in own words; {refuses} refuses with a reason").text, "dim"
            )
            return
        self.run_worker(self._ask_words(peek), group="acts", exit_on_error=False)

    async def _ask_words(self, peek: Peek) -> None:
        from kagents_tui.screens.wording import Words

        question = questions_of(mapping(peek.entry.get("input")))[peek.at].text
        text = await self.kagents.push_screen_wait(
            Words(f"{peek.item.need.agent} asks: {question}", "Answer")
        )
        if text:
            peek.say(text)
            if peek.next_question() and peek.complete:
                self._send(peek, allow=True)
            elif self.shown is peek:
                self.document.replace(peek.text())

    def do_refuse(self, arguments: tuple[str, ...]) -> None:
        """Refuses it with a reason; a gate is denied in its dialog."""
        peek = self._facing(f"press {self.kagents.keymap.words('refuse')}")
        if peek is None:
            return
        if peek.item.need.failure is not None:
            retries = self.kagents.keymap.words("allow")
            self.say(cell(f"a delivery is retried ({retries}), or its team is ended (:kill)").text, "dim")
        elif peek.item.need.request is None:
            self.act_on_team(BY_ID["deny"], ())
        else:
            self.run_worker(self._ask_reason(peek), group="acts", exit_on_error=False)

    async def _ask_reason(self, peek: Peek) -> None:
        from kagents_tui.screens.wording import Words

        verb = "Reject" if peek.is_plan else "Refuse"
        words = Words(f"{verb}: {peek.item.need.text}", verb, empty=True, hint="the reason, for the agent")
        reason = await self.kagents.push_screen_wait(words)
        if reason is not None:
            self._send(peek, allow=False, reason=reason)

    def _send(self, peek: Peek, *, allow: bool, reason: str = "", mode: Mode | None = None) -> None:
        """Sends the answer in the background, and is on the next thing at once."""
        if peek.item.key in self.answered:
            return
        self.answered[peek.item.key] = None
        self.run_worker(
            self._deliver(peek, allow=allow, reason=reason, mode=mode), group="acts", exit_on_error=False
        )
        before = self.current_key()
        self.table().apply({peek.item.key: None})
        self.changed_by_itself(before)

    async def _deliver(self, peek: Peek, *, allow: bool, reason: str, mode: Mode | None) -> None:
        from kagents_tui.screens.attention_peek import deliver

        problem = await deliver(self.kagents, peek, allow=allow, reason=reason, mode=mode)
        need = peek.item.need
        who = f"{need.agent or need.event or NAMES[need.kind]} of {peek.item.team.name}"
        if problem is None:
            word = "answered" if peek.is_question and allow else "allowed" if allow else "refused"
            word = "is tried again" if need.failure is not None else word
            self.kagents.say(line(f"{who}: {word}"), "good")
            return
        self.answered.pop(peek.item.key, None)
        if self.ready:
            self.fill()
        self.kagents.say(line(f"{who}: {problem}"), "warn")
