"""What the embedded engine hears: request bodies, page tokens, its own records, environments."""

import base64
import json
from datetime import UTC, datetime

from fuzzing.harness import Harness, demand

from harnesses.places import scratch_file
from kagents_local.apiserver import bodies
from kagents_local.apiserver.cells import age
from kagents_local.apiserver.errors import RefusalError
from kagents_local.apiserver.reading import _read_token
from kagents_local.kubelet import records
from kagents_local.kubelet.rewrite import mount_rewriter
from kagents_local.kubelet.rotation import _due

_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")


def _body(data: bytes) -> None:
    for kind in _TYPES:
        try:
            found = bodies.parse_object(data, kind)
        except RefusalError:
            continue
        demand(isinstance(found, dict), "no object")
        json.dumps(found, default=str)
    bodies.duplicate_fields(data)


def _page(data: bytes) -> None:
    for text in (data.decode("latin-1"), base64.urlsafe_b64encode(data).decode()):
        try:
            version, _ = _read_token(text)
        except RefusalError:
            continue
        demand(isinstance(version, int), "no version")


def _records(data: bytes) -> None:
    records.read_record(scratch_file("record.json", data))
    text = data.decode("utf-8", "replace")
    mount_rewriter({"/kagents/work": "/tmp/w"})(text)
    age(text[:40], datetime(2026, 11, 22, tzinfo=UTC))


def _rotation(data: bytes) -> None:
    for claims in (data, b"h." + base64.urlsafe_b64encode(data).rstrip(b"=") + b".s"):
        _due(scratch_file("token", claims))


_SECRET = b"k8s\x00\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x14\x0a\x05\x0a\x01a1a\x12\x08\x0a\x01k\x12\x03abc\x1a\x06Opaque"
_POD = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"x":"y"}},"spec":{"containers":[{"name":"c"}]}}'
_CLAIMS = b'{"iat":1800000000,"exp":1800003600,"kubernetes.io":{"warnafter":1800003000}}'

HARNESSES = (
    Harness(
        "request-body",
        "bodies of requests",
        "apiserver.bodies, protobuf",
        _body,
        lambda: [
            _POD,
            _SECRET,
            b"apiVersion: v1\nkind: Pod\n",
            b'{"a":{' + b",".join(b'"k%d":1' % n for n in range(500)) + b',"k1":2}}',
        ],
        "yaml",
        (b"k8s\x00", b"\x0a", b"\x12"),
    ),
    Harness("page-token", "tokens of pages", "apiserver.reading", _page, lambda: [b'[5,"n","a"]'], "json"),
    Harness(
        "records",
        "the kubelet's records and environments",
        "kubelet.records, rewrite",
        _records,
        lambda: [b'{"pid":5,"started":"x"}'],
        "json",
    ),
    Harness("rotation", "tokens whose end is read", "kubelet.rotation", _rotation, lambda: [_CLAIMS], "json"),
)
