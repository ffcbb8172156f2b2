"""The object store: everything in memory as wire bytes, every write committed to SQLite before it is
answered.

A killed process loses nothing that was acknowledged: the file is in WAL mode, and a commit has reached the
operating system. (Only a power failure can take the last moments; that is the price of
``synchronous=NORMAL``.)
"""

import secrets
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import orjson

from kagents_core.kube.packed import packed
from kagents_local.apiserver.entries import Entry, Object, entry_of
from kagents_local.apiserver.watch import Event, EventType, WatchHub

Key = tuple[str, str]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    storage TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (storage, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""


class Store:
    """Objects by kind, namespace and name, with one version counter for all."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or make the file (``None`` keeps everything in memory)."""
        self._database = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
        if path is not None:
            path.chmod(0o600)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(SCHEMA)
        self._objects: dict[str, dict[Key, Entry]] = {}
        self._sorted: dict[str, list[Key]] = {}
        self._dependents: dict[str, dict[tuple[str, str, str], None]] = {}
        self._uids: dict[str, tuple[str, str, str]] = {}
        self.version = int(self._setting("version") or b"1")
        self._load()
        self.hub = WatchHub(self.version)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _setting(self, name: str) -> bytes | None:
        row = self._database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def secret(self, name: str) -> bytes:
        """32 random bytes, made once and kept with the data."""
        value = self._setting(name)
        if value is None:
            value = secrets.token_bytes(32)
            self._database.execute("INSERT INTO settings VALUES (?, ?)", (name, value))
        return value

    def _load(self) -> None:
        for storage, version, data in self._database.execute("SELECT storage, version, data FROM objects"):
            self._index(entry_of(storage, orjson.loads(data), version, data))

    def _index(self, entry: Entry) -> None:
        key = (entry.storage, entry.namespace, entry.name)
        objects = self._objects.setdefault(entry.storage, {})
        old = objects.get(key[1:])
        if old is None:
            self._sorted.pop(entry.storage, None)
        else:
            self._forget_owners(old)
        objects[key[1:]] = entry
        self._uids[entry.uid] = key
        for owner in entry.owners:
            self._dependents.setdefault(owner.uid, {})[key] = None

    def _forget_owners(self, entry: Entry) -> None:
        for owner in entry.owners:
            members = self._dependents.get(owner.uid)
            if members is not None:
                members.pop((entry.storage, entry.namespace, entry.name), None)
                if not members:
                    del self._dependents[owner.uid]

    def get(self, storage: str, namespace: str, name: str) -> Entry | None:
        """The newest version of an object, or None."""
        return self._objects.get(storage, {}).get((namespace, name))

    def find(self, uid: str) -> Entry | None:
        """The object of a UID, or None."""
        key = self._uids.get(uid)
        return None if key is None else self.get(*key)

    def dependents(self, uid: str) -> list[Entry]:
        """Objects with an owner reference to this UID."""
        found = (self.get(*key) for key in self._dependents.get(uid, ()))
        return [entry for entry in found if entry is not None]

    def owner_uids(self) -> list[str]:
        """Every UID that some object names as its owner."""
        return list(self._dependents)

    def storages(self) -> list[str]:
        """Names of all kinds that have had objects."""
        return list(self._objects)

    def count(self, storage: str) -> int:
        """How many objects of a kind there are."""
        return len(self._objects.get(storage, {}))

    def list(self, storage: str, namespace: str = "", after: Key | None = None) -> Iterator[Entry]:
        """Objects of a kind in the order of namespace and name, from behind ``after``."""
        objects = self._objects.get(storage, {})
        keys = self._sorted.get(storage)
        if keys is None:
            keys = self._sorted[storage] = sorted(objects)
        start = 0
        if after is not None:
            start = bisect_right(keys, after)
        elif namespace:
            start = bisect_right(keys, (namespace, ""))
        for index in range(start, len(keys)):
            if namespace and keys[index][0] != namespace:
                break
            yield objects[keys[index]]

    def write(self, storage: str, obj: Object) -> Entry:
        """Store a new version of an object and tell the watchers. Sets its ``resourceVersion``."""
        version = self.version + 1
        metadata = obj["metadata"]
        metadata["resourceVersion"] = str(version)
        entry = entry_of(storage, obj, version, packed(obj))
        with self._transaction(version):
            self._database.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
                (storage, entry.namespace, entry.name, version, entry.data),
            )
        old = self.get(storage, entry.namespace, entry.name)
        self._index(entry)
        self._publish("ADDED" if old is None else "MODIFIED", version, entry, old)
        return entry

    def remove(self, entry: Entry, obj: Object) -> Entry:
        """Remove an object for good. ``obj`` is its last state, which watchers see under a version of its
        own."""
        version = self.version + 1
        obj["metadata"]["resourceVersion"] = str(version)
        last = entry_of(entry.storage, obj, version, orjson.dumps(obj))
        with self._transaction(version):
            self._database.execute(
                "DELETE FROM objects WHERE storage = ? AND namespace = ? AND name = ?",
                (entry.storage, entry.namespace, entry.name),
            )
        self._objects[entry.storage].pop((entry.namespace, entry.name), None)
        self._sorted.pop(entry.storage, None)
        self._uids.pop(entry.uid, None)
        self._forget_owners(entry)
        self._publish("DELETED", version, last, entry)
        return last

    def _transaction(self, version: int) -> "_Transaction":
        return _Transaction(self._database, version)

    def _publish(self, kind: EventType, version: int, entry: Entry, old: Entry | None) -> None:
        self.version = version
        self.hub.publish(Event(kind, version, entry, old))


class _Transaction:
    """One commit that also moves the version counter."""

    def __init__(self, database: sqlite3.Connection, version: int) -> None:
        self._database = database
        self._version = version

    def __enter__(self) -> None:
        self._database.execute("BEGIN")

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is None:
            self._database.execute(
                "INSERT OR REPLACE INTO settings VALUES ('version', ?)", (str(self._version).encode(),)
            )
            self._database.execute("COMMIT")
        else:
            self._database.execute("ROLLBACK")
