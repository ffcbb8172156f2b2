"""What must never be forgotten of very many names, in a few bytes each: flat arrays instead of objects.

A name is kept as 64 bits of a keyed hash. Two of a million names are taken for one with a probability of
3e-8; nobody can search for such a pair, or for names that lie close together, without the key.
"""

import hashlib
import secrets
from array import array
from typing import Final

_SMALLEST: Final = 64
_KEY_BYTES: Final = 16


class PackedTable:
    """Numbers below 2**64 by name. Nothing is ever removed."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._hashes = array("Q", bytes(8 * _SMALLEST))
        self._values = array("Q", bytes(8 * _SMALLEST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: bytes) -> bool:
        return self._hashes[self._slot(self._hash(name))] != 0

    def get(self, name: bytes) -> int | None:
        """The number of a name; None when the name is not known."""
        slot = self._slot(self._hash(name))
        return self._values[slot] if self._hashes[slot] else None

    def put(self, name: bytes, value: int = 0) -> None:
        """Keep a name, or give it another number."""
        found = self._hash(name)
        slot = self._slot(found)
        if not self._hashes[slot]:
            if 3 * self._count >= 2 * len(self._hashes):
                self._grow()
                slot = self._slot(found)
            self._count += 1
            self._hashes[slot] = found
        self._values[slot] = value

    def _hash(self, name: bytes) -> int:
        digest = hashlib.blake2b(name, digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "little") or 1  # 0 is an empty place

    def _slot(self, found: int) -> int:
        """Where a hash is, or would be."""
        hashes, size = self._hashes, len(self._hashes)
        slot = found % size
        while (there := hashes[slot]) and there != found:
            slot = slot + 1 if slot + 1 < size else 0
        return slot

    def _grow(self) -> None:
        old, values = self._hashes, self._values
        size = len(old) * 3 // 2
        self._hashes, self._values = array("Q", bytes(8 * size)), array("Q", bytes(8 * size))
        for found, value in zip(old, values, strict=True):
            if found:
                slot = self._slot(found)
                self._hashes[slot], self._values[slot] = found, value
