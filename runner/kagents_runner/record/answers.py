"""Takes people's answers (``answers/``, written by the verb ``answer``), judges and delivers them.

For each ``<name>.json`` a ``<name>.result`` says what became of it: ``{"refused": <sentence or null>}``. The
answer stays until its message lies in the mailbox, so a killed recorder delivers it later, under the same id.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.asks import (
    BY_LIMIT,
    CHOICE_LIMIT,
    MODES,
    REASON_LIMIT,
    Answer,
    AnswerError,
    Choices,
    native_answer,
    sane_id,
)
from kagents_core.safetext import clean
from kagents_core.teamfiles.files import NotRegularError, TooLargeError, read_bounded, replace_file
from kagents_core.teamfiles.mailbox import Malformed, new_message
from kagents_core.teamfiles.nativejson import NotJsonError, parse
from kagents_runner.record.asks import OpenAsk
from kagents_runner.record.books import Books
from kagents_runner.record.changes import FileChanges
from kagents_runner.record.clock import rfc3339
from kagents_runner.record.mail import MailRoom

ANSWER_LIMIT: Final = 256 * 1024
"""Bytes of an answer's file."""
RESULT_SECONDS: Final = 600.0
"""How long a result is kept that nobody has fetched."""
_MESSAGES: Final = uuid.UUID("6d0b2c1e-3f57-4f0a-9a3b-6a1f0c9d7e21")
"""Namespace of the ids of answering messages: made from the answer's id, so that none is delivered twice."""


class AnswerRoom:
    """Everything that comes in through ``answers/``."""

    def __init__(self, books: Books, mail: MailRoom, gone: Callable[[str], bool]) -> None:
        """``gone`` says whether an agent has ended for good."""
        self._books = books
        self._mail = mail
        self._gone = gone
        self._folder = books.layout.answers
        self._files = FileChanges(self._folder, ".json")

    @property
    def young(self) -> bool:
        """Whether the directory must be looked at again soon."""
        return self._files.young

    async def step(self) -> None:
        """Judges every new answer, in the order of their names."""
        names, _ = self._files.changed()
        for name in names:
            path = self._folder / name
            try:
                document = _checked(parse(read_bounded(path, ANSWER_LIMIT)))
            except FileNotFoundError:
                continue
            except (TooLargeError, NotRegularError, NotJsonError, AnswerError) as error:
                self._books.malformed([Malformed(f"answers/{name}", str(error), "")])
                self._result(path, str(error))
                path.unlink(missing_ok=True)
                continue
            await self._take(path, document)
        if names:
            self._forget_results()

    async def _take(self, path: Path, document: Mapping[str, Any]) -> None:
        books, agent, identity = self._books, document["agent"], document["request"]
        message_id = str(uuid.uuid5(_MESSAGES, document["id"]))
        closed = books.asks.closed(agent, identity)
        if closed is not None and closed.answer_id == document["id"]:  # this very answer, once more
            self._result(path, None)
            await self._mail.reply_again(agent, message_id, path)
            return
        found = books.asks.find(agent, identity)
        refused = self._refusal(agent, identity, found)
        if found is not None and refused is None:
            answer = _answer(document)
            try:
                native = native_answer(found.ask, answer, at=rfc3339(books.clock()))
            except AnswerError as error:
                refused = str(error)
            else:
                message = new_message(TEAM_LEAD, native, message_id=message_id)
                self._mail.enter(agent, message, path)
                books.write(books.asks.answered(found.ask, answer, document["id"]))
                books.journal.sync()
                books.reflect_asks(agent, books.clock())
                self._result(path, None)
                await self._mail.deliver_waiting()
                return
        self._result(path, refused)
        path.unlink(missing_ok=True)

    def _refusal(self, agent: str, identity: str, found: OpenAsk | None) -> str | None:
        if found is None:
            closed = self._books.asks.closed(agent, identity)
            if closed is None:
                return f"There is no request {identity} of {agent}."
            if closed.answer == "withdrawn":
                return f"The request {identity} of {agent} needs no answer any more: it was withdrawn."
            word = "allowed" if closed.answer == "allow" else "denied"
            whom = closed.by or "somebody"
            return f"The request {identity} of {agent} was {word} by {whom} before; that stands."
        if self._books.state.over or self._gone(agent):
            return f"The agent {agent} has ended, so nobody waits for the answer."
        return None

    def _result(self, path: Path, refused: str | None) -> None:
        replace_file(path.with_suffix(".result"), orjson.dumps({"refused": refused}))

    def _forget_results(self) -> None:
        oldest = time.time() - RESULT_SECONDS
        for path in self._folder.glob("*.result"):
            if path.lstat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _checked(value: Any) -> Mapping[str, Any]:
    """The document, if it has the form that the verb gives it. Raises ``AnswerError``."""
    if not isinstance(value, dict):
        raise AnswerError("not an answer")
    for name in ("id", "agent", "request"):
        if not isinstance(value.get(name), str) or not sane_id(value[name]):
            raise AnswerError(f"{name} of the answer is missing or no id")
    if not isinstance(value.get("allow"), bool):
        raise AnswerError("allow of the answer is true or false")
    reason, mode = value.get("reason"), value.get("mode")
    if not isinstance(reason, str | None) or len(reason or "") > REASON_LIMIT:
        raise AnswerError(f"the reason is a text of at most {REASON_LIMIT} characters")
    if mode is not None and mode not in MODES:
        raise AnswerError(f"the way of working is one of {', '.join(MODES)}")
    _choices(value.get("choices"))
    return value


def _choices(value: Any) -> Choices:
    """For each question the chosen numbers or words. Raises ``AnswerError``."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > CHOICE_LIMIT:
        raise AnswerError("the choices are a list")
    found = []
    for each in value:
        if not isinstance(each, list) or len(each) > CHOICE_LIMIT:
            raise AnswerError("the choices are one list for each question")
        if any(isinstance(one, bool) or not isinstance(one, str | int) for one in each):
            raise AnswerError("a choice is a number or a text")
        found.append(tuple(each))
    return tuple(found)


def _answer(document: Mapping[str, Any]) -> Answer:
    by = str(clean(str(document.get("by") or ""), limit=BY_LIMIT, multiline=False)) or "somebody"
    reason = (document.get("reason") or "").strip() or None
    return Answer(document["allow"], by, reason, _choices(document.get("choices")), document.get("mode"))
