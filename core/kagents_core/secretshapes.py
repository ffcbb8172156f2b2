"""Texts that look like a secret, made unreadable before they leave: keys and tokens of known shapes.

It is a second line, not the first: kagents writes no secret down, but an agent may print what it was given.
The length stays, so that a file of known size can be masked while it is copied.
"""

import re
from typing import Final

OVERLAP: Final = 64 * 1024
"""The longest text that is recognized across the pieces in which a file is read."""

_SHAPES: Final = re.compile(
    rb"sk-[A-Za-z0-9_-]{20,1024}"
    rb"|gh[pousr]_[A-Za-z0-9]{20,1024}"
    rb"|github_pat_[A-Za-z0-9_]{20,1024}"
    rb"|gl(?:pat|ptt|dt|rt|soat)-[A-Za-z0-9_-]{16,1024}"
    rb"|xox[abeprs]-[A-Za-z0-9-]{10,1024}"
    rb"|hooks\.slack(?:-gov)?\.com/[a-z]+/[A-Za-z0-9_/-]{10,1024}"
    rb"|(?:AKIA|ASIA)[0-9A-Z]{16}"
    rb"|whsec_[A-Za-z0-9+/=]{24,1024}"
    rb"|eyJ[A-Za-z0-9_-]{10,4096}\.eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,4096}"
    rb"|://[^\s/:@\"'<>\\]{1,256}:[^\s/@\"'<>\\]{1,512}@"
    rb"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.{1,32768}?-----END [A-Z ]{0,40}PRIVATE KEY-----",
    re.DOTALL,
)


def masked(data: bytes) -> bytes:
    """The same bytes with stars in place of what looks like a secret."""
    return _SHAPES.sub(_stars, data)


def _stars(found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0])


class Mask:
    """Masks a stream that comes in pieces; what comes out is as long as what went in."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """What is settled of everything so far: the end may be the beginning of a secret."""
        text = self._kept + data
        settled = max(0, len(text) - OVERLAP)
        done = bytearray(text)
        for found in _SHAPES.finditer(text):
            if found.end() == len(text):  # it may go on in the next piece
                settled = min(settled, found.start())
            elif found.start() < settled:
                settled = max(settled, found.end())
            done[found.start() : found.end()] = _stars(found)
        self._kept = text[settled:]
        return bytes(done[:settled])

    def close(self) -> bytes:
        """The rest."""
        rest, self._kept = masked(self._kept), b""
        return rest
