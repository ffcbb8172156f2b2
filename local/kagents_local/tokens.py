"""The engine's secrets beside its certificates: tokens of people, and the key that signs those of pods."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from kagents_local.paths import write_private


@dataclass(frozen=True, slots=True)
class Tokens:
    """Never printed or logged."""

    admin: str
    signing_key: bytes

    def __repr__(self) -> str:
        return "Tokens(…)"


def ensure_tokens(directory: Path) -> Tokens:
    """Read the secrets, making what is missing: 256 random bits each, files 0600."""
    return Tokens(
        admin=_secret(directory / "admin.token").decode(),
        signing_key=_secret(directory / "service-accounts.key"),
    )


def _secret(path: Path) -> bytes:
    try:
        found = path.read_bytes().strip()
    except FileNotFoundError:
        found = b""
    if len(found) < 32:
        found = secrets.token_urlsafe(32).encode()
        write_private(path, found + b"\n")
    return found
