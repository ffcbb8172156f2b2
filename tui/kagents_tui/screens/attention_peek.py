"""What stands below the list of attention: read in full, chosen from, and answered."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kagents_core.asks import Choices, Mode, Question, questions_of
from kagents_core.safetext import SafeText, clean
from kagents_tui.rows import delivery
from kagents_tui.rows import peek as stories
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import mapping
from kagents_tui.rows.peek import MODES
from kagents_tui.rows.waiting import Waiting

if TYPE_CHECKING:
    from kagents_tui.actions.keymap import Keymap
    from kagents_tui.app import KagentsApp
    from kagents_tui.session import Connection


@dataclass
class Peek:
    """One thing, read in full. ``answerable``: everything that is asked is there to be seen."""

    item: Waiting
    story: SafeText
    entry: Mapping[str, Any] = field(default_factory=dict)
    answerable: bool = True
    picked: list[set[int]] = field(default_factory=list)
    words: dict[int, str] = field(default_factory=dict)
    at: int = 0
    """The question that is chosen for."""
    generation: int = 0
    """Of the team's spec that is shown."""

    def __post_init__(self) -> None:
        self.picked = [set() for _ in self.questions]
        self.generation = self.item.team.generation

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions; none of anything else."""
        return questions_of(mapping(self.entry.get("input"))) if self.entry.get("ask") == "question" else ()

    @property
    def is_question(self) -> bool:
        """Whether it is answered by a choice."""
        return self.entry.get("ask") == "question"

    @property
    def is_plan(self) -> bool:
        """Whether a plan is to be approved."""
        return self.entry.get("ask") == "plan"

    @property
    def single(self) -> bool:
        """Whether one digit answers all of it."""
        return len(self.questions) == 1 and not self.questions[0].multiple

    @property
    def complete(self) -> bool:
        """Whether every question has its choice."""
        return bool(self.questions) and all(
            self.picked[number] or number in self.words for number in range(len(self.questions))
        )

    def choose(self, number: int) -> bool:
        """Chooses an option of the open question, or takes the choice back; False when there is none such."""
        question = self.questions[self.at]
        if not 1 <= number <= len(question.options):
            return False
        self.words.pop(self.at, None)
        if question.multiple:
            self.picked[self.at] ^= {number}
            return True
        self.picked[self.at] = {number}
        self.next_question()
        return True

    def say(self, text: str) -> None:
        """Answers the open question in own words."""
        self.picked[self.at] = set()
        self.words[self.at] = text

    def next_question(self) -> bool:
        """On to the first question without a choice; whether the open one has its own."""
        done = bool(self.picked[self.at]) or self.at in self.words if self.questions else False
        if done:
            left = [n for n in range(len(self.questions)) if not self.picked[n] and n not in self.words]
            self.at = left[0] if left else self.at
        return done

    def choices(self) -> Choices:
        """The choices as the hub takes them."""
        return tuple(
            (self.words[number],) if number in self.words else tuple(sorted(self.picked[number]))
            for number in range(len(self.questions))
        )

    @property
    def _options(self) -> int:
        """How many answers there are to choose from."""
        return len(self.questions[self.at].options) if self.at < len(self.questions) else 0

    def text(self) -> SafeText:
        """What is asked, with what was chosen so far."""
        return stories.ask_story(self.entry, self.picked, self.at) if self.is_question else self.story

    def hint(self, keymap: "Keymap") -> Sequence[Cell]:
        """The keys that answer it."""
        key = keymap.words
        allow, refuse, own = key("allow"), key("refuse"), key("own_words")
        if self.is_question and self.single:
            words = f"{keymap.places('choose', self._options)} choose  {own} own words  {refuse} refuse"
        elif self.is_question:
            words = f"{keymap.places('choose', self._options)} choose  {allow} sends  {own} own words"
        elif self.is_plan:
            words = f"{allow} approve  {keymap.places('choose', len(MODES))} how it may work  {refuse} reject"
        elif self.item.need.failure is not None:
            words = f"{allow} retry  {key('open_link')} browser"
        else:
            words = f"{allow} allow  {refuse} refuse"
        return [cell(words, "accent")]


async def load(connection: "Connection | None", item: Waiting) -> Peek:
    """Reads what is asked. Never raises for what the hub or the API server says: that is shown instead."""
    from kagents_core.kube.errors import KubeError
    from kagents_tui import asking
    from kagents_tui.acts import ActError

    team, need = item.team.object(), item.need
    if connection is None:
        return Peek(item, clean("not connected"), answerable=False)
    client = connection.client
    try:
        if need.request is not None:
            entry = await asking.in_full(client, team, need.request)
            return Peek(item, stories.ask_story(entry), entry)
        if need.kind == "gate":
            async with aclosing(asking.entries_of(client, team, "request", "task", "artifact")) as entries:
                return Peek(item, stories.gate_peek(item, [each async for each in entries]))
        if need.kind == "mail":
            lying: dict[str, Mapping[str, Any]] = {}
            async with aclosing(asking.entries_of(client, team, "message", "seen")) as entries:
                async for each in entries:
                    stories.note_mail(lying, str(need.agent), each)
            return Peek(item, stories.mail_story(str(need.agent), lying.values()), answerable=False)
    except (ActError, KubeError) as error:
        return _unread(item, str(error))
    if need.failure is not None:
        return Peek(item, delivery.story(team))
    return Peek(item, stories.plain_story(item), answerable=False)


def _unread(item: Waiting, why: str) -> Peek:
    """What the object alone tells. A gate can still be decided: what it holds back stands in the object."""
    note = f"\n\n(not read: {why})"
    if item.need.kind == "gate":
        return Peek(item, clean(stories.gate_peek(item, ()) + note))
    return Peek(item, clean(stories.plain_story(item) + note), answerable=False)


async def deliver(
    app: "KagentsApp", peek: Peek, *, allow: bool, reason: str, mode: Mode | None
) -> str | None:
    """Answers what was shown, and nothing else; why not, in a sentence, when it is refused."""
    from kagents_core.kube.errors import KubeError
    from kagents_tui import acts, asking, retrying
    from kagents_tui.acting import RefusedError, fresh, ready
    from kagents_tui.actions import BY_ID

    need, team = peek.item.need, peek.item.team
    action = BY_ID["allow" if need.request is not None else "retry" if need.failure else "approve"]
    try:
        connection = ready(app, action)
        refusal = await app.permissions.learn(connection.client, action, team.key[0])
        if refusal:
            return str(refusal)
        now = await fresh(connection, team)
        if need.failure is not None:
            await retrying.retry(connection.client, *team.key, uid=team.uid, seen=need.failure)
            return None
        if need.request is None:
            shown = peek.generation or None
            await acts.approve(connection.client, *team.key, event=need.event, uid=team.uid, generation=shown)
            return None
        await asking.answer(
            connection.client,
            now.object(),
            need.request,
            uid=team.uid,
            allow=allow,
            reason=reason.strip() or None,
            choices=peek.choices() if allow else (),
            mode=mode,
        )
    except (RefusedError, acts.ActError, KubeError) as error:
        return str(error)
    return None
