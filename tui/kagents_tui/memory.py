"""What the terminal remembers from one start to the next: the last view, namespaces, command lines, taste.

One small JSON file, replaced as a whole and never larger than a bound. Several terminals may run at once: a
save reads the file again under a lock, and changes only what this terminal did.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from kagents_tui.places import Place, place_of
from kagents_tui.rows.fields import mapping, sequence
from kagents_tui.taste import Choices, Taste, taste_of

VERSION: Final = 1
SIZE_LIMIT: Final = 1024 * 1024
COMMANDS: Final = 200
COMMAND_LENGTH: Final = 500
CONTEXTS: Final = 100
NAMESPACES: Final = 50
LOCK_TRIES: Final = 20
LOCK_WAIT: Final = 0.01


def usual_file() -> Path:
    """Where the state is kept: ``$XDG_STATE_HOME/kagents/terminal.json``."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "kagents" / "terminal.json"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at in one context: the namespaces shown (none: all); those chosen, the latest last."""

    namespaces: tuple[str, ...] = ()
    used: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"namespaces": list(self.namespaces[:NAMESPACES]), "used": list(self.used[-NAMESPACES:])}


@dataclass(slots=True)
class Memory:
    """What is remembered. Without a ``file`` nothing is read or written.

    ``remark`` is a sentence for the person when the file could not be used; it is set aside then.
    """

    file: Path | None = None
    place: Place | None = None
    """The last view."""
    root: Place | None = None
    """How the first screen was looked at."""
    context: str = ""
    """Where the last view was."""
    contexts: dict[str, Seen] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    """Command lines of this and earlier sessions; whoever reads one more appends it here."""
    taste: Taste = field(default_factory=Taste)
    """How the person likes to see things; the choice made last holds, also of another terminal."""
    remark: str = ""
    _changed: dict[str, None] = field(default_factory=dict)
    _chosen: Choices = field(default_factory=dict)
    _own: int = 0
    _written: object = None

    def load(self) -> "Memory":
        """Takes in what the file holds."""
        document = self._read()
        if document is not None:
            self._take(document)
        self._own = len(self.commands)
        self._written = self._own_state()
        return self

    def see(self, context: str, seen: Seen) -> None:
        """Something was looked at in a context."""
        if self.contexts.get(context) != seen:
            self.contexts[context] = seen
            self._changed[context] = None

    def choose(self, **choices: str | bool) -> None:
        """The person wants to see things in another way, from now on."""
        self.taste = replace(self.taste, **choices)  # type: ignore[arg-type]  # the fields of ``Taste``
        self._chosen |= choices

    def save(self) -> None:
        """Writes what this terminal did, if it did anything. A file that cannot be written is let be."""
        if self.file is None or self._own_state() == self._written:
            return
        with suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.file.with_suffix(".lock")) as held:
                if held:
                    replace_file(self.file, json.dumps(self._merged(self._read() or {})))
                    self._own = len(self.commands)
                    self._chosen.clear()
                    self._written = self._own_state()

    def _own_state(self) -> object:
        seen = frozenset(self.contexts.items())
        return (self.place, self.root, self.context, len(self.commands), seen, tuple(self._chosen.items()))

    def _merged(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The file's content with what this terminal did."""
        contexts = dict(mapping(before.get("contexts")))
        for name in self._changed:
            contexts.pop(name, None)
            contexts[name] = self.contexts[name].document()
        told = [
            *texts(before.get("commands")),
            *(each[:COMMAND_LENGTH] for each in self.commands[self._own :]),
        ]
        return {
            "version": VERSION,
            "place": self.place.document() if self.place else None,
            "root": self.root.document() if self.root else None,
            "context": self.context,
            "contexts": dict(list(contexts.items())[-CONTEXTS:]),
            "commands": told[-COMMANDS:],
            "taste": dict(mapping(before.get("taste"))) | self._chosen,
        }

    def _take(self, document: Mapping[str, Any]) -> None:
        self.place, self.root = place_of(document.get("place")), place_of(document.get("root"))
        self.context = str(document.get("context") or "")[:1000]
        self.taste = taste_of(document.get("taste"))
        for name, each in list(mapping(document.get("contexts")).items())[-CONTEXTS:]:
            seen = mapping(each)
            self.contexts[name] = Seen(
                tuple(texts(seen.get("namespaces")))[:NAMESPACES],
                tuple(texts(seen.get("used")))[-NAMESPACES:],
            )
        self.commands[:0] = [each[:COMMAND_LENGTH] for each in texts(document.get("commands"))[-COMMANDS:]]

    def _read(self) -> Mapping[str, Any] | None:
        """The file's content; None when there is none, or none that can be used, which is set aside."""
        if self.file is None:
            return None
        try:
            with self.file.open("rb") as stream:
                data = stream.read(SIZE_LIMIT + 1)
            document = json.loads(data) if len(data) <= SIZE_LIMIT else None
        except FileNotFoundError:
            return None
        except OSError as error:
            self.remark = f"nothing is remembered: {self.file} cannot be read ({error.strerror})"
            self.file = None
            return None
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and document.get("version") == VERSION:
            return document
        aside = self.file.with_suffix(".unusable")
        with suppress(OSError):
            self.file.replace(aside)
        self.remark = f"{self.file.name} could not be used and is now {aside.name}, in {self.file.parent}"
        return None


def texts(value: object) -> list[str]:
    """The texts of a list; what is none is left out."""
    return [each for each in sequence(value) if isinstance(each, str)]


@contextmanager
def locked(path: Path, sleep: Callable[[float], None] = time.sleep) -> Iterator[bool]:
    """Holds a lock file for a moment; gives False when another keeps it, after a fifth of a second."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield any(_take_lock(opened, sleep) for _ in range(LOCK_TRIES))
    finally:
        os.close(opened)


def _take_lock(opened: int, sleep: Callable[[float], None]) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sleep(LOCK_WAIT)
        return False
    return True


def replace_file(path: Path, content: str) -> None:
    """Writes a file that only its owner may read, in one step: readers see the old one or the new one."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8", errors="replace") as stream:
        stream.write(content)
    new.replace(path)
