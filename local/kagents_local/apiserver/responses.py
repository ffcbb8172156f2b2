"""HTTP responses: JSON documents, refusals, and warnings."""

from collections.abc import Iterable
from typing import Any

import orjson
from aiohttp import web

from kagents_local.apiserver.errors import RefusalError

JSON = "application/json"


def document(
    body: Any, *, status: int = 200, content_type: str = JSON, warnings: Iterable[str] = ()
) -> web.Response:
    """A JSON document."""
    return raw(orjson.dumps(body), status=status, content_type=content_type, warnings=warnings)


def raw(
    body: bytes, *, status: int = 200, content_type: str = JSON, warnings: Iterable[str] = ()
) -> web.Response:
    """Bytes that are JSON already."""
    response = web.Response(body=body, status=status)
    response.headers["Content-Type"] = content_type
    for warning in warnings:
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        safe = "".join(c if c.isprintable() else "?" for c in escaped)
        response.headers.add("Warning", f'299 - "{safe[:1000]}"')
    return response


def refused(refusal: RefusalError) -> web.Response:
    """A failed Status."""
    response = document(refusal.body(), status=refusal.code)
    if refusal.code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def plain(text: str) -> web.Response:
    """A line of text."""
    return web.Response(text=text, content_type="text/plain")
