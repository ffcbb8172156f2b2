"""Creates, updates and patches: from what a request says to what is stored, or to a refusal that names the
field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kagents_local.apiserver import builtin_rules, metadata, ownership, structural
from kagents_local.apiserver.builtin_schemas import with_metadata
from kagents_local.apiserver.deletion import Deletion
from kagents_local.apiserver.entries import Entry, Object
from kagents_local.apiserver.errors import (
    Cause,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_found,
    stale,
)
from kagents_local.apiserver.kinds import Kind
from kagents_local.apiserver.store import Store
from kagents_local.apiserver.writeoptions import WriteOptions, refuse_unknown

Rules = Callable[[Object, Object | None], list[Cause]]
"""Rules of custom kinds beyond their schema: (new object, stored object or None) to what is broken."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write led to: the object as it is now, and whether it is new."""

    obj: Object
    created: bool = False


class Registry:
    """Writes to stored objects. Every method is synchronous, so no write can come between its reading and
    its writing."""

    def __init__(self, store: Store, deletion: Deletion, rules: Rules) -> None:
        self._store = store
        self._deletion = deletion
        self._rules = rules
        self._schemas: dict[tuple[str, str], tuple[Mapping[str, Any], dict[str, Any]]] = {}

    def schema(self, kind: Kind) -> dict[str, Any]:
        """The kind's schema with the fields that every object has."""
        key = (kind.storage, kind.version)
        held = self._schemas.get(key)
        if held is None or held[0] is not kind.schema:
            held = self._schemas[key] = (kind.schema, with_metadata(kind.schema))
        return held[1]

    def live(self, kind: Kind, namespace: str, name: str) -> Entry:
        """The stored object. Raises 404."""
        entry = self._store.get(kind.storage, namespace, name)
        if entry is None:
            raise not_found(kind.plural, kind.group, name)
        return entry

    def create(self, kind: Kind, namespace: str, obj: Object, options: WriteOptions) -> Written:
        """Store a new object."""
        self._check_type(kind, obj)
        self._check_namespace(kind, namespace)
        metadata.settle_new(kind, obj, namespace)
        obj["metadata"].pop("managedFields", None)
        if kind.has_status:
            obj.pop("status", None)
        self._normalise(kind, obj, None, options)
        name = obj["metadata"]["name"]
        if self._store.get(kind.storage, namespace, name) is not None:
            raise already_exists(kind.plural, kind.group, name)
        self._note_update(kind, None, obj, options)
        return Written(self._commit(kind, obj, options), created=True)

    def update(self, kind: Kind, namespace: str, name: str, obj: Object, options: WriteOptions) -> Written:
        """Replace an object, or its status."""
        self._check_type(kind, obj)
        given = obj.get("metadata", {}).get("name") if isinstance(obj.get("metadata"), dict) else None
        if given != name:
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        entry = self.live(kind, namespace, name)
        return self._replace(kind, entry, obj, options)

    def patch(
        self, kind: Kind, namespace: str, name: str, change: Callable[[Object], Any], options: WriteOptions
    ) -> Written:
        """Replace an object by what ``change`` makes of it."""
        entry = self.live(kind, namespace, name)
        obj = change(entry.object())
        if not isinstance(obj, dict) or not isinstance(obj.get("metadata", {}), dict):
            raise bad_request("the patch does not leave an object")
        obj.setdefault("apiVersion", kind.api_version)
        obj.setdefault("kind", kind.kind)
        self._check_type(kind, obj)
        if obj.get("metadata", {}).get("name", name) != name:
            cause = Cause(
                "metadata.name",
                f"Invalid value: {structural.shown(obj['metadata']['name'])}: field is immutable",
            )
            raise invalid(kind.kind, kind.group, name, [cause])
        return self._replace(kind, entry, obj, options)

    def apply(self, kind: Kind, namespace: str, name: str, applied: Object, options: WriteOptions) -> Written:
        """Server-side apply: creates what is not there."""
        self._check_type(kind, applied)
        given = applied.setdefault("metadata", {})
        if not isinstance(given, dict) or given.setdefault("name", name) != name:
            raise bad_request(f"the name of the object does not match the name on the URL ({name})")
        if kind.namespaced and given.setdefault("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if "managedFields" in given:
            raise bad_request("metadata.managedFields must be nil")
        entry = self._store.get(kind.storage, namespace, name)
        schema = self.schema(kind)
        self._strict(kind, applied, schema, options)
        structural.drop_nulls(applied, schema)
        if entry is None:
            return self._apply_new(kind, namespace, applied, options)
        self._preconditions(kind, entry, given)
        for unowned in ("resourceVersion", "uid", "creationTimestamp"):
            given.pop(unowned, None)
        old = entry.object()
        obj = ownership.apply(
            old,
            applied,
            schema,
            self._applier(kind, options),
            metadata.now(),
            force=options.force,
            has_status=kind.has_status,
        )
        return self._settle(kind, entry, old, obj, options)

    def _apply_new(self, kind: Kind, namespace: str, applied: Object, options: WriteOptions) -> Written:
        name = applied["metadata"]["name"]
        if options.subresource:
            raise not_found(kind.plural, kind.group, name)
        uid = applied["metadata"].get("uid")
        if uid:
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(kind.plural, kind.group, name, why)
        self._check_namespace(kind, namespace)
        manager = self._applier(kind, options)
        obj = ownership.apply(
            None, applied, self.schema(kind), manager, metadata.now(), force=True, has_status=kind.has_status
        )
        metadata.settle_new(kind, obj, namespace)
        if kind.has_status:
            obj.pop("status", None)
        self._normalise(kind, obj, None, options, cleaned=True)
        return Written(self._commit(kind, obj, options), created=True)

    def _applier(self, kind: Kind, options: WriteOptions) -> ownership.Manager:
        return ownership.Manager(options.manager, "Apply", kind.api_version, options.subresource)

    def _preconditions(self, kind: Kind, entry: Entry, given: Mapping[str, Any]) -> None:
        uid, version = given.get("uid"), given.get("resourceVersion")
        if uid and uid != entry.uid:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {entry.uid}"
            raise conflict(kind.plural, kind.group, entry.name, why)
        if version and str(version) != str(entry.version):
            raise stale(kind.plural, kind.group, entry.name)

    def _replace(self, kind: Kind, entry: Entry, obj: Object, options: WriteOptions) -> Written:
        self._preconditions(kind, entry, obj.get("metadata") or {})
        old = entry.object()
        given = (obj.get("metadata") or {}).get("managedFields")
        if given == [] or given == [{}]:
            old["metadata"].pop("managedFields", None)
        return self._settle(kind, entry, old, obj, options, update=True)

    def _settle(
        self,
        kind: Kind,
        entry: Entry,
        old: Object,
        obj: Object,
        options: WriteOptions,
        *,
        update: bool = False,
    ) -> Written:
        """From here on updates, patches and applies to an existing object are the same."""
        obj = self._part(kind, old, obj, options)
        metadata.keep_settled(obj, old)
        obj["metadata"]["resourceVersion"] = str(entry.version)
        self._normalise(kind, obj, old, options, cleaned=not update)
        if kind.custom and _content(obj) != _content(old):
            obj["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
        if update:
            self._note_update(kind, old, obj, options)
        stored = entry.object()
        if obj == stored:
            return Written(stored)
        if options.dry_run:
            return Written(obj)
        if self._deletion.is_due(obj):
            return Written(self._deletion.finish(entry, obj))
        return Written(self._commit(kind, obj, options))

    def _part(self, kind: Kind, old: Object, obj: Object, options: WriteOptions) -> Object:
        """Take from the written object only what its endpoint may change."""
        if not kind.has_status:
            return obj
        source, kept = (obj, old) if options.subresource == "status" else (old, obj)
        result = {name: value for name, value in kept.items() if name != "status"}
        if "status" in source:
            result["status"] = source["status"]
        if options.subresource == "status":
            result["metadata"] = dict(old["metadata"])
            fields = (obj.get("metadata") or {}).get("managedFields")
            if fields is not None:
                result["metadata"]["managedFields"] = fields
        return result

    def _normalise(
        self, kind: Kind, obj: Object, old: Object | None, options: WriteOptions, *, cleaned: bool = False
    ) -> None:
        """Prune, default, complete and validate, in that order. Raises 422 (or 400 for unknown fields).

        An apply's parts are ``cleaned`` before they are laid over one another.
        """
        schema = self.schema(kind)
        if not cleaned:
            self._strict(kind, obj, schema, options)
            structural.drop_nulls(obj, schema)
        builtin_rules.prepare(kind.storage, obj, old)
        structural.fill_defaults(obj, schema)
        causes = list(metadata.check(kind, obj, old)) + structural.validate(obj, schema)
        if not causes:
            causes = self._rules(obj, old) if kind.custom else builtin_rules.check(kind.storage, obj, old)
        if causes:
            raise invalid(kind.kind, kind.group, obj["metadata"].get("name", ""), causes)

    def _strict(self, kind: Kind, obj: Object, schema: Mapping[str, Any], options: WriteOptions) -> None:
        unknown = structural.prune(obj, schema)
        refuse_unknown(kind, [f'unknown field "{path}"' for path in unknown], options)

    def _note_update(self, kind: Kind, old: Object | None, obj: Object, options: WriteOptions) -> None:
        manager = ownership.Manager(options.manager, "Update", kind.api_version, options.subresource)
        ownership.record_update(
            old, obj, self.schema(kind), manager, metadata.now(), has_status=kind.has_status
        )

    def _commit(self, kind: Kind, obj: Object, options: WriteOptions) -> Object:
        if not options.dry_run:
            entry = self._store.write(kind.storage, obj)
            self._deletion.noticed(entry)
        return obj

    def _check_type(self, kind: Kind, obj: Object) -> None:
        if not isinstance(obj, dict):
            raise bad_request("the body is not an object")
        version, name = obj.setdefault("apiVersion", kind.api_version), obj.setdefault("kind", kind.kind)
        if version != kind.api_version or name != kind.kind:
            raise bad_request(
                f"the API version and kind of the object ({version}, {name}) do not match those expected "
                f"here ({kind.api_version}, {kind.kind})"
            )
        if not isinstance(obj.setdefault("metadata", {}), dict):
            raise bad_request("metadata is not an object")

    def _check_namespace(self, kind: Kind, namespace: str) -> None:
        if not kind.namespaced:
            return
        entry = self._store.get("namespaces", "", namespace)
        if entry is None:
            raise not_found("namespaces", "", namespace)
        if "deletionTimestamp" in entry.object()["metadata"]:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise forbidden(f"{kind.storage} is forbidden: {why}", kind.plural, kind.group)


def _content(obj: Object) -> dict[str, Any]:
    return {
        name: value for name, value in obj.items() if name not in ("metadata", "status", "apiVersion", "kind")
    }
