"""Schemas of the built-in kinds: as much as merging, field ownership, ``explain`` and the checks here need.

List types and keys are those of the Kubernetes API (kubernetes.io/docs/reference/kubernetes-api). A schema
with ``x-kubernetes-preserve-unknown-fields`` is not complete: what it leaves out is stored as it came.
"""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer", "format": "int64"}
BOOLEAN: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
STRINGS: Schema = {"type": "array", "items": STRING, "x-kubernetes-list-type": "atomic"}
QUANTITY: Schema = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}


def text(description: str) -> Schema:
    """A string with a description."""
    return {"type": "string", "description": description}


def structure(*, open_: bool = False, description: str = "", **properties: Schema) -> Schema:
    """An object; an open one keeps fields that are not listed."""
    schema: Schema = {"type": "object", "properties": properties}
    if open_:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    if description:
        schema["description"] = description
    return schema


def mapping(values: Schema, description: str = "") -> Schema:
    """An object of free keys."""
    return {"type": "object", "additionalProperties": values, "description": description}


def listing(items: Schema, *keys: str, unique: bool = False) -> Schema:
    """A list: keyed by fields of its items, a set, or (without either) one indivisible value."""
    schema: Schema = {"type": "array", "items": items, "x-kubernetes-list-type": "atomic"}
    if keys:
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = list(keys)
    elif unique:
        schema["x-kubernetes-list-type"] = "set"
    return schema


