"""Which headers pass the gateway: all but what belongs to one connection or is somebody's credential."""

import re
from collections.abc import Iterable
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from kagents_core.safetext import clean

_OF_ONE_CONNECTION: Final = frozenset(
    {
        "connection",
        "expect",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)
_OURS: Final = frozenset({"host", "content-length", "accept-encoding", "forwarded", "via", "x-real-ip"})
_ID_LIMIT: Final = 200
_CREDENTIAL: Final = re.compile(
    r"authorization|api-?key|token|secret|cookie|credential|password|^proxy-|^x-forwarded-|^x-amz-|^x-amzn-|^x-goog-"
)


def asked(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """A request's headers as they are sent on, before our own credential is added."""
    dropped = _OF_ONE_CONNECTION | _OURS | _named(headers)
    found = CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if (low := name.lower()) not in dropped and _CREDENTIAL.search(low) is None
    )
    found["Accept-Encoding"] = "identity"  # what the answer used is read as it passes
    return found


def answered(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """An answer's headers as they are handed back."""
    dropped = _OF_ONE_CONNECTION | _named(headers) | {"set-cookie", "content-length"}
    found = CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if (low := name.lower()) not in dropped and not low.startswith("proxy-")
    )
    length = headers.get("Content-Length", "")
    if length.isdecimal() and "Transfer-Encoding" not in headers:
        found["Content-Length"] = length
    return found


def request_id(headers: CIMultiDictProxy[str]) -> str:
    """What the API calls this request of its; nothing where it does not say."""
    told = headers.get("request-id") or headers.get("x-amzn-requestid") or ""
    return clean(told, limit=_ID_LIMIT, multiline=False)


def _named(headers: CIMultiDictProxy[str]) -> set[str]:
    """Those that the connection's own header names."""
    values: Iterable[str] = headers.getall("Connection", [])
    return {name.strip().lower() for value in values for name in value.split(",")}
