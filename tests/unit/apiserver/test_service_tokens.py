"""Tokens of service accounts: what they say, how long they hold, and who else could have made them."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from kagents_local.apiserver.service_tokens import (
    EXTENDED_SECONDS,
    ISSUER,
    KEYS_PATH,
    Account,
    ServiceTokens,
    TokenRefusedError,
)
from kagents_local.tokens import new_signing_key

KEY = new_signing_key()
HUB = Account("ns", "kagents-hub", "uid-1", "hub")


def encoded(part: bytes) -> str:
    """One part of a token."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


class Clock:
    """The time, as a test wants it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("after", "good"), [(-1, False), (0, True), (3599, True), (3600, False)])
def test_a_token_holds_from_its_making_to_its_end(after: float, good: bool) -> None:
    clock = Clock()
    tokens = ServiceTokens(KEY, clock)
    token = tokens.issue(HUB)
    clock.now += after
    if good:
        assert tokens.check(token).pod_name == "hub"
    else:
        with pytest.raises(TokenRefusedError):
            tokens.check(token)


def test_the_token_of_every_pod_holds_for_a_year_so_that_an_engine_may_be_away() -> None:
    clock = Clock()
    tokens = ServiceTokens(KEY, clock)
    token = tokens.issue(HUB, seconds=EXTENDED_SECONDS)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["kubernetes.io"]["warnafter"] == clock.now + EXTENDED_SECONDS
    clock.now += 300 * 24 * 3600
    assert ServiceTokens(KEY, clock).check(token).pod_uid == "uid-1"
    other = tokens.issue(HUB, "kagents-hub", EXTENDED_SECONDS)
    clock.now += EXTENDED_SECONDS
    with pytest.raises(TokenRefusedError):
        tokens.check(other, "kagents-hub")


def test_what_another_key_signed_is_refused() -> None:
    token = ServiceTokens(new_signing_key()).issue(HUB)
    with pytest.raises(TokenRefusedError):
        ServiceTokens(KEY).check(token)


def test_the_public_key_taken_for_a_shared_secret_signs_nothing() -> None:
    tokens = ServiceTokens(KEY)
    published = tokens.published(KEYS_PATH, "https://127.0.0.1")
    assert published is not None
    claims = jwt.decode(tokens.issue(HUB), options={"verify_signature": False})
    secret = json.dumps(published["keys"][0]).encode()
    for algorithm, key in (("HS256", secret), ("none", b"")):
        head = {"alg": algorithm, "kid": published["keys"][0]["kid"]}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        mac = hmac.digest(key, signed.encode(), "sha256") if key else b""
        with pytest.raises(TokenRefusedError):
            tokens.check(f"{signed}.{encoded(mac)}")


@given(where=st.integers(min_value=0, max_value=400), bit=st.integers(min_value=0, max_value=7))
def test_no_changed_bit_is_accepted(where: int, bit: int) -> None:
    tokens = ServiceTokens(KEY)
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in tokens.issue(HUB).split(".")]
    whole = bytearray(b"".join(parts))
    whole[where % len(whole)] ^= 1 << bit
    cut = len(parts[0]), len(parts[0]) + len(parts[1])
    changed = bytes(whole[: cut[0]]), bytes(whole[cut[0] : cut[1]]), bytes(whole[cut[1] :])
    token = ".".join(map(encoded, changed))
    with pytest.raises(TokenRefusedError):
        tokens.check(token)


@given(
    claims=st.dictionaries(
        st.sampled_from(["exp", "nbf", "kubernetes.io", "aud", "iss"]), st.none() | st.integers() | st.text()
    )
)
def test_claims_of_any_form_are_refused_in_one_way(claims: dict[str, Any]) -> None:
    tokens = ServiceTokens(KEY)
    good = jwt.decode(tokens.issue(HUB), options={"verify_signature": False})
    wrong = json.dumps({**good, "kubernetes.io": None, **claims}).encode()
    token = jwt.api_jws.encode(wrong, load_pem_private_key(KEY, None), "ES256")
    with pytest.raises(TokenRefusedError):
        tokens.check(token)


async def test_the_hub_may_read_the_published_keys_and_request_no_token(api: Any) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "kagents-hub"}}
    await api.post("/api/v1/namespaces/default/serviceaccounts", account)
    pod = (await api.post(api.PODS, api.pod("hub"))).body
    token = {"token": api.server.issue_token("default", "kagents-hub", pod["metadata"]["uid"])}
    keys = await api.get(KEYS_PATH, **token)
    assert keys.status == 200
    assert keys["keys"][0]["alg"] == "ES256"
    found = await api.get("/.well-known/openid-configuration", **token)
    assert found["issuer"] == ISSUER
    assert found["jwks_uri"].endswith(KEYS_PATH)
    path = "/api/v1/namespaces/default/serviceaccounts/kagents-hub/token"
    bound = {"kind": "Pod", "name": "hub"}
    wanted = {"spec": {"boundObjectRef": bound, "expirationSeconds": 600}}
    assert (await api.post(path, wanted, **token)).status == 403
    assert (await api.get(KEYS_PATH, token="nobody")).status == 401
    for wrong in ({}, {"boundObjectRef": {"kind": "Pod", "name": "hub", "uid": "other"}}):
        assert (await api.post(path, {"spec": wrong})).status in (400, 404)
    assert (await api.get(path)).status == 405
