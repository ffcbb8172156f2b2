"""The key that detaches from an agent's terminal: how a person names it, and the byte that it sends."""

from typing import Final

DEFAULT: Final = "ctrl-]"
_KEYS: Final = "abcdefghijklmnopqrstuvwxyz\\]^_"
_TAKEN: Final = "ijm"
"""Keys whose byte is that of tab, line feed or enter."""


def detach_byte(name: str) -> bytes:
    """The byte of ``ctrl-]`` and its like. Raises ``ValueError`` with one sentence for any other name."""
    key = name.lower()
    rest = key.removeprefix("ctrl-") if key.startswith("ctrl-") else key.removeprefix("^")
    if rest == key or len(rest) != 1 or rest not in _KEYS:
        raise ValueError(f"{name[:40]!r} is no key to detach with; name one such as ctrl-] or ctrl-q")
    if rest in _TAKEN:
        raise ValueError(f"{name} is the same key as tab or enter for a terminal; name one such as ctrl-]")
    return bytes([ord(rest.upper()) & 0x1F])
