"""What ``/`` accepts: a regular expression, plain text when it is none, ``!`` in front for the inverse."""

import re
from collections.abc import Callable


def matcher(text: str) -> Callable[[str], bool] | None:
    """A predicate over a row's search text, whatever the case; None for an empty filter. Never raises."""
    inverse = text.startswith("!")
    wanted = text[1:] if inverse else text
    if not wanted:
        return None
    if re.escape(wanted) == wanted:
        lowered = wanted.lower()
        return lambda row: (lowered in row.lower()) is not inverse
    try:
        search = re.compile(wanted, re.IGNORECASE).search
    except re.error:
        lowered = wanted.lower()
        return lambda row: (lowered in row.lower()) is not inverse
    return lambda row: (search(row) is not None) is not inverse
