"""Answers of the gateway's own, in the form that the model's API gives its errors."""

from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

KINDS: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
}


_WHO: Final = "kagents:"


def refusal(status: int, sentence: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """The answer; ``sentence`` is for a person and holds no secret."""
    message = sentence if sentence.startswith(_WHO) else f"{_WHO} {sentence}"
    error = {"type": KINDS[status], "message": message}
    body = orjson.dumps({"type": "error", "error": error})
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)
