"""What a reflector knows: the objects of one kind by namespace and name, and who wants to hear of changes.

One writer (the reflector), on one event loop; reading needs no lock.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from kagents_core.kube.watch import WatchEvent

T = TypeVar("T")
Key = tuple[str, str]
"""Namespace (empty for cluster-wide kinds) and name."""

ChangeKind = Literal["added", "modified", "deleted", "replaced"]


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One difference. ``replaced`` means that another object (another uid) has the name now."""

    kind: ChangeKind
    key: Key
    old: T | None
    new: T | None


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    uid: str
    version: str
    value: T


Subscriber = Callable[[Sequence[Change[T]]], None]


class Store(Generic[T]):
    """Objects of one kind, each projected to what its readers need.

    ``project`` gets the object without its managedFields and returns what is kept, or None to leave it out.
    An update that the projection does not show is no change. ``index`` gives a kept object's index values.
    """

    def __init__(
        self,
        project: Callable[[dict[str, Any]], T | None],
        *,
        index: Callable[[T], Iterable[str]] | None = None,
    ) -> None:
        self._project = project
        self._index_of = index
        self._entries: dict[Key, _Entry[T]] = {}
        self._index: dict[str, dict[Key, None]] = {}
        self._subscribers: list[Subscriber[T]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def get(self, key: Key) -> T | None:
        """The object of that name, or None."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def uid(self, key: Key) -> str | None:
        """The uid of the object of that name, or None."""
        entry = self._entries.get(key)
        return None if entry is None else entry.uid

    def version(self, key: Key) -> str | None:
        """The resourceVersion last seen of the object of that name, or None."""
        entry = self._entries.get(key)
        return None if entry is None else entry.version

    def values(self) -> Iterator[T]:
        """All objects."""
        return (entry.value for entry in self._entries.values())

    def items(self) -> Iterator[tuple[Key, T]]:
        """All objects with their keys."""
        return ((key, entry.value) for key, entry in self._entries.items())

    def indexed(self, value: str) -> list[T]:
        """The objects whose index has this value, in the order of their arrival."""
        return [self._entries[key].value for key in self._index.get(value, ())]

    def versions(self, value: str) -> list[str]:
        """The resourceVersions of the objects whose index has this value."""
        return [self._entries[key].version for key in self._index.get(value, ())]

    def subscribe(self, subscriber: Subscriber[T]) -> Callable[[], None]:
        """Call ``subscriber`` with every batch of changes from now on; the result ends that."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def upsert(self, objects: Iterable[dict[str, Any]]) -> list[Key]:
        """Take listed objects in, tell the subscribers what differs, and return the keys of all of them."""
        keys: list[Key] = []
        changes: list[Change[T]] = []
        for obj in objects:
            keys.append(key_of(obj))
            changes.extend(self._put(keys[-1], obj))
        self._tell(changes)
        return keys

    def retain(self, keys: Collection[Key], namespace: str | None = None) -> None:
        """Drop everything else (in that namespace, if one is named): the end of a list."""
        gone = [key for key in self._entries if key not in keys and namespace in (None, key[0])]
        self._tell([change for key in gone for change in self._drop(key)])

    def apply(self, events: Iterable[WatchEvent]) -> None:
        """Take watch events in, in order, and tell the subscribers what differs."""
        changes: list[Change[T]] = []
        for event in events:
            if event.type == "BOOKMARK":
                continue
            key = key_of(event.object)
            if event.type != "DELETED":
                changes.extend(self._put(key, event.object))
            elif self.uid(key) == event.object["metadata"].get("uid", ""):
                changes.extend(self._drop(key))
        self._tell(changes)

    def _put(self, key: Key, obj: dict[str, Any]) -> list[Change[T]]:
        metadata = obj["metadata"]
        uid, version = metadata.get("uid", ""), metadata.get("resourceVersion", "")
        old = self._entries.get(key)
        if old is not None and (old.uid, old.version) == (uid, version):
            return []
        metadata.pop("managedFields", None)
        value = self._project(obj)
        if value is None:
            return self._drop(key)
        self._entries[key] = _Entry(uid, version, value)
        if old is None:
            self._reindex(key, (), self._values_of(value))
            return [Change("added", key, None, value)]
        if old.uid == uid and old.value == value:
            return []
        self._reindex(key, self._values_of(old.value), self._values_of(value))
        return [Change("modified" if old.uid == uid else "replaced", key, old.value, value)]

    def _drop(self, key: Key) -> list[Change[T]]:
        old = self._entries.pop(key, None)
        if old is None:
            return []
        self._reindex(key, self._values_of(old.value), ())
        return [Change("deleted", key, old.value, None)]

    def _values_of(self, value: T) -> tuple[str, ...]:
        return () if self._index_of is None else tuple(self._index_of(value))

    def _reindex(self, key: Key, old: Iterable[str], new: Iterable[str]) -> None:
        kept = frozenset(new)
        for value in frozenset(old) - kept:
            keys = self._index[value]
            del keys[key]
            if not keys:
                del self._index[value]
        for value in kept:
            self._index.setdefault(value, {})[key] = None

    def _tell(self, changes: Sequence[Change[T]]) -> None:
        if changes:
            for subscriber in tuple(self._subscribers):
                subscriber(changes)


def key_of(obj: Mapping[str, Any]) -> Key:
    """Namespace and name of an object."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def whole(obj: dict[str, Any]) -> dict[str, Any]:
    """The projection that keeps the object as it is."""
    return obj
