"""SSH host keys that were accepted when they were seen first: recorded, and told with their fingerprint."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kagents_core.safetext import clean
from kagents_core.teamfiles.files import read_bounded

_LIMIT: Final = 256 * 1024


def recorded(path: Path) -> frozenset[str]:
    """The lines on record."""
    try:
        text = read_bounded(path, _LIMIT).decode(errors="replace")
    except OSError:
        return frozenset()
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def accepted(path: Path, before: frozenset[str]) -> Iterator[str]:
    """A sentence for each host key that ssh has recorded since."""
    for line in sorted(recorded(path) - before):
        host, _, rest = line.partition(" ")
        kind, _, key = rest.partition(" ")
        try:
            digest = hashlib.sha256(base64.b64decode(key.split(" ", 1)[0], validate=True)).digest()
        except ValueError:
            continue
        print_of = base64.b64encode(digest).decode().rstrip("=")
        shown, name = clean(host, limit=200, multiline=False), clean(kind, limit=40, multiline=False)
        yield (
            f"accepted the SSH host key of {shown}, seen for the first time: {name} SHA256:{print_of}. "
            "It is recorded; the key known_hosts of the repository's Secret would pin it"
        )
