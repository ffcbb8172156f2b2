"""The number of the form in which files are kept: no program goes on with what a newer one has left.

A release that writes files which the one before it could not go on with counts the number up. Files of before
there was a number have none, and count as the first form.
"""

from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded, replace_file

FIRST: Final = 1
_LIMIT: Final = 64


class NewerFormatError(Exception):
    """A newer release has left these files; one sentence, without the way out."""


def claim_format(path: Path, known: int) -> None:
    """Says in this file that everything is kept in the form ``known`` from now on.

    Raises NewerFormatError, and changes nothing, when it names a higher one or none at all; OSError when it
    cannot be read or written.
    """
    try:
        text = read_bounded(path, _LIMIT).strip()
    except FileNotFoundError:
        text = b""
    else:
        if not text.isdigit():
            raise NewerFormatError(f"{path} has no number, which this release would have written there")
        if int(text) > known:
            found = int(text)
            raise NewerFormatError(f"a newer release wrote it (format {found}; this one knows {known})")
    if not text or int(text) < known:
        replace_file(path, b"%d\n" % known, mode=0o600, durable=True)
