"""Deletion: preconditions, finalizers, grace for pods, and the collection of what a deleted owner leaves
behind.

Source of the rules: kubernetes.io/docs/concepts/architecture/garbage-collection.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from kagents_local.apiserver.entries import Entry, Object
from kagents_local.apiserver.errors import conflict, forbidden
from kagents_local.apiserver.kinds import Kind
from kagents_local.apiserver.store import Store

Propagation = Literal["Background", "Foreground", "Orphan"]

FOREGROUND: Final = "foregroundDeletion"
DEFAULT_GRACE = 30
PROTECTED_NAMESPACES: Final = frozenset({"default", "kube-system"})


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a delete asks for."""

    grace_seconds: int | None = None
    propagation: Propagation = "Background"
    uid: str = ""
    version: str = ""
    dry_run: bool = False


class Deletion:
    """Removes objects, at once or when their finalizers and their grace allow it, and then what they
    owned."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._due: deque[str] = deque()
        self._collecting = False

    def delete(self, kind: Kind, entry: Entry, options: DeleteOptions) -> tuple[Object, bool]:
        """Delete an object. Returns its last state, and whether it is gone. Raises 409 when a precondition
        fails."""
        self._check(kind, entry, options)
        obj = entry.object()
        metadata = obj["metadata"]
        finalizers = list(metadata.get("finalizers") or ())
        if options.propagation == "Foreground" and self._store.dependents(entry.uid):
            finalizers.append(FOREGROUND)
        if options.propagation == "Orphan" and not options.dry_run:
            self._orphan_dependents(entry.uid)
        finalizers = list(dict.fromkeys(finalizers))
        grace = self._grace(entry, obj, options)
        if not finalizers and grace == 0 and not self._has_content(entry):
            if options.dry_run:
                return obj, True
            return self.finish(entry, obj), True
        changed = self._mark(obj, finalizers, grace)
        if changed and not options.dry_run:
            entry = self._store.write(entry.storage, obj)
            self._after_mark(entry, finalizers)
        return obj, False

    def _check(self, kind: Kind, entry: Entry, options: DeleteOptions) -> None:
        if options.uid and options.uid != entry.uid:
            why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {entry.uid}"
            raise conflict(kind.plural, kind.group, entry.name, why)
        if options.version and options.version != str(entry.version):
            why = (
                f"Precondition failed: ResourceVersion in precondition: {options.version}, "
                f"ResourceVersion in object meta: {entry.version}"
            )
            raise conflict(kind.plural, kind.group, entry.name, why)
        if entry.storage == "namespaces" and entry.name in PROTECTED_NAMESPACES:
            raise forbidden(
                f'namespaces "{entry.name}" is forbidden: this namespace may not be deleted',
                "namespaces",
                "",
                entry.name,
            )

    def _grace(self, entry: Entry, obj: Object, options: DeleteOptions) -> int:
        """Seconds that a pod gets to end; 0 for everything else, and for a pod that has ended."""
        if entry.storage != "pods" or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        if options.grace_seconds is not None:
            return max(0, options.grace_seconds)
        return int(obj.get("spec", {}).get("terminationGracePeriodSeconds", DEFAULT_GRACE))

    def _mark(self, obj: Object, finalizers: list[str], grace: int) -> bool:
        """Mark an object as being deleted; a shorter grace replaces a longer one. Whether that changed
        anything."""
        metadata = obj["metadata"]
        before = dict(metadata)
        if finalizers:
            metadata["finalizers"] = finalizers
        known = metadata.get("deletionGracePeriodSeconds")
        if "deletionTimestamp" not in metadata or (known is not None and grace < known):
            at = datetime.now(UTC) + timedelta(seconds=grace)
            metadata["deletionTimestamp"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            metadata["deletionGracePeriodSeconds"] = grace
            if "deletionTimestamp" not in before and "generation" in metadata:
                metadata["generation"] += 1
        if obj["kind"] == "Namespace":
            obj["status"] = {"phase": "Terminating"}
        return bool(metadata != before)

    def _after_mark(self, entry: Entry, finalizers: list[str]) -> None:
        if FOREGROUND in finalizers or entry.storage == "namespaces":
            self._due.append(entry.uid)
            self.collect()

    @staticmethod
    def is_due(obj: Object) -> bool:
        """Whether an object that is being deleted has nothing left to wait for."""
        metadata = obj["metadata"]
        return (
            "deletionTimestamp" in metadata
            and not metadata.get("finalizers")
            and metadata.get("deletionGracePeriodSeconds", 0) == 0
            and obj.get("kind") != "Namespace"
        )

    def finish(self, entry: Entry, obj: Object) -> Object:
        """Remove an object for good and collect what it owned."""
        self._store.remove(entry, obj)
        self._due.append(entry.uid)
        self._due.extend(owner.uid for owner in entry.owners)
        if entry.namespace:
            namespace = self._store.get("namespaces", "", entry.namespace)
            if namespace is not None:
                self._due.append(namespace.uid)
        self.collect()
        return obj

    def noticed(self, entry: Entry) -> None:
        """A write happened: an object whose owners are all gone is collected."""
        if entry.owners and not any(self._store.find(owner.uid) for owner in entry.owners):
            self._due.extend(owner.uid for owner in entry.owners)
            self.collect()

    def collect_all(self) -> None:
        """Collect whatever a former process left: dependents of gone owners, objects that wait for
        nothing."""
        self._due.extend(uid for uid in self._store.owner_uids())
        self._due.extend(entry.uid for entry in self._store.list("namespaces"))
        self.collect()

    def collect(self) -> None:
        """Work through owners that are gone or going, until nothing is left to do."""
        if self._collecting:
            return
        self._collecting = True
        try:
            while self._due:
                self._collect_one(self._due.popleft())
        finally:
            self._collecting = False

    def _collect_one(self, uid: str) -> None:
        owner = self._store.find(uid)
        if owner is None:
            for dependent in self._store.dependents(uid):
                self._release(dependent, uid, "Background")
            return
        if owner.storage == "namespaces":
            self._empty(owner)
        elif owner.owners or self._store.dependents(uid) or b'"deletionTimestamp"' in owner.data:
            self._continue_foreground(owner)

    def _release(self, dependent: Entry, uid: str, propagation: Propagation) -> None:
        """Delete a dependent whose last owner is gone or going; else take that one out of its references."""
        others = [o for o in dependent.owners if o.uid != uid and self._store.find(o.uid) is not None]
        if others:
            self._drop_reference(dependent, uid)
        else:
            self._delete_quietly(dependent, propagation)

    def _delete_quietly(self, entry: Entry, propagation: Propagation) -> None:
        kind = Kind("", "", entry.storage, "", "")
        self.delete(kind, entry, DeleteOptions(propagation=propagation))

    def _drop_reference(self, dependent: Entry, uid: str) -> None:
        obj = dependent.object()
        references = [r for r in obj["metadata"]["ownerReferences"] if r["uid"] != uid]
        if references:
            obj["metadata"]["ownerReferences"] = references
        else:
            del obj["metadata"]["ownerReferences"]
        self._store.write(dependent.storage, obj)

    def _orphan_dependents(self, uid: str) -> None:
        for dependent in self._store.dependents(uid):
            self._drop_reference(dependent, uid)

    def _continue_foreground(self, owner: Entry) -> None:
        """An owner in foreground deletion goes when no dependent that blocks it is left."""
        obj = owner.object()
        finalizers: list[Any] = obj["metadata"].get("finalizers") or []
        if FOREGROUND not in finalizers or "deletionTimestamp" not in obj["metadata"]:
            return
        for dependent in self._store.dependents(owner.uid):
            if b'"deletionTimestamp"' not in dependent.data:
                self._release(dependent, owner.uid, "Foreground")
        blocking = [
            dependent
            for dependent in self._store.dependents(owner.uid)
            if any(o.uid == owner.uid and o.blocks for o in dependent.owners)
        ]
        current = self._store.find(owner.uid)
        if blocking or current is None:
            return
        obj = current.object()
        obj["metadata"]["finalizers"] = [
            f for f in obj["metadata"].get("finalizers") or () if f != FOREGROUND
        ]
        if not obj["metadata"]["finalizers"]:
            del obj["metadata"]["finalizers"]
        if self.is_due(obj):
            self.finish(current, obj)
        else:
            self._store.write(current.storage, obj)

    def _has_content(self, entry: Entry) -> bool:
        return entry.storage == "namespaces" and any(self._content(entry.name))

    def _content(self, namespace: str) -> list[Entry]:
        return [entry for storage in self._store.storages() for entry in self._store.list(storage, namespace)]

    def _empty(self, namespace: Entry) -> None:
        """Delete everything in a namespace that is being deleted, and the namespace once it is empty."""
        obj = namespace.object()
        if "deletionTimestamp" not in obj["metadata"]:
            return
        for entry in self._content(namespace.name):
            current = self._store.find(entry.uid)
            if current is not None and b'"deletionTimestamp"' not in current.data:
                self._delete_quietly(current, "Background")
        if not self._content(namespace.name):
            self.finish(namespace, obj)
