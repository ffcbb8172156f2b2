"""A full volume, told in words: the one cause of failed writes that only a person can take away."""

import errno
import re
from typing import Final

from kagents_core.api.constants import EXIT_VOLUME_FULL
from kagents_runner.termination import RunnerError

_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_WORDS: Final = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_REMEDY: Final = "Free space on it, or start the team anew with a larger spec.storage.size."


def is_full(error: BaseException | None) -> bool:
    """Whether the error, or one that it came from, says that a volume or its quota is used up.

    Errors of git count by their English output, which carries no number.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _ERRORS:
            return True
        if _WORDS.search(str(getattr(error, "stderr", ""))):
            return True
        error = error.__cause__ or error.__context__
    return False


def full_sentence(what: str) -> str:
    """What a person reads; ``what`` says what could not be done."""
    return f"The team's volume is full: {what}. {_REMEDY}"


def volume_full(what: str) -> RunnerError:
    """Ends a verb because of it."""
    return RunnerError(full_sentence(what), code=EXIT_VOLUME_FULL)


def what_failed(error: BaseException) -> str:
    """What could not be written, as far as the error tells: a path, or its own words."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.filename:
            return f"{found.filename} cannot be written"
        found = found.__cause__ or found.__context__
    return str(error).rstrip(".") or "a file cannot be written"
