"""Signatures of requests to AWS: version 4, over the headers that are ours and the body as a whole."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote_plus

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SAFE: Final = "-_.~"


@dataclass(frozen=True, slots=True)
class AmazonKey:
    """An access key, with the token of its session where it has one."""

    access: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)


def signed(
    key: AmazonKey,
    *,
    method: str,
    host: str,
    target: str,
    body: bytes,
    region: str,
    now: datetime,
    service: str = "bedrock",
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers that make the request the key's own; ``headers`` are further ones that are signed."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    ours = {"X-Amz-Date": moment}
    if key.session:
        ours["X-Amz-Security-Token"] = key.session
    signing = {name.lower(): " ".join(value.split()) for name, value in {**(headers or {}), **ours}.items()}
    signing["host"] = host
    names = sorted(signing)
    path, _, query = target.partition("?")
    request = "\n".join(
        [
            method,
            quote(path, safe=f"/{_SAFE}"),  # what is encoded in it already is encoded once more
            _canonical_query(query),
            *(f"{name}:{signing[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join([_ALGORITHM, moment, scope, digest])
    signature = _hmac(_signing_key(key.secret, moment[:8], region, service), text).hex()
    told = f"Credential={key.access}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    ours["Authorization"] = f"{_ALGORITHM} {told}"
    return ours


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    encoded = [
        (quote(unquote_plus(name), safe=_SAFE), quote(unquote_plus(value), safe=_SAFE))
        for name, _, value in pairs
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    found = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        found = _hmac(found, part)
    return found


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
