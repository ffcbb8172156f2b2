"""What agents leave in files: their supervisors' states, hook events, requests, transcripts."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from kagents_core.pricing import Tokens
from kagents_core.teamfiles.events import read_events
from kagents_core.teamfiles.files import NotRegularError, TooLargeError, read_bounded
from kagents_core.teamfiles.layout import HEARTBEAT_SECONDS
from kagents_core.teamfiles.mailbox import Malformed
from kagents_core.teamfiles.nativejson import NotJsonError, compact, excerpt, parse
from kagents_core.teamfiles.transcript import ReceivedMail, read_transcript, subagent_transcripts
from kagents_runner.record import hooks
from kagents_runner.record.artifacts import ArtifactShelf
from kagents_runner.record.books import Books
from kagents_runner.record.changes import FileChanges
from kagents_runner.record.clock import rfc3339, seconds
from kagents_runner.record.letters import Letter
from kagents_runner.record.spending import Response
from kagents_runner.record.statefile import names_in, unreachable_in
from kagents_runner.record.tracing import Story

_DOCUMENT_LIMIT: Final = 1024 * 1024
_REQUESTS: Final = frozenset({"dismiss", "finish", "report"})
_MOST_TOKENS: Final = 10**9
"""Tokens of one request that are believed; a transcript is the agent's to write."""
_ARGUMENTS: Final = ("teammate", "reason", "summary", "key", "value")
_SILENT: Final = 3 * HEARTBEAT_SECONDS
"""Without a word of its supervisor for so long, an agent is taken to be killed."""


