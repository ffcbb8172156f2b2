"""Who is let in by a token: agents of this team, by what this cluster has signed for this hub."""

import asyncio
import base64
import hmac
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from kagents_core.reconcile.names import child_name
from kagents_runner.gateway.identity import ATTEMPTS, CACHED, Identities, Team
from kagents_runner.gateway.published_keys import PAUSE, PublishedKeys
from kagents_runner.gateway.seams import CallersNotKnownYet, UnknownCaller

ISSUER = "https://kubernetes.default.svc.cluster.local"
TEAM = Team("auth-refactor", "dev-agents", "uid-1", ("lead", "backend-api", "api"))
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
OLD = rsa.generate_private_key(65537, 2048)


class Cluster:
    """Signs tokens, publishes keys, and has a clock."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.tick = 0.0
        self.asked = 0
        self.away = False
        self.keys: dict[str, Any] = {"new": KEY}

    async def publish(self) -> dict[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise OSError("the server is away")
        return {"keys": [{"kid": kid, "use": "sig", **_public(key)} for kid, key in self.keys.items()]}

    def token(self, pod: str, *, key: Any = KEY, kid: str = "new", **changes: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": ["kagents-hub"],
            "sub": "system:serviceaccount:dev-agents:default",
            "iat": int(self.now),
            "nbf": int(self.now),
            "exp": int(self.now) + 3600,
            "kubernetes.io": {"namespace": "dev-agents", "pod": {"name": pod, "uid": "p"}},
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(kept, key, algorithm, headers={"kid": kid})

    def identities(self, folder: Path) -> Identities:
        keys = PublishedKeys(self.publish, lambda: self.tick)
        return Identities(TEAM, keys, lambda: ISSUER, folder, lambda: self.now)


def _public(key: Any) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        return {"alg": "RS256", **RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)}
    return dict(ECAlgorithm.to_jwk(key.public_key(), as_dict=True))


def pod(agent: str, attempt: int = 0, uid: str = "uid-1", team: str = "auth-refactor") -> str:
    return child_name(team, uid, agent, attempt)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def identities(cluster: Cluster, tmp_path: Path) -> Identities:
    return cluster.identities(tmp_path)


@pytest.mark.parametrize("agent", TEAM.agents)
async def test_an_agents_token_tells_who_it_is(cluster: Cluster, identities: Identities, agent: str) -> None:
    token = cluster.token(pod(agent))
    assert await identities.agent_of(f"Bearer {token}") == agent
    assert await identities.agent_of(f"bearer  {token} ") == agent
    assert cluster.asked == 1


async def test_whatever_a_cluster_signs_with_is_known_by_its_published_key(
    cluster: Cluster, identities: Identities
) -> None:
    cluster.keys = {"old": OLD, "new": KEY}
    token = cluster.token(pod("lead"), key=OLD, kid="old")
    assert await identities.agent_of(f"Bearer {token}") == "lead"


HOUR = 3600


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["https://kubernetes.default.svc"]},
        {"aud": []},
        {"aud": None},
        {"iss": "https://another.cluster"},
        {"iss": None},
        {"exp": 1_800_000_000},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "never"},
        {"nbf": 1_800_000_000 + HOUR},
        {"nbf": None},
        {"iat": None},
        {"kubernetes.io": {"namespace": "other", "pod": {"name": pod("lead"), "uid": "p"}}},
        {"kubernetes.io": {"namespace": "dev-agents"}},
        {"kubernetes.io": {"namespace": "dev-agents", "pod": None}},
        {"kubernetes.io": []},
        {"kubernetes.io": None},
    ],
)
async def test_claims_that_do_not_fit_are_refused(
    cluster: Cluster, identities: Identities, changes: dict[str, Any]
) -> None:
    with pytest.raises(UnknownCaller):
        await identities.agent_of(f"Bearer {cluster.token(pod('lead'), **changes)}")


@pytest.mark.parametrize(
    "name",
    [
        pod("lead", uid="uid-2"),
        pod("lead", team="auth"),
        pod("hub"),
        pod("nobody"),
        pod("finish"),
        pod("lead") + "0",
        pod("lead")[:-1],
        pod("lead")[:-5] + "zzzzz",
        "lead",
        "",
    ],
)
async def test_pods_that_are_no_agents_of_this_team_are_refused(
    cluster: Cluster, identities: Identities, name: str
) -> None:
    with pytest.raises(UnknownCaller):
        await identities.agent_of(f"Bearer {cluster.token(name)}")


def forged(cluster: Cluster, algorithm: str, secret: bytes) -> str:
    """The claims of a good token under another signature."""
    claims = cluster.token(pod("lead")).split(".")[1]
    head = json.dumps({"alg": algorithm, "kid": "new", "typ": "JWT"}).encode()
    signed = base64.urlsafe_b64encode(head).rstrip(b"=").decode() + "." + claims
    mac = hmac.digest(secret, signed.encode(), "sha256") if secret else b""
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def test_what_this_cluster_has_not_signed_is_refused(cluster: Cluster, identities: Identities) -> None:
    good = cluster.token(pod("lead"))
    head, claims, signature = good.split(".")
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    shown = [
        cluster.token(pod("lead"), key=OTHER),
        cluster.token(pod("lead"), key=OTHER, kid="unknown"),
        cluster.token(pod("lead"), key=OLD),
        forged(cluster, "none", b""),
        forged(cluster, "HS256", public),
        forged(cluster, "HS256", json.dumps(_public(KEY)).encode()),
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}x.{signature}",
        "..",
        "",
        "ü.ü.ü",
        "\udcff",
        "a" * 20_000,
    ]
    for token in shown:
        with pytest.raises(UnknownCaller):
            await identities.agent_of(f"Bearer {token}")
    for header in ("", good, f"Basic {good}", f"x-api-key {good}"):
        with pytest.raises(UnknownCaller):
            await identities.agent_of(header)
    assert await identities.agent_of(f"Bearer {good}") == "lead"


async def test_a_known_token_ends_with_its_time(cluster: Cluster, identities: Identities) -> None:
    token = cluster.token(pod("lead"))
    cluster.now += HOUR - 1
    assert await identities.agent_of(f"Bearer {token}") == "lead"
    cluster.now += 1
    with pytest.raises(UnknownCaller):
        await identities.agent_of(f"Bearer {token}")


async def test_a_later_attempt_shuts_earlier_ones_out_also_after_a_restart(
    cluster: Cluster, identities: Identities, tmp_path: Path
) -> None:
    first, second = cluster.token(pod("lead")), cluster.token(pod("lead", 3))
    assert await identities.agent_of(f"Bearer {first}") == "lead"
    assert await identities.agent_of(f"Bearer {second}") == "lead"
    other = cluster.token(pod("api"))
    for who in (identities, cluster.identities(tmp_path)):
        for stale in (first, cluster.token(pod("lead", 2))):
            with pytest.raises(UnknownCaller):
                await who.agent_of(f"Bearer {stale}")
        assert await who.agent_of(f"Bearer {second}") == "lead"
        assert await who.agent_of(f"Bearer {other}") == "api"
    assert json.loads((tmp_path / ATTEMPTS).read_text()) == {"lead": 3, "api": 0}


async def test_a_token_that_is_refused_shuts_nobody_out(cluster: Cluster, identities: Identities) -> None:
    later = cluster.token(pod("lead", 5), exp=int(cluster.now) - 1)
    with pytest.raises(UnknownCaller):
        await identities.agent_of(f"Bearer {later}")
    assert await identities.agent_of(f"Bearer {cluster.token(pod('lead'))}") == "lead"


async def test_keys_are_asked_for_at_an_unknown_name_and_not_more_often_than_allowed(
    cluster: Cluster, identities: Identities
) -> None:
    assert await identities.agent_of(f"Bearer {cluster.token(pod('lead'))}") == "lead"
    cluster.keys = {"newer": OTHER}
    token = f"Bearer {cluster.token(pod('api'), key=OTHER, kid='newer')}"
    for _ in range(5):
        with pytest.raises(UnknownCaller):
            await identities.agent_of(token)
    assert cluster.asked == 1
    cluster.tick += PAUSE
    found = await asyncio.gather(*(identities.agent_of(token) for _ in range(5)))
    assert (set(found), cluster.asked) == ({"api"}, 2)


async def test_while_no_key_is_known_nobody_is_called_unknown(cluster: Cluster, tmp_path: Path) -> None:
    cluster.away = True
    identities = cluster.identities(tmp_path)
    token = f"Bearer {cluster.token(pod('lead'))}"
    with pytest.raises(CallersNotKnownYet):
        await identities.agent_of(token)
    cluster.away = False
    cluster.tick += PAUSE
    assert await identities.agent_of(token) == "lead"


async def test_the_cache_is_bounded_and_what_fell_out_is_checked_anew(
    cluster: Cluster, identities: Identities
) -> None:
    first = f"Bearer {cluster.token(pod('lead'))}"
    assert await identities.agent_of(first) == "lead"
    for number in range(CACHED + 10):
        await identities.agent_of(f"Bearer {cluster.token(pod('api'), jti=str(number))}")
    cluster.keys = {}
    cluster.tick += PAUSE
    with pytest.raises(UnknownCaller):  # the key that it was signed with is gone, and so is the memory of it
        await identities.agent_of(f"Bearer {cluster.token(pod('lead'), kid='gone')}")
    with pytest.raises(UnknownCaller):
        await identities.agent_of(first)


@pytest.mark.parametrize(
    "published", [{}, {"keys": None}, {"keys": [None, 1, {}, {"kty": "oct", "k": "eA"}]}]
)
async def test_keys_of_no_use_are_none(cluster: Cluster, tmp_path: Path, published: dict[str, Any]) -> None:
    async def publish() -> dict[str, Any]:
        return published

    identities = Identities(TEAM, PublishedKeys(publish), lambda: ISSUER, tmp_path, lambda: cluster.now)
    with pytest.raises(UnknownCaller):
        await identities.agent_of(f"Bearer {cluster.token(pod('lead'))}")
