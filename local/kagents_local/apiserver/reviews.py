"""Questions of a caller about itself: who am I, may I do this, what may I do."""

from typing import Any

from kagents_local.apiserver.authentication import Identity
from kagents_local.apiserver.authorization import allowed, refusal, rules_of
from kagents_local.apiserver.entries import Object
from kagents_local.apiserver.errors import bad_request
from kagents_local.apiserver.requests import Target


def answer(kind: str, review: Object, identity: Identity) -> Object:
    """The review with its ``status``. Raises 400 when it asks nothing."""
    spec: dict[str, Any] = review.get("spec") or {}
    status: dict[str, Any]
    if kind == "SelfSubjectReview":
        status = {"userInfo": {"username": identity.user, "groups": list(identity.groups)}}
    elif kind == "SelfSubjectAccessReview":
        status = _access(spec, identity)
    else:
        status = _rules(identity, spec.get("namespace", ""))
    return {**review, "metadata": review.get("metadata") or {}, "status": status}


def _access(spec: dict[str, Any], identity: Identity) -> dict[str, Any]:
    if isinstance(path := spec.get("nonResourceAttributes"), dict):
        if identity.role == "admin" or path.get("verb") == "get":
            return {"allowed": True}
        return {"allowed": False, "reason": f'User "{identity.user}" cannot {path.get("verb")} that path'}
    attributes = spec.get("resourceAttributes")
    if not isinstance(attributes, dict):
        raise bad_request("spec needs resourceAttributes or nonResourceAttributes")
    target = Target(
        verb=str(attributes.get("verb", "")),
        group=str(attributes.get("group", "")),
        version=str(attributes.get("version", "")),
        plural=str(attributes.get("resource", "")),
        namespace=str(attributes.get("namespace", "")),
        name=str(attributes.get("name", "")),
        subresource=str(attributes.get("subresource", "")),
    )
    if allowed(identity, target):
        return {"allowed": True, "reason": f'role "{identity.role}"'}
    return {"allowed": False, "reason": refusal(identity, target)}


def _rules(identity: Identity, namespace: str) -> dict[str, Any]:
    rules = [rule.document() for rule in rules_of(identity) if rule.namespace in ("", namespace)]
    paths = (
        ["*"]
        if identity.role == "admin"
        else ["/api", "/api/*", "/apis", "/apis/*", "/openapi/*", "/version"]
    )
    return {
        "resourceRules": rules,
        "nonResourceRules": [
            {"verbs": ["*"] if identity.role == "admin" else ["get"], "nonResourceURLs": paths}
        ],
        "incomplete": False,
    }