class AgentFiles:
    """Reads the files of all declared agents into the books."""

    def __init__(self, books: Books, homes: Path | None, artifacts: Path | None = None) -> None:
        """``homes``: the directory of the agents' homes; None when transcripts cannot be read.

        ``artifacts``: the directory of what agents have made; None when they make none.
        """
        self._books = books
        self._shelf = ArtifactShelf(books, artifacts)
        self._homes = homes
        self._names = [name for name, _ in books.agents]
        self._states = FileChanges(books.layout.agents_dir, ".json")
        self._events = {name: os.fspath(books.layout.events(name)) for name in self._names}
        self._requests = {name: FileChanges(books.layout.requests(name), ".json") for name in self._names}
        self.documents: dict[str, Mapping[str, Any]] = {}
        """Each agent's state as its supervisor wrote it."""
        self._heard: dict[str, float] = {}
        self.transcripts: dict[str, Path] = {}
        self.found_transcript = False
        """A transcript has a new place and was not read yet."""
        self.replaced: list[tuple[str, float]] = []
        """Agents that a new process has taken over, and since when; the reader empties it."""

    @property
    def young(self) -> bool:
        """Whether files must be looked at again soon."""
        return self._states.young or any(requests.young for requests in self._requests.values())

    # -- supervisors -------------------------------------------------------------------------------------

    @property
    def runs_until(self) -> float | None:
        """Until when some agent is taken to run unless more is heard of it; None when all have ended."""
        documents = self.documents.items()
        running = [name for name, told in documents if told.get("state") in ("starting", "running")]
        return max((self._heard[name] + _SILENT for name in running), default=None)

    def read_states(self) -> None:
        """Takes note of supervisors' states that have changed."""
        changed, _ = self._states.changed()
        for name in changed:
            agent = name.removesuffix(".json")
            if agent in self._names:
                try:
                    document = parse(read_bounded(self._books.layout.agents_dir / name, _DOCUMENT_LIMIT))
                except (OSError, NotJsonError):
                    self._states.again(name)
                    continue
                if isinstance(document, dict):
                    self._supervised(agent, document)

    def _supervised(self, agent: str, document: Mapping[str, Any]) -> None:
        books = self._books
        state, attempt = document.get("state"), document.get("attempt")
        transcript = document.get("transcript")
        if not isinstance(state, str) or not isinstance(attempt, int):
            return
        since = seconds(document.get("since"), books.clock())
        started = document.get("startedAt")
        message = document.get("message")
        self.documents[agent] = document
        self._heard[agent] = books.clock()
        books.outside[agent] = names_in(document.get("outsideScope"))
        books.unreachable[agent] = unreachable_in(document.get("unreachable"))
        if isinstance(transcript, str) and transcript:
            self._find_transcript(agent, transcript)
        if agent in self.transcripts:
            books.ledger.keeps_transcript(agent, kept=True)
        elif state != "starting":
            books.ledger.keeps_transcript(agent, kept=False)
        before = books.attempts.get(agent, 0)
        if attempt != before:
            books.attempts[agent] = attempt
            books.dirty()
        same_pod = attempt == before and books.starts.get(agent, started) != started
        if attempt > before or same_pod:
            self.replaced.append((agent, seconds(started, since)))
            books.withdraw(books.asks.gone(agent, "its agent was started again", plans=False))
        if isinstance(started, str) and books.starts.get(agent) != started:
            books.starts[agent] = started
            books.dirty()
        text = message if isinstance(message, str) else None
        if state in ("ended", "failed"):
            books.withdraw(books.asks.gone(agent, f"its agent has {state}", plans=state == "ended"))
        if state == "ended":
            self._shelf.read(agent)
        books.write(books.board.supervised(agent, state, attempt, since, text))

    def _find_transcript(self, agent: str, relative: str) -> None:
        """Keeps the transcript's place if it lies inside the agent's home, links resolved."""
        if self._homes is None:
            return
        home = (self._homes / agent).resolve()
        path = (home / relative).resolve()
        if path.is_relative_to(home) and path.suffix == ".jsonl" and self.transcripts.get(agent) != path:
            self.transcripts[agent] = path
            self.found_transcript = True

    # -- hooks -------------------------------------------------------------------------------------------

    def read_events(self) -> None:
        """Takes note of new hook events of all agents."""
        for agent, path in self._events.items():
            source = f"events/{agent}.jsonl"
            if _ends_at(path, self._books.offsets.get(source, 0)):
                continue
            while True:
                offset = self._books.offsets.get(source, 0)
                try:
                    found = read_events(self._books.layout, agent, offset)
                except OSError as error:
                    self._books.malformed([Malformed(source, str(error.strerror), "")])
                    break
                self._books.malformed(found.malformed)
                for payload in found.payloads:
                    try:
                        self._event(agent, payload)
                    except (TypeError, ValueError, KeyError) as error:  # or it would stop all others
                        self._books.malformed(
                            [Malformed(source, f"not understood: {error}", excerpt(payload))]
                        )
                self._books.read_to(source, found.offset)
                if found.offset <= offset:
                    break

    def _event(self, agent: str, payload: Mapping[str, Any]) -> None:
        books, now = self._books, self._books.clock()
        at = seconds(payload.get("kagentsAt"), now)
        books.hear(agent, at)
        letter = hooks.sent_letter(agent, payload, rfc3339(at))
        if letter is not None and letter.id is not None:
            books.write(books.ledger.sent(letter, now))
        elif letter is not None and hooks.call_id(payload):
            books.write(books.ledger.claimed(hooks.call_id(payload), letter, now))
        given = hooks.assignment(agent, payload)
        if given is not None:
            books.write(books.ledger.claimed(given.key, self._assignment(agent, given, at), now))
        books.tracing.tell(lambda story: story.hook(agent, payload, at))
        told = hooks.signal(payload)
        if told is not None:
            books.write(books.board.told(agent, told, at))

    def _assignment(self, agent: str, given: hooks.Assignment, at: float) -> Letter:
        task = self._books.tasks.task(given.task_id)
        text = {
            "type": "task_assignment",
            "taskId": given.task_id,
            "subject": task.get("subject", ""),
            "description": task.get("description", ""),
            "assignedBy": agent,
            "timestamp": rfc3339(at),
        }
        return Letter(agent, given.owner, compact(text), written=rfc3339(at))

    # -- requests ----------------------------------------------------------------------------------------

    def read_requests(self) -> None:
        """Journals agents' requests and removes them."""
        for agent, changes in self._requests.items():
            names, _ = changes.changed()
            for name in names:
                path = self._books.layout.requests(agent) / name
                try:
                    request = parse(read_bounded(path, _DOCUMENT_LIMIT))
                except FileNotFoundError:
                    continue
                except (TooLargeError, NotRegularError, NotJsonError) as error:
                    self._books.malformed([Malformed(f"requests/{agent}/{name}", str(error), "")])
                    path.rename(path.with_name(f"{name}.malformed"))
                    continue
                self._request(agent, name, request)
                self._books.journal.sync()
                path.unlink(missing_ok=True)

    def _request(self, agent: str, name: str, request: Any) -> None:
        books = self._books
        identity = f"{agent}/{name.removesuffix('.json')}"
        kind = request.get("kind") if isinstance(request, dict) else None
        if not isinstance(kind, str) or kind not in _REQUESTS:
            books.malformed([Malformed(f"requests/{identity}", "not a request", excerpt(request))])
            return
        if identity in books.requests:
            return
        entry = {"kind": "request", "agent": agent, "request": kind, "id": identity}
        entry |= {key: request[key] for key in _ARGUMENTS if isinstance(request.get(key), str)}
        if kind != "report" and agent != books.lead:
            entry["refused"] = "Only the lead may do that."
        books.write([entry])

    # -- transcripts -------------------------------------------------------------------------------------

    def transcript_directories(self) -> set[Path]:
        """Where transcripts grow, or will: a directory that is not there yet appears in the one above it."""
        found: set[Path] = set()
        for path in self.transcripts.values():
            for directory in (path.parent, path.with_suffix("") / "subagents"):
                found.add(next(above for above in (directory, *directory.parents) if above.is_dir()))
        return found

    def read_transcripts(self) -> None:
        """Takes note of new transcript lines."""
        self.found_transcript = False
        for name in self._names:
            path = self.transcripts.get(name)
            if path is not None:
                self._read_transcript(name, path, main=True)
                for other in subagent_transcripts(path):
                    self._read_transcript(name, other, main=False)

    def _read_transcript(self, agent: str, path: Path, *, main: bool) -> None:
        books = self._books
        source = (
            f"home/{agent}/{path.name}" if main else f"home/{agent}/{path.parent.parent.name}/{path.name}"
        )
        while True:
            offset = books.offsets.get(source, 0)
            try:
                batch = read_transcript(path, offset)
            except OSError as error:
                books.malformed([Malformed(source, str(error.strerror), "")])
                return
            books.tracing.tell(partial(Story.transcript, agent=agent, batch=batch, main=main))
            if main:
                self._received(agent, batch.received)
            if batch.finished:
                books.withdraw(books.asks.finished(agent, batch.finished))
            for used in batch.usage:
                counts = (
                    used.input_tokens,
                    used.output_tokens,
                    used.cache_read_tokens,
                    used.cache_write_tokens,
                )
                tokens = Tokens(*(min(count, _MOST_TOKENS) for count in counts))
                response = Response(agent, used.key[:200], used.model[:200], tokens, used.at[:64])
                books.spending.observed(response, books.clock())
            books.read_to(source, batch.offset)
            if batch.offset <= offset:
                with suppress(OSError):
                    books.hear(agent, path.stat(follow_symlinks=False).st_mtime)
                return

    def _received(self, agent: str, received: tuple[ReceivedMail, ...]) -> None:
        """Mail that the transcript shows; lines have no stable name here, so time, sender and text make
        one."""
        books, same = self._books, Counter[str]()
        for mail in received:
            digest = hashlib.sha256(
                "\0".join((agent, mail.at, mail.sender, mail.text)).encode("utf-8", "replace")
            )
            key = digest.hexdigest()[:24]
            same[key] += 1
            letter = Letter(mail.sender, agent, mail.text, mail.summary, mail.at)
            books.write(books.ledger.sighted(f"{key}:{same[key] - 1}", letter, books.clock()))
            books.write(books.board.wakes(agent, seconds(mail.at, 0.0)))


def _ends_at(path: str, offset: int) -> bool:
    """Whether a file that is only appended to has nothing behind ``offset``, as most have at each look."""
    try:
        return os.lstat(path).st_size == offset
    except FileNotFoundError:
        return offset == 0
