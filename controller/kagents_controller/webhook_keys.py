"""The keys that webhooks are signed with: files in a folder, one a namespace, read anew for each request.

The controller may not read Secrets. Whoever installs it mounts one into its pod, whose keys are names of
namespaces, or ``all_namespaces`` for those without a key of their own. A file holds one ``whsec_`` secret a
line: with several, each signs, so that a receiver can be given a new one before the old one goes.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

ALL_NAMESPACES = "all_namespaces"
"""No namespace can have this name: it has an underscore."""

PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_FILE_BYTES = 4096


class SigningKeyError(Exception):
    """A key that cannot be used; the text says why, without the key."""


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """Signs for namespaces. Without a folder, and without a key for a namespace, nothing is signed."""

    directory: Path | None = None

    def signatures(self, namespace: str, identity: str, timestamp: int, body: bytes) -> str | None:
        """The value of ``webhook-signature``, or None without a key. Raises ``SigningKeyError``.

        A key that is there and cannot be used is an error: what a receiver trusts is never sent unsigned.
        """
        keys = self._keys(namespace)
        if not keys:
            return None
        signed = f"{identity}.{timestamp}.".encode() + body
        digests = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
        return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)

    def _keys(self, namespace: str) -> list[bytes]:
        if self.directory is None:
            return []
        for name in (namespace, ALL_NAMESPACES):
            try:
                with (self.directory / name).open("rb") as file:
                    text = file.read(_FILE_BYTES + 1)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise SigningKeyError(f"the signing key {name} cannot be read: {error.strerror}") from error
            if len(text) > _FILE_BYTES:
                raise SigningKeyError(f"the signing key {name} has more than {_FILE_BYTES} bytes")
            keys = [_key(name, line) for line in text.decode("ascii", "replace").split()]
            if not keys:
                raise SigningKeyError(f"the signing key {name} is empty")
            return keys
        return []


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        key = b""
    if not text.startswith(PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise SigningKeyError(
            f"the signing key {name} must be {PREFIX} and {_SHORTEST} to {_LONGEST} bytes in base64"
        )
    return key
