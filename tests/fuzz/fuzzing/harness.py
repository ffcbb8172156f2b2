"""What a harness is, and what may be demanded of every parser of outside data."""

import unicodedata
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

Value = TypeVar("Value")
Form = Literal["json", "lines", "yaml", "bytes"]

_SHOWN: Final = frozenset("\n\t")
_DECEPTIVE: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Broken(Exception):  # noqa: N818 - it says what happened
    """A demand that was not met; the text says which."""


@dataclass(frozen=True)
class Harness:
    """One parser, or a few that read the same bytes."""

    name: str
    parses: str
    """What outside data, in words for the table."""
    parsers: str
    """Which functions read it."""
    feed: Callable[[bytes], None]
    """Reads one input. Whatever it raises is a failure: declared errors are caught in it."""
    seeds: Callable[[], list[bytes]]
    """Good inputs, to be changed."""
    form: Form
    tokens: tuple[bytes, ...] = ()
    """Words that mean something to the parser."""


def demand(holds: bool, what: str) -> None:
    """Raises ``Broken`` when it does not hold."""
    if not holds:
        raise Broken(what)


def demand_harmless(text: object, where: str) -> None:
    """No control character, and none that turns the writing around, in what goes to a screen."""
    for character in str(text):
        if character in _DECEPTIVE or (character not in _SHOWN and unicodedata.category(character) == "Cc"):
            raise Broken(f"{where}: U+{ord(character):04X} reaches the screen")


def finished(work: Coroutine[Any, Any, Value]) -> Value:
    """The result of a coroutine that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Value = end.value
        return result
    work.close()
    raise Broken("the parser waits for something that nobody will tell it")
