"""The engine's secrets beside its certificates: tokens of people, and the key that signs those of pods."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kagents_local.paths import write_private


@dataclass(frozen=True, slots=True)
class Tokens:
    """Never printed or logged."""

    admin: str
    signing_key: bytes
    """A private key in PEM form."""

    def __repr__(self) -> str:
        return "Tokens(…)"


def ensure_tokens(directory: Path) -> Tokens:
    """Read the secrets, making what is missing: 256 random bits, a key of the curve P-256; files 0600."""
    return Tokens(
        admin=_secret(directory / "admin.token").decode(),
        signing_key=_key(directory / "service-accounts.key"),
    )


def _key(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = b""
    if not found.startswith(b"-----BEGIN PRIVATE KEY-----"):  # also what older engines kept there
        found = new_signing_key()
        write_private(path, found)
    return found


def new_signing_key() -> bytes:
    """A private key that tokens of service accounts can be signed with, in PEM form."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _secret(path: Path) -> bytes:
    try:
        found = path.read_bytes().strip()
    except FileNotFoundError:
        found = b""
    if len(found) < 32:
        found = secrets.token_urlsafe(32).encode()
        write_private(path, found + b"\n")
    return found
