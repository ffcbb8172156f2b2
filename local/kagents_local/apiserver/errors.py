"""Refusals of the API server, each a Kubernetes ``Status`` object with its HTTP code and machine-readable
reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cause:
    """One wrong field of an object.

    ``field`` is a path such as ``spec.teammates[1].name``; ``detail`` begins with the type of error in words
    (``Invalid value: "x": …``, ``Required value``), as Kubernetes writes it.
    """

    field: str
    detail: str
    reason: str = "FieldValueInvalid"


class RefusalError(Exception):
    """A request that is answered with a failed ``Status``."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """The ``Status`` document."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            status["details"] = self.details
        return status


def qualified(plural: str, group: str) -> str:
    """``agentteams.claude.amcheste.io``, or just the plural for the core group."""
    return f"{plural}.{group}" if group else plural


def _details(plural: str, group: str, name: str) -> dict[str, Any]:
    return {"name": name, "group": group, "kind": plural} if group else {"name": name, "kind": plural}


def not_found(plural: str, group: str, name: str) -> RefusalError:
    """404: there is no such object."""
    message = f'{qualified(plural, group)} "{name}" not found'
    return RefusalError(404, "NotFound", message, _details(plural, group, name))


def unknown_path() -> RefusalError:
    """404: the server serves nothing at this path."""
    return RefusalError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(plural: str, group: str, name: str) -> RefusalError:
    """409: the name is taken."""
    message = f'{qualified(plural, group)} "{name}" already exists'
    return RefusalError(409, "AlreadyExists", message, _details(plural, group, name))


def conflict(plural: str, group: str, name: str, why: str) -> RefusalError:
    """409: the object changed, or a precondition does not hold."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return RefusalError(409, "Conflict", message, _details(plural, group, name))


def stale(plural: str, group: str, name: str) -> RefusalError:
    """409: the writer has not seen the newest version."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(plural, group, name, why)


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> RefusalError:
    """422: the object breaks rules; every broken one is named."""
    texts = [f"{cause.field}: {cause.detail}" for cause in causes]
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details: dict[str, Any] = {
        "name": name,
        "group": group,
        "kind": kind,
        "causes": [{"reason": c.reason, "message": c.detail, "field": c.field} for c in causes],
    }
    return RefusalError(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {joined}', details)


def bad_request(message: str) -> RefusalError:
    """400: the request cannot be understood."""
    return RefusalError(400, "BadRequest", message)


def forbidden(message: str, plural: str = "", group: str = "", name: str = "") -> RefusalError:
    """403: the caller may not do this, or the object may not be put there."""
    return RefusalError(403, "Forbidden", message, _details(plural, group, name) if plural else None)


def unauthorized() -> RefusalError:
    """401: no token, or one that the server did not issue."""
    return RefusalError(401, "Unauthorized", "Unauthorized")


def expired(message: str) -> RefusalError:
    """410: the asked version is older than the history kept; the client lists again."""
    return RefusalError(410, "Expired", message)


def not_allowed() -> RefusalError:
    """405: the resource has no such verb."""
    return RefusalError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )


def unsupported_media(content_type: str, accepted: Sequence[str]) -> RefusalError:
    """415: the body is of a type that this verb does not read."""
    message = (
        f"the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(accepted)} (sent: {content_type or 'nothing'})"
    )
    return RefusalError(415, "UnsupportedMediaType", message)


def too_large(limit: int) -> RefusalError:
    """413: the body is over the limit."""
    return RefusalError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")
