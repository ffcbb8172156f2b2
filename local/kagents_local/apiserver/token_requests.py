"""``serviceaccounts/<name>/token``: a token on request, bound to a pod, as a kubelet of a cluster gets it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kagents_local.apiserver.errors import Cause, bad_request, invalid, not_found
from kagents_local.apiserver.requests import Target
from kagents_local.apiserver.service_tokens import (
    DEFAULT_SECONDS,
    ISSUER,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    Account,
    ServiceTokens,
)
from kagents_local.apiserver.store import Store

_AUDIENCE_LIMIT: Final = 1024


class TokenRequests:
    """Issues tokens for accounts and pods of a store."""

    def __init__(self, store: Store, tokens: ServiceTokens) -> None:
        self._store = store
        self._tokens = tokens

    def issue(
        self,
        namespace: str,
        service_account: str,
        pod_uid: str,
        audience: str | None = None,
        seconds: int | None = None,
    ) -> str:
        """A token of a service account, bound to a pod; without an audience it is for this server."""
        pod = self._store.find(pod_uid)
        account = self._store.get("serviceaccounts", namespace, service_account)
        whom = Account(
            namespace,
            service_account,
            pod_uid,
            pod.name if pod is not None else "",
            account.uid if account is not None else "",
        )
        return self._tokens.issue(whom, audience or ISSUER, seconds or DEFAULT_SECONDS)

    def answer(self, target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a ``TokenRequest``. Raises 400 and 404."""
        if self._store.get("serviceaccounts", target.namespace, target.name) is None:
            raise not_found("serviceaccounts", "", target.name)
        spec = _mapping(request.get("spec"))
        audiences, seconds = spec.get("audiences") or [], spec.get("expirationSeconds") or DEFAULT_SECONDS
        if type(seconds) is not int:
            raise bad_request("spec.expirationSeconds: must be a whole number")
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            sentence = f"Invalid value: {seconds}: must be {SHORTEST_SECONDS} to {LONGEST_SECONDS}"
            cause = Cause("spec.expirationSeconds", sentence)
            raise invalid("TokenRequest", "authentication.k8s.io", "", [cause])
        if not isinstance(audiences, list) or len(audiences) > 1:
            raise bad_request("spec.audiences: the engine issues a token for one audience")
        audience = str(audiences[0])[:_AUDIENCE_LIMIT] if audiences else None
        token = self.issue(target.namespace, target.name, self._pod(target, spec), audience, seconds)
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        status = {"token": token, "expirationTimestamp": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": spec,
            "status": status,
        }

    def _pod(self, target: Target, spec: Mapping[str, Any]) -> str:
        bound = _mapping(spec.get("boundObjectRef"))
        name = str(bound.get("name", ""))
        if bound.get("kind") != "Pod" or not name:
            raise bad_request("spec.boundObjectRef: the engine issues tokens that are bound to a pod")
        pod = self._store.get("pods", target.namespace, name)
        if pod is None or bound.get("uid") not in (None, "", pod.uid):
            raise not_found("pods", "", name)
        return pod.uid


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
