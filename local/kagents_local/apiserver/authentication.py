"""Who calls: bearer tokens of people (given at the start) and of service accounts (signed, bound to a
pod)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from kagents_local.apiserver.errors import unauthorized

ISSUER = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller. ``role`` is ``admin`` (everything), ``viewer`` (read, but no secrets) or
    ``service-account``."""

    user: str
    role: str
    groups: tuple[str, ...] = ()
    namespace: str = ""
    service_account: str = ""


ADMIN = Identity("kagents-admin", "admin", ("system:masters", "system:authenticated"))
VIEWER = Identity("kagents-viewer", "viewer", ("kagents:viewers", "system:authenticated"))


class Authentication:
    """Checks bearer tokens."""

    def __init__(
        self, tokens: Mapping[str, Identity], key: bytes, pod_exists: Callable[[str, str], bool]
    ) -> None:
        """``pod_exists(uid, namespace)`` says whether the pod to which a service account's token is bound
        is still there."""
        self._identities = {_digest(token): identity for token, identity in tokens.items()}
        self._key = key
        self._pod_exists = pod_exists

    def identify(self, authorization: str) -> Identity:
        """The caller of an ``Authorization`` header. Raises 401."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise unauthorized()
        # Tokens are compared by digest, so the time of the look-up tells nothing about them.
        identity = self._identities.get(_digest(token))
        return identity if identity is not None else self._service_account(token)

    def issue(self, namespace: str, service_account: str, pod_uid: str, audience: str = ISSUER) -> str:
        """A token (JWT, HS256) for a service account in one pod; it is worth nothing once the pod is gone."""
        claims = {
            "iss": ISSUER,
            "aud": [audience],
            "sub": f"system:serviceaccount:{namespace}:{service_account}",
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": {"name": service_account},
                "pod": {"uid": pod_uid},
            },
        }
        signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def _signature(self, signed: str) -> str:
        return _base64(hmac.new(self._key, signed.encode(), hashlib.sha256).digest())

    def _service_account(self, token: str) -> Identity:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            raise unauthorized()
        try:
            claims: dict[str, Any] = orjson.loads(_decode(signed.partition(".")[2]))
            bound = claims["kubernetes.io"]
            namespace, name = bound["namespace"], bound["serviceaccount"]["name"]
            pod, audiences = bound["pod"]["uid"], claims["aud"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise unauthorized() from None
        if ISSUER not in audiences or not self._pod_exists(pod, namespace):
            raise unauthorized()
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return Identity(claims["sub"], "service-account", groups, namespace, name)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode(value: object) -> str:
    return _base64(orjson.dumps(value))
