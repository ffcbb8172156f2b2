"""Tokens of service accounts, of the kind that a cluster issues: signed (ES256), bound to a pod, and of
limited life. Whoever is shown one can check it with the published keys.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

ISSUER: Final = "https://kubernetes.default.svc"
KEYS_PATH: Final = "/openid/v1/jwks"
DISCOVERY_PATH: Final = "/.well-known/openid-configuration"

SHORTEST_SECONDS: Final = 600
LONGEST_SECONDS: Final = 1 << 32
DEFAULT_SECONDS: Final = 3600
EXTENDED_SECONDS: Final = 3607
"""A token of this life for the API server is the one that every pod has: as on a cluster it holds for a year,
since a client may read its file once. The file is replaced as if it held for this long."""
_YEAR: Final = 365 * 24 * 3600
_ALGORITHM: Final = "ES256"


class TokenRefusedError(ValueError):
    """The token is not one of ours, not for us, or no longer good."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a token is for, and the pod with which it ends. ``uid`` is the account's."""

    namespace: str
    name: str
    pod_uid: str
    pod_name: str = ""
    uid: str = ""

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says of it."""
        account = {"name": self.name, "uid": self.uid}
        pod = {"name": self.pod_name, "uid": self.pod_uid}
        return {"namespace": self.namespace, "serviceaccount": account, "pod": pod}


class ServiceTokens:
    """Issues and checks them with one key."""

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        """``key`` is a private key in PEM form, of the curve P-256. Raises ``ValueError``."""
        private = load_pem_private_key(key, None)
        if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
            raise ValueError("the key that signs tokens is of another kind")
        self._private, self._public, self._clock = private, private.public_key(), clock
        form = self._public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._id = base64url_encode(hashlib.sha256(form).digest()).decode()

    def issue(self, account: Account, audience: str = ISSUER, seconds: int = DEFAULT_SECONDS) -> str:
        """A token that holds for ``seconds``."""
        now = int(self._clock())
        extended = audience == ISSUER and seconds == EXTENDED_SECONDS
        bound = account.claims | ({"warnafter": now + seconds} if extended else {})
        claims = {
            "aud": [audience],
            "exp": now + (_YEAR if extended else seconds),
            "iat": now,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": bound,
            "nbf": now,
            "sub": f"system:serviceaccount:{account.namespace}:{account.name}",
        }
        return jwt.encode(claims, self._private, _ALGORITHM, headers={"kid": self._id})

    def check(self, token: str, audience: str = ISSUER) -> Account:
        """Whose token it is. Raises ``TokenRefusedError``."""
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._public,
                [_ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
            bound = claims["kubernetes.io"]
            account = Account(
                bound["namespace"], bound["serviceaccount"]["name"], bound["pod"]["uid"], bound["pod"]["name"]
            )
            good = claims["nbf"] <= self._clock() < claims["exp"]
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise TokenRefusedError("not a token of this server") from error
        if not good:
            raise TokenRefusedError("the token has expired")
        return account

    def published(self, path: str, server: str) -> dict[str, Any] | None:
        """The document by which others check tokens; None for another path."""
        if path == KEYS_PATH:
            known = ECAlgorithm.to_jwk(self._public, as_dict=True)
            return {"keys": [{"use": "sig", "kid": self._id, "alg": _ALGORITHM, **known}]}
        if path == DISCOVERY_PATH:
            return {
                "issuer": ISSUER,
                "jwks_uri": f"{server}{KEYS_PATH}",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [_ALGORITHM],
            }
        return None
