"""What agents of the sample have made: artifacts with content, so that they can be fetched and checked."""

import gzip
import hashlib
import io
import tarfile
from typing import Any, Final

Object = dict[str, Any]

CONTENT: Final = {
    "findings": (
        "findings.md",
        b"# Findings\n\nTwo of 118 routes answer without a token: /health and /metrics.\n",
    ),
    "routes": ("audit/routes.csv", b"method,path,token\n" + b"GET,/invoices,needed\n" * 118),
}
"""Path and content by the artifact's name."""
COVERAGE: Final[Object] = {"name": "coverage", "path": "build/coverage.xml"}


def declared(name: str) -> Object:
    """The artifact as a manifest declares it."""
    return {"name": name, "path": CONTENT[name][0]}


def kept(agent: str, name: str, at: str) -> Object:
    """The artifact as the status tells of it."""
    data = CONTENT[name][1]
    found = {"agent": agent, **declared(name), "folder": False, "files": 1, "size": len(data), "at": at}
    return found | {"sha256": hashlib.sha256(data).hexdigest()}


def missing(agent: str, at: str) -> Object:
    """One that was not made."""
    return {"agent": agent, **COVERAGE, "problem": "it is not there", "at": at}


def packed(source: str) -> bytes:
    """What ``kagents-runner artifact AGENT/NAME`` prints."""
    path, data = CONTENT[source.partition("/")[2]]
    stream = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as outer,
        tarfile.open(fileobj=outer, mode="w") as files,
    ):
        for name, content in ((f"artifact/{path.rpartition('/')[2]}", data), ("export.json", b"{}")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            files.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
