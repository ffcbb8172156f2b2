"""Texts that look like a secret, made unreadable before they leave: keys and tokens of known shapes.

It is a second line, not the first: kagents writes no secret down, but an agent may print what it was given.
The length stays, so that a file of known size can be masked while it is copied.
"""

import re
from typing import Final

OVERLAP: Final = 64 * 1024
"""The longest text that is recognized across the pieces in which a file is read."""

_WORD: Final = rb"[A-Za-z0-9_-]"

_SHAPES: Final = tuple(
    (literal, re.compile(re.escape(literal) + rest))
    for literal, rest in (
        (b"sk-", _WORD + rb"{20,1024}"),
        *((b"gh%c_" % kind, rb"[A-Za-z0-9]{20,1024}") for kind in b"pousr"),
        (b"github_pat_", rb"[A-Za-z0-9_]{20,1024}"),
        *((b"gl%s-" % kind, _WORD + rb"{16,1024}") for kind in (b"pat", b"ptt", b"dt", b"rt", b"soat")),
        (b"xox", rb"[abeprs]-[A-Za-z0-9-]{10,1024}"),
        (b"hooks.slack", rb"(?:-gov)?\.com/[a-z]+/[A-Za-z0-9_/-]{10,1024}"),
        (b"AKIA", rb"[0-9A-Z]{16}"),
        (b"ASIA", rb"[0-9A-Z]{16}"),
        (b"whsec_", rb"[A-Za-z0-9+/=]{24,1024}"),
        (b"eyJ", rb"(?<!%seyJ)%s{10,4096}\.eyJ%s{10,4096}\.%s{10,4096}" % ((_WORD,) * 4)),
        (b"://", rb"[^\s/:@\"'<>\\]{1,256}:[^\s/@\"'<>\\]{1,512}@"),
        (
            b"-----BEGIN ",
            rb"[A-Z ]{0,40}PRIVATE KEY-----(?:[^-]|-(?!----)){1,32768}-----END [A-Z ]{0,40}PRIVATE KEY-----",
        ),
    )
)
"""What each begins with, which is looked for first, and its whole shape. However hostile a text is, no piece
of it is looked at over and over again."""


def masked(data: bytes) -> bytes:
    """The same bytes with stars in place of what looks like a secret."""
    done = bytearray(data)
    for start, end in _found(data):
        done[start:end] = b"*" * (end - start)
    return bytes(done)


def masked_text(text: str) -> str:
    """The same for words, as those of an error."""
    return masked(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _found(text: bytes) -> list[tuple[int, int]]:
    """Where each begins and ends, in order."""
    return sorted(
        found.span() for literal, shape in _SHAPES if literal in text for found in shape.finditer(text)
    )


class Mask:
    """Masks a stream that comes in pieces; what comes out is as long as what went in."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """What is settled of everything so far: the end may be the beginning of a secret."""
        text = self._kept + data
        settled = max(0, len(text) - OVERLAP)
        done = bytearray(text)
        for start, end in _found(text):
            if end == len(text):  # it may go on in the next piece
                settled = min(settled, start)
            elif start < settled:
                settled = max(settled, end)
            done[start:end] = b"*" * (end - start)
        self._kept = text[settled:]
        return bytes(done[:settled])

    def close(self) -> bytes:
        """The rest."""
        rest, self._kept = masked(self._kept), b""
        return rest
