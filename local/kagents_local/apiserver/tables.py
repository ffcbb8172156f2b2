"""Server-side printing: lists as tables of the columns that a kind shows, as ``kubectl get`` asks for
them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from kagents_local.apiserver.cells import age, find
from kagents_local.apiserver.entries import Object
from kagents_local.apiserver.kinds import Column, Kind

Cells = list[Any]
Row = Callable[[Object, datetime], Cells]

_NAME = Column("Name", "string", "", format="name", description="Name of the object")
_AGE = Column("Age", "string", "", description="Time since the creation of the object")
_CREATED_AT = Column("Created At", "date", "", description="Time of creation")


def _custom_row(kind: Kind) -> Row:
    def row(obj: Object, now: datetime) -> Cells:
        cells: Cells = [obj["metadata"]["name"]]
        for column in kind.columns:
            value = find(obj, column.path)
            if column.type == "date" and value is not None:
                value = age(value, now)
            cells.append(value if not isinstance(value, dict | list) else str(value))
        return cells

    return row


def _created(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _pod_row(pod: Object, now: datetime) -> Cells:
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    statuses = status.get("containerStatuses") or []
    ready = sum(1 for container in statuses if container.get("ready"))
    restarts = sum(int(container.get("restartCount") or 0) for container in statuses)
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(spec.get('containers') or ())}",
        _pod_reason(pod),
        str(restarts),
        _created(pod, now),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
    ]


def _pod_reason(pod: Object) -> str:
    """What is most worth knowing of a pod's state, in one word, as kubectl's STATUS column has it."""
    status = pod.get("status") or {}
    reason = str(status.get("reason") or status.get("phase") or "Unknown")
    started = status.get("initContainerStatuses") or []
    waiting = False
    for index, container in enumerate(started):
        state = container.get("state") or {}
        ended = state.get("terminated")
        if ended and ended.get("exitCode") == 0:
            continue
        waiting = True
        if ended:
            reason = f"Init:{ended.get('reason') or 'ExitCode:' + str(ended.get('exitCode'))}"
        elif (state.get("waiting") or {}).get("reason") not in (None, "PodInitializing"):
            reason = f"Init:{state['waiting']['reason']}"
        else:
            reason = f"Init:{index}/{len((pod.get('spec') or {}).get('initContainers') or started)}"
        break
    if not waiting:
        for container in reversed(status.get("containerStatuses") or []):
            state = container.get("state") or {}
            if (state.get("waiting") or {}).get("reason"):
                reason = state["waiting"]["reason"]
            elif state.get("terminated"):
                ended = state["terminated"]
                reason = ended.get("reason") or f"ExitCode:{ended.get('exitCode')}"
    return "Terminating" if pod["metadata"].get("deletionTimestamp") else reason


_ACCESS = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _claim_row(claim: Object, now: datetime) -> Cells:
    status, spec = claim.get("status") or {}, claim.get("spec") or {}
    return [
        claim["metadata"]["name"],
        "Terminating" if claim["metadata"].get("deletionTimestamp") else status.get("phase", ""),
        spec.get("volumeName", ""),
        str((status.get("capacity") or {}).get("storage", "")),
        ",".join(_ACCESS.get(mode, mode) for mode in status.get("accessModes") or ()),
        spec.get("storageClassName", ""),
        _created(claim, now),
        spec.get("volumeMode", ""),
    ]


def _event_row(event: Object, now: datetime) -> Cells:
    about = event.get("involvedObject") or {}
    series = event.get("series") or {}
    seen = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    first = (
        event.get("firstTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    )
    source = event.get("source") or {}
    return [
        age(seen or first, now),
        event.get("type", ""),
        event.get("reason", ""),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        source.get("component") or event.get("reportingComponent", ""),
        str(event.get("message", "")).strip(),
        age(first, now),
        int(series.get("count") or event.get("count") or 1),
        event["metadata"]["name"],
    ]


def _simple(*paths: str | Callable[[Object], Any]) -> Row:
    def row(obj: Object, now: datetime) -> Cells:
        middle = [path(obj) if callable(path) else find(obj, path) for path in paths]
        return [obj["metadata"]["name"], *middle, _created(obj, now)]

    return row


def _created_row(obj: Object, now: datetime) -> Cells:
    return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp", "")]


def _columns(*names: str, wide: tuple[str, ...] = ()) -> tuple[Column, ...]:
    normal = [_column(name) for name in names]
    return (*normal, *(Column(name, "string", "", priority=1) for name in wide))


def _column(name: str) -> Column:
    known = {"Name": _NAME, "Age": _AGE, "Created At": _CREATED_AT}
    return known.get(name) or Column(name, "integer" if name in ("Data", "Count") else "string", "")


def _count(*fields: str) -> Callable[[Object], int]:
    return lambda obj: sum(len(obj.get(field) or ()) for field in fields)


_EVENT_COLUMNS = (
    Column("Last Seen", "string", ""),
    Column("Type", "string", ""),
    Column("Reason", "string", ""),
    Column("Object", "string", ""),
    Column("Subobject", "string", "", priority=1),
    Column("Source", "string", "", priority=1),
    Column("Message", "string", ""),
    Column("First Seen", "string", "", priority=1),
    Column("Count", "integer", "", priority=1),
    Column("Name", "string", "", format="name", priority=1),
)
_CREATED_TABLE = (_columns("Name", "Created At"), _created_row)

_BUILTIN: Mapping[str, tuple[tuple[Column, ...], Row]] = {
    "configmaps": (_columns("Name", "Data", "Age"), _simple(_count("data", "binaryData"))),
    "events": (_EVENT_COLUMNS, _event_row),
    "namespaces": (_columns("Name", "Status", "Age"), _simple(".status.phase")),
    "persistentvolumeclaims": (
        _columns(
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "Age",
            wide=("VolumeMode",),
        ),
        _claim_row,
    ),
    "pods": (_columns("Name", "Ready", "Status", "Restarts", "Age", wide=("IP", "Node")), _pod_row),
    "secrets": (_columns("Name", "Type", "Data", "Age"), _simple(".type", _count("data"))),
    "serviceaccounts": (_columns("Name", "Secrets", "Age"), _simple(_count("secrets"))),
    "leases.coordination.k8s.io": (_columns("Name", "Holder", "Age"), _simple(".spec.holderIdentity")),
    "customresourcedefinitions.apiextensions.k8s.io": _CREATED_TABLE,
    "clusterroles.rbac.authorization.k8s.io": _CREATED_TABLE,
    "roles.rbac.authorization.k8s.io": _CREATED_TABLE,
    "clusterrolebindings.rbac.authorization.k8s.io": (
        _columns("Name", "Role", "Age"),
        _simple(lambda o: f"{find(o, '.roleRef.kind')}/{find(o, '.roleRef.name')}"),
    ),
    "rolebindings.rbac.authorization.k8s.io": (
        _columns("Name", "Role", "Age"),
        _simple(lambda o: f"{find(o, '.roleRef.kind')}/{find(o, '.roleRef.name')}"),
    ),
}


def _layout(kind: Kind) -> tuple[tuple[Column, ...], Row]:
    if not kind.custom:
        return _BUILTIN.get(kind.storage, (_columns("Name", "Age"), _simple()))
    if kind.columns:
        return (_NAME, *kind.columns), _custom_row(kind)
    return _columns("Name", "Age"), _simple()


def table(kind: Kind, objects: Iterable[Object], metadata: Mapping[str, Any], include: str) -> dict[str, Any]:
    """A Table of objects. ``include`` says what a row carries beside its cells: ``Metadata``, ``Object`` or
    ``None``."""
    columns, row = _layout(kind)
    now = datetime.now(UTC)
    rows = []
    for obj in objects:
        line: dict[str, Any] = {"cells": row(obj, now)}
        if include == "Object":
            line["object"] = obj
        elif include != "None":
            line["object"] = partial(obj)
        rows.append(line)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [
            {
                "name": column.name,
                "type": column.type,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            }
            for column in columns
        ],
        "rows": rows,
    }


def partial(obj: Object) -> dict[str, Any]:
    """An object cut to its metadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
