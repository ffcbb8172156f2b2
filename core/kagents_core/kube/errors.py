"""What can go wrong between kagents and an API server: one class for each reaction a caller may have."""
# ruff: noqa: N818  (the names say what happened, as the API server's reasons do)

import re
from collections.abc import Mapping
from typing import Any, Final


class KubeError(Exception):
    """Anything this package raises on purpose; ``str()`` is one plain sentence."""


class ConfigError(KubeError):
    """A kubeconfig or service account that cannot be used; the sentence names file and field."""


class NoKubeconfig(ConfigError):
    """There is no kubeconfig at all, so a caller may choose another server."""


class ApiError(KubeError):
    """A request that was not carried out. ``status`` is the HTTP status, 0 when no answer came."""

    def __init__(self, status: int, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        """Seconds the server asks to wait, when it says so."""


class Invalid(ApiError):
    """The server refuses the content (400, 413, 415, 422): sending it again is pointless."""


class Unauthorized(ApiError):
    """The credential is missing, wrong or expired (401)."""


class Forbidden(ApiError):
    """This user may not do that (403)."""


class NotFound(ApiError):
    """The object, or the kind, is not there (404)."""


class Conflict(ApiError):
    """A precondition (uid, resourceVersion) or another field owner is in the way (409)."""


class AlreadyExists(Conflict):
    """The name is taken (409 ``AlreadyExists``)."""


class Gone(ApiError):
    """The resourceVersion or page is too old to continue from (410): list again."""


class TooManyRequests(ApiError):
    """The server asks for patience (429), and kept asking."""


class Unreachable(ApiError):
    """No complete answer: refused, reset, timed out, TLS failure."""

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(0, "Unreachable", message)
        self.cause = cause


_POLICY: Final = re.compile(
    r"ValidatingAdmissionPolicy '([^']*)' with binding '[^']*' denied request: (.+)", re.S
)

_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: TooManyRequests,
}


def error_from_status(
    code: int, status: Mapping[str, Any] | None, *, fallback: str, retry_after: float | None = None
) -> ApiError:
    """The exception for an HTTP status and the ``Status`` object in its body, if there is one."""
    body = status or {}
    reason = str(body.get("reason") or "")
    message = _of_policy(str(body.get("message") or fallback)[:4096])
    kind = _BY_STATUS.get(code, ApiError)
    if code == 409 and reason == "AlreadyExists":
        kind = AlreadyExists
    if code == 422 and _names_another_uid(body):
        kind = Conflict
    return kind(code, reason or str(code), message, retry_after=retry_after)


def _of_policy(message: str) -> str:
    """The sentence of an admission policy before its name; every other message as it is."""
    found = _POLICY.search(message)
    return f"{found[2]} (policy {found[1]})" if found else message


def status_code(status: Mapping[str, Any]) -> int:
    """The HTTP status that stands in a ``Status``; 0 when none does."""
    code = status.get("code")
    return code if type(code) is int else 0


def _names_another_uid(status: Mapping[str, Any]) -> bool:
    """A patch whose uid belongs to another object: for custom resources the server calls that invalid."""
    details = status.get("details") or {}
    causes = details.get("causes") if isinstance(details, Mapping) else ()
    return isinstance(causes, list) and any(
        isinstance(cause, Mapping) and cause.get("field") == "metadata.uid" for cause in causes
    )
