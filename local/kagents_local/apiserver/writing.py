"""Create, update, patch and delete: from the request to the registry, and the answer."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from kagents_local.apiserver import bodies, patches, responses, strategic
from kagents_local.apiserver.deletion import DeleteOptions, Deletion, Propagation
from kagents_local.apiserver.entries import Object
from kagents_local.apiserver.errors import Cause, bad_request, invalid, unsupported_media
from kagents_local.apiserver.kinds import Kind
from kagents_local.apiserver.reading import Reading, selection_of
from kagents_local.apiserver.registry import Registry, Written
from kagents_local.apiserver.requests import Target, flag, number
from kagents_local.apiserver.store import Store
from kagents_local.apiserver.writeoptions import WriteOptions, refuse_unknown

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
PATCH_TYPES: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)

_PROPAGATION: Final[tuple[Propagation, ...]] = ("Background", "Foreground", "Orphan")


def write_options(request: web.BaseRequest, query: Mapping[str, str], subresource: str) -> WriteOptions:
    """How the write is to be done. Raises 400 for a parameter that cannot be."""
    manager = query.get("fieldManager", "")
    if len(manager) > 128 or not manager.isprintable():
        raise bad_request("fieldManager is at most 128 printable characters")
    if not manager:
        agent = request.headers.get("User-Agent", "").partition("/")[0].strip()
        manager = agent[:128] if agent and agent.isprintable() else "unknown"
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Strict", "Warn", "Ignore"):
        raise bad_request(f"fieldValidation is Strict, Warn or Ignore, not {validation[:100]!r}")
    return WriteOptions(
        manager=manager,
        dry_run=_dry_run(query.get("dryRun", "")),
        field_validation=validation,
        force=flag(query, "force"),
        subresource=subresource,
    )


def _dry_run(value: str) -> bool:
    if value not in ("", "All"):
        raise bad_request(f"dryRun is All or nothing, not {value[:100]!r}")
    return value == "All"


class Writing:
    """Answers to requests that change something."""

    def __init__(self, store: Store, registry: Registry, deletion: Deletion, reading: Reading) -> None:
        self._store = store
        self._registry = registry
        self._deletion = deletion
        self._reading = reading

    async def create(
        self, request: web.BaseRequest, kind: Kind, target: Target, query: Mapping[str, str]
    ) -> web.Response:
        """A new object."""
        options = write_options(request, query, "")
        obj = await self._object(request, kind, options)
        return _answer(self._registry.create(kind, target.namespace, obj, options), options)

    async def update(
        self, request: web.BaseRequest, kind: Kind, target: Target, query: Mapping[str, str]
    ) -> web.Response:
        """A whole object in place of the stored one."""
        options = write_options(request, query, target.subresource)
        obj = await self._object(request, kind, options)
        return _answer(self._registry.update(kind, target.namespace, target.name, obj, options), options)

    async def _object(self, request: web.BaseRequest, kind: Kind, options: WriteOptions) -> Object:
        data = await bodies.read(request)
        obj = bodies.parse_object(data, bodies.media_type(request))
        self._duplicates(kind, data, options)
        return obj

    def _duplicates(self, kind: Kind, data: bytes, options: WriteOptions) -> None:
        if options.field_validation != "Ignore":
            problems = [f'duplicate field "{path}"' for path in bodies.duplicate_fields(data)]
            refuse_unknown(kind, problems, options)

    async def patch(
        self, request: web.BaseRequest, kind: Kind, target: Target, query: Mapping[str, str]
    ) -> web.Response:
        """A part of an object."""
        options = write_options(request, query, target.subresource)
        content_type = bodies.media_type(request)
        if content_type not in PATCH_TYPES or (kind.custom and content_type == STRATEGIC_PATCH):
            raise unsupported_media(
                content_type, [t for t in PATCH_TYPES if not kind.custom or t != STRATEGIC_PATCH]
            )
        data = await bodies.read(request)
        if content_type == APPLY_PATCH:
            if not query.get("fieldManager"):
                cause = Cause(
                    "fieldManager", "Required value: is required for apply patch", "FieldValueRequired"
                )
                raise invalid("PatchOptions", "meta.k8s.io", "", [cause])
            applied = bodies.parse_yaml(data)
            if not isinstance(applied, dict):
                raise bad_request("the body is not an object")
            self._duplicates(kind, data, options)
            return _answer(
                self._registry.apply(kind, target.namespace, target.name, applied, options), options
            )
        change = _change(content_type, bodies.parse_json(data), self._registry.schema(kind))
        self._duplicates(kind, data, options)
        return _answer(self._registry.patch(kind, target.namespace, target.name, change, options), options)

    async def delete(
        self, request: web.BaseRequest, kind: Kind, target: Target, query: Mapping[str, str]
    ) -> web.Response:
        """The end of one object."""
        options = await _delete_options(request, query)
        entry = self._registry.live(kind, target.namespace, target.name)
        obj, gone = self._deletion.delete(kind, entry, options)
        if not gone or kind.storage == "pods":
            return responses.document(obj)
        details = {"name": entry.name, "group": kind.group, "kind": kind.plural, "uid": entry.uid}
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return responses.document({**head, "details": details})

    async def delete_collection(
        self, request: web.BaseRequest, kind: Kind, target: Target, query: Mapping[str, str]
    ) -> web.Response:
        """The end of all selected objects."""
        options = await _delete_options(request, query)
        selection = selection_of(kind, target, query)
        deleted = []
        for entry in list(self._reading.select(kind, selection)):
            current = self._store.find(entry.uid)
            if current is not None:
                deleted.append(self._deletion.delete(kind, current, options)[0])
        head = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}
        return responses.document(
            {**head, "metadata": {"resourceVersion": str(self._store.version)}, "items": deleted}
        )


def _answer(written: Written, options: WriteOptions) -> web.Response:
    return responses.document(written.obj, status=201 if written.created else 200, warnings=options.warnings)


def _change(content_type: str, patch: Any, schema: Mapping[str, Any]) -> Callable[[Object], Any]:
    if content_type == JSON_PATCH:
        return lambda obj: patches.json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise bad_request("the patch is not an object")
    if content_type == MERGE_PATCH:
        return lambda obj: patches.merge_patch(obj, patch)
    return lambda obj: strategic.patch(obj, patch, schema)


async def _delete_options(request: web.BaseRequest, query: Mapping[str, str]) -> DeleteOptions:
    data = await bodies.read(request)
    body: dict[str, Any] = {}
    if data.strip():
        body = bodies.parse_object(data, bodies.media_type(request))
    grace = body.get("gracePeriodSeconds", number(query, "gracePeriodSeconds"))
    propagation = body.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    if grace is not None and (not isinstance(grace, int) or grace < 0):
        raise bad_request("gracePeriodSeconds is a whole number that is not negative")
    conditions = body.get("preconditions") or {}
    dry = body.get("dryRun") or ([query["dryRun"]] if query.get("dryRun") else [])
    return DeleteOptions(
        grace_seconds=grace,
        propagation=_propagation(propagation),
        uid=str(conditions.get("uid") or ""),
        version=str(conditions.get("resourceVersion") or ""),
        dry_run=_dry_run(dry[0] if dry else ""),
    )


def _propagation(value: object) -> Propagation:
    for known in _PROPAGATION:
        if value == known:
            return known
    raise bad_request(f"propagationPolicy is one of {', '.join(_PROPAGATION)}, not {str(value)[:100]!r}")
