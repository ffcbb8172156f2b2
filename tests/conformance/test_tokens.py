"""Tokens of service accounts: who they say the pod is, and that anybody can check it with published keys."""

import base64
import json
import time
from typing import Any

import jwt
import pytest

AUDIENCE = "kagents-hub"


@pytest.fixture
async def issued(server) -> dict[str, Any]:
    """The answer to a request for a token of a pod."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "worker"}}
    await server.call("POST", server.path(plural="serviceaccounts"), account)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {
            "serviceAccountName": "worker",
            "automountServiceAccountToken": False,
            "schedulerName": "nobody",
            "containers": [{"name": "main", "image": "none"}],
        },
    }
    made = await server.call("POST", server.path(plural="pods"), pod)
    found: dict[str, Any] = await server.call("POST", _path(server), _request("p"))
    return {"uid": made["metadata"]["uid"], **found["status"]}


def _path(server) -> str:
    return str(server.path("worker", "token", "serviceaccounts"))


def _request(pod: str, **spec: Any) -> dict[str, Any]:
    bound = {"apiVersion": "v1", "kind": "Pod", "name": pod}
    wanted = {"audiences": [AUDIENCE], "expirationSeconds": 3600, "boundObjectRef": bound, **spec}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wanted}


async def test_a_token_says_which_pod_it_is_for_and_how_long(server, issued) -> None:
    claims = jwt.decode(issued["token"], options={"verify_signature": False})
    assert claims["aud"] == [AUDIENCE]
    assert claims["sub"] == f"system:serviceaccount:{server.namespace}:worker"
    bound = claims["kubernetes.io"]
    assert bound["namespace"] == server.namespace
    assert bound["serviceaccount"]["name"] == "worker"
    assert bound["serviceaccount"]["uid"]
    assert bound["pod"] == {"name": "p", "uid": issued["uid"]}
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["nbf"] <= claims["iat"] <= time.time() + 60
    assert claims["jti"]


async def test_the_published_keys_check_it(server, issued) -> None:
    status, published = await server.answer("GET", "/openid/v1/jwks")
    assert status == 200
    keys = jwt.PyJWKSet.from_dict(published)
    head = jwt.get_unverified_header(issued["token"])
    key = keys[head["kid"]]
    issuer = (await server.call("GET", "/.well-known/openid-configuration"))["issuer"]
    claims = jwt.decode(issued["token"], key, [head["alg"]], audience=AUDIENCE, issuer=issuer)
    assert claims["kubernetes.io"]["pod"]["name"] == "p"
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(issued["token"], key, [head["alg"]], audience="another", issuer=issuer)


async def test_no_part_of_a_private_key_is_published(server) -> None:
    _, published = await server.answer("GET", "/openid/v1/jwks")
    for key in published["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
        assert key["alg"] in ("ES256", "RS256")
        assert base64.urlsafe_b64decode(key["kid"] + "==")


@pytest.mark.parametrize(
    ("pod", "spec", "status"),
    [("nobody", {}, 404), ("p", {"expirationSeconds": 5}, 422), ("p", {"expirationSeconds": "x"}, 400)],
)
async def test_what_cannot_be_issued_is_refused(server, issued, pod: str, spec: Any, status: int) -> None:
    refusal = await server.refused("POST", _path(server), json.dumps(_request(pod, **spec)).encode())
    assert refusal.status == status


async def test_another_audiences_token_does_not_open_the_server(server, issued) -> None:
    headers = {"Authorization": f"Bearer {issued['token']}"}
    async with server.session.get(server.path(plural="pods"), headers=headers) as answer:
        assert answer.status == 401
