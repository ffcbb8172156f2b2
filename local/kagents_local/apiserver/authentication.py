"""Who calls: bearer tokens of people (given at the start) and of service accounts (signed, bound to a
pod)."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kagents_local.apiserver.errors import unauthorized
from kagents_local.apiserver.service_tokens import ServiceTokens, TokenRefusedError


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
        self,
        tokens: Mapping[str, Identity],
        accounts: ServiceTokens,
        pod_exists: Callable[[str, str], bool],
    ) -> None:
        """``pod_exists(uid, namespace)`` says whether the pod to which a service account's token is bound
        is still there."""
        self._identities = {_digest(token): identity for token, identity in tokens.items()}
        self._accounts = accounts
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

    def _service_account(self, token: str) -> Identity:
        try:
            found = self._accounts.check(token)
        except TokenRefusedError:
            raise unauthorized() from None
        if not self._pod_exists(found.pod_uid, found.namespace):
            raise unauthorized()
        space, name = found.namespace, found.name
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{space}", "system:authenticated")
        user = f"system:serviceaccount:{space}:{name}"
        return Identity(user, "service-account", groups, space, name)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