OWNER = structure(
    apiVersion=STRING, kind=STRING, name=STRING, uid=STRING, controller=BOOLEAN, blockOwnerDeletion=BOOLEAN
)
METADATA = structure(
    description="Standard object metadata.",
    name=text("Unique within a namespace; cannot be changed."),
    generateName=text("Prefix of a name that the server makes up when none is given."),
    namespace=text("The namespace within which the name is unique."),
    uid=text("Identifies this object in time and space; set by the server."),
    resourceVersion=text("The version of the object; changes with every write."),
    generation=INTEGER,
    selfLink=STRING,
    creationTimestamp={**TIME, "nullable": True},
    deletionTimestamp={**TIME, "nullable": True},
    deletionGracePeriodSeconds=INTEGER,
    labels=mapping(STRING, "Keys and values by which objects are selected."),
    annotations=mapping(STRING, "Keys and values that tools store with the object."),
    ownerReferences=listing({**OWNER, "required": ["apiVersion", "kind", "name", "uid"]}, "uid"),
    finalizers=listing(STRING, unique=True),
    managedFields=listing({"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
)
CONDITION = structure(open_=True, type=STRING, status=STRING, reason=STRING, message=STRING)
OBJECT_REFERENCE = structure(
    apiVersion=STRING,
    kind=STRING,
    name=STRING,
    namespace=STRING,
    uid=STRING,
    resourceVersion=STRING,
    fieldPath=STRING,
)
_LOCAL_REFERENCE = structure(name=STRING)
_RESOURCES = structure(open_=True, limits=mapping(QUANTITY), requests=mapping(QUANTITY))

_ENVIRONMENT = structure(open_=True, name=STRING, value=STRING, valueFrom=structure(open_=True))
_PORT = structure(
    open_=True,
    name=STRING,
    containerPort=INTEGER,
    protocol={"type": "string", "default": "TCP"},
    hostPort=INTEGER,
)
_MOUNT = structure(open_=True, name=STRING, mountPath=STRING, subPath=STRING, readOnly=BOOLEAN)
CONTAINER = structure(
    open_=True,
    description="One process of a pod.",
    name=STRING,
    image=STRING,
    command=STRINGS,
    args=STRINGS,
    workingDir=STRING,
    env=listing(_ENVIRONMENT, "name"),
    envFrom=listing(structure(open_=True)),
    ports=listing(_PORT, "containerPort", "protocol"),
    volumeMounts=listing(_MOUNT, "mountPath"),
    volumeDevices=listing(structure(open_=True), "devicePath"),
    resources=_RESOURCES,
    imagePullPolicy=STRING,
    securityContext=structure(open_=True),
    terminationMessagePath=STRING,
    terminationMessagePolicy=STRING,
    stdin=BOOLEAN,
    tty=BOOLEAN,
)
POD = structure(
    description="A group of containers that run together.",
    spec=structure(
        open_=True,
        containers=listing(CONTAINER, "name"),
        initContainers=listing(CONTAINER, "name"),
        ephemeralContainers=listing(CONTAINER, "name"),
        volumes=listing(structure(open_=True, name=STRING), "name"),
        imagePullSecrets=listing(_LOCAL_REFERENCE, "name"),
        hostAliases=listing(structure(open_=True), "ip"),
        topologySpreadConstraints=listing(structure(open_=True), "topologyKey", "whenUnsatisfiable"),
        tolerations=listing(structure(open_=True)),
        nodeSelector={**mapping(STRING), "x-kubernetes-map-type": "atomic"},
        restartPolicy={"type": "string", "enum": ["Always", "OnFailure", "Never"]},
        terminationGracePeriodSeconds=INTEGER,
        activeDeadlineSeconds=INTEGER,
        serviceAccountName=STRING,
        automountServiceAccountToken=BOOLEAN,
        nodeName=STRING,
        hostname=STRING,
        priorityClassName=STRING,
        securityContext=structure(open_=True),
    ),
    status=structure(
        open_=True,
        phase=STRING,
        reason=STRING,
        message=STRING,
        startTime=TIME,
        podIP=STRING,
        podIPs=listing(structure(ip=STRING), "ip"),
        hostIPs=listing(structure(ip=STRING)),
        conditions=listing(CONDITION, "type"),
        containerStatuses=listing(structure(open_=True)),
        initContainerStatuses=listing(structure(open_=True)),
    ),
)
CLAIM = structure(
    description="A request for storage.",
    spec=structure(
        open_=True,
        accessModes=STRINGS,
        resources=_RESOURCES,
        storageClassName=STRING,
        volumeMode=STRING,
        volumeName=STRING,
        selector={
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "x-kubernetes-preserve-unknown-fields": True,
        },
    ),
    status=structure(
        open_=True,
        phase=STRING,
        accessModes=STRINGS,
        capacity=mapping(QUANTITY),
        conditions=listing(CONDITION, "type"),
    ),
)
SECRET = structure(
    description="Sensitive data by key.",
    data=mapping({"type": "string", "format": "byte"}, "Values in base64."),
    stringData=mapping(STRING, "Values as plain text; the server moves them into data."),
    type=STRING,
    immutable=BOOLEAN,
)
CONFIG_MAP = structure(
    description="Configuration by key.",
    data=mapping(STRING, "UTF-8 values."),
    binaryData=mapping({"type": "string", "format": "byte"}, "Other values, in base64."),
    immutable=BOOLEAN,
)
EVENT = structure(
    description="Something that happened to an object.",
    involvedObject={**OBJECT_REFERENCE, "x-kubernetes-map-type": "atomic"},
    related={**OBJECT_REFERENCE, "x-kubernetes-map-type": "atomic"},
    reason=STRING,
    message=STRING,
    type=STRING,
    action=STRING,
    count=INTEGER,
    firstTimestamp={**TIME, "nullable": True},
    lastTimestamp={**TIME, "nullable": True},
    eventTime={**TIME, "nullable": True},
    source=structure(component=STRING, host=STRING),
    series=structure(count=INTEGER, lastObservedTime=TIME),
    reportingComponent=STRING,
    reportingInstance=STRING,
)
NAMESPACE = structure(
    description="A scope for names.",
    spec=structure(finalizers=listing(STRING)),
    status=structure(phase=STRING, conditions=listing(CONDITION, "type")),
)
SERVICE_ACCOUNT = structure(
    description="An identity for pods.",
    secrets=listing(OBJECT_REFERENCE, "name"),
    imagePullSecrets=listing(_LOCAL_REFERENCE),
    automountServiceAccountToken=BOOLEAN,
)
LEASE = structure(
    description="Who holds a role, and until when.",
    spec=structure(
        holderIdentity=STRING,
        leaseDurationSeconds=INTEGER,
        acquireTime=TIME,
        renewTime=TIME,
        leaseTransitions=INTEGER,
        strategy=STRING,
        preferredHolder=STRING,
    ),
)
_RULE = structure(
    apiGroups=STRINGS, resources=STRINGS, verbs=STRINGS, resourceNames=STRINGS, nonResourceURLs=STRINGS
)
ROLE = structure(
    description="What may be done.",
    rules=listing(_RULE),
    aggregationRule=structure(open_=True),
)
ROLE_BINDING = structure(
    description="Who may do what a role says.",
    subjects=listing(structure(kind=STRING, apiGroup=STRING, name=STRING, namespace=STRING)),
    roleRef={**structure(apiGroup=STRING, kind=STRING, name=STRING), "x-kubernetes-map-type": "atomic"},
)
DEFINITION = structure(
    description="Adds a kind of objects.",
    spec=structure(open_=True, names=structure(open_=True), versions=listing(structure(open_=True))),
    status=structure(open_=True, conditions=listing(CONDITION, "type")),
)


def with_metadata(schema: Mapping[str, Any]) -> Schema:
    """A kind's whole schema: its own fields, and those that every object has."""
    properties = {
        "apiVersion": text("The group and version of the object's schema."),
        "kind": text("The kind of the object."),
        **(schema.get("properties") or {}),
        "metadata": METADATA,
    }
    return {**schema, "properties": properties}
