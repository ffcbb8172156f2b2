"""The key that detaches: how a person names it, and the byte that it sends."""

DEFAULT = "ctrl-]"


def detach_byte(name: str) -> bytes:
    """The byte of ``ctrl-]`` and its like. Raises ``ValueError`` with one sentence for any other name."""
    rest = name.lower().removeprefix("ctrl-").removeprefix("^")
    if rest != name.lower() and len(rest) == 1 and rest in "abcdefghijklmnopqrstuvwxyz\\]^_":
        if rest in "ijm[":
            raise ValueError(f"{name} is the same byte as tab or enter; choose another key, such as ctrl-]")
        return bytes([ord(rest.upper()) & 0x1F])
    raise ValueError(f"{name[:40]!r} is no key to detach with; name one such as ctrl-] or ctrl-q")
