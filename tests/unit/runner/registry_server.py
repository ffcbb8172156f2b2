"""A registry on loopback: the reading part of the OCI distribution API, held to what a client must send."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar+gzip"
NAME, PASSWORD, TOKEN = "reader", "canary-password-19", "canary-token-23"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tarball(*members: tuple[str, bytes | None], compress: bool = True) -> bytes:
    """Files; None makes a symbolic link out of the folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            info.size = len(data or b"")
            archive.addfile(info, io.BytesIO(data or b""))
    return gzip.compress(buffer.getvalue()) if compress else buffer.getvalue()


class Registry:
    """Its content, and what it was asked."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        """Body by path below ``/v2/team/skill``."""
        self.types: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        """Path and ``Authorization`` of each request."""
        self.wants: str | None = None
        """``basic`` or ``bearer``: nothing is given without."""
        self.answer: Callable[[str], tuple[int, dict[str, str]] | None] = lambda _: None
        """A status and headers for a path, in place of its content."""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, tag: str, *layers: tuple[str, bytes, str | None], **manifest: Any) -> str:
        """Layers of (media type, content, title); the manifest's digest."""
        entries = []
        for kind, data, title in layers:
            self.parts[f"/blobs/{digest_of(data)}"] = data
            entry: dict[str, Any] = {"mediaType": kind, "digest": digest_of(data), "size": len(data)}
            if title is not None:
                entry["annotations"] = {"org.opencontainers.image.title": title}
            entries.append(entry)
        return self.put(tag, {"mediaType": MANIFEST, "schemaVersion": 2, "layers": entries, **manifest})

    def put(self, tag: str, manifest: dict[str, Any]) -> str:
        body = json.dumps(manifest).encode()
        for version in (tag, digest_of(body)):
            self.parts[f"/manifests/{version}"] = body
            self.types[f"/manifests/{version}"] = str(manifest.get("mediaType"))
        return digest_of(body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            given = self.headers.get("Authorization")
            registry.asked.append((self.path, given))
            path = self.path.removeprefix("/v2/team/skill")
            if path.startswith("/token"):
                right = given == "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
                scope = "scope=repository:team/skill:pull" in self.path.replace("%3A", ":").replace(
                    "%2F", "/"
                )
                self.say(200 if right and scope else 401, {}, json.dumps({"token": TOKEN}).encode())
            elif registry.wants == "bearer" and given != f"Bearer {TOKEN}":
                service = f'realm="http://{registry.host}/token",service="test"'
                challenge = f'Bearer {service},scope="repository:team/skill:pull"'
                self.say(401, {"WWW-Authenticate": challenge})
            elif registry.wants == "basic" and not (given or "").startswith("Basic "):
                self.say(401, {"WWW-Authenticate": 'Basic realm="test"'})
            elif (other := registry.answer(path)) is not None:
                self.say(*other)
            elif path not in registry.parts:
                self.say(404, {})
            elif path.startswith("/manifests/") and MANIFEST not in self.headers.get("Accept", ""):
                self.say(406, {})
            else:
                kind = registry.types.get(path, "application/octet-stream")
                self.say(200, {"Content-Type": kind}, registry.parts[path])

        def say(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
