"""Tokens in the volumes of running pods: replaced before they expire, and whatever an earlier engine left."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from kagents_core.api.resources import SERVICE_ACCOUNTS
from kagents_local.apiserver.service_tokens import Account, ServiceTokens
from kagents_local.kubelet.layout import KubeletLayout
from kagents_local.kubelet.rotation import TokenRotation
from kagents_local.tokens import new_signing_key

NOW = 1_800_000_000.0
LOOP = "trap 'exit 0' TERM; while :; do sleep 0.05; done"


class Issuer:
    """Issues tokens at a time that a test sets; counts them."""

    def __init__(self) -> None:
        self.now = NOW
        self.issued = 0
        self._tokens = ServiceTokens(new_signing_key(), lambda: self.now)

    def __call__(
        self, namespace: str, account: str, uid: str, audience: str | None, seconds: int | None
    ) -> str:
        self.issued += 1
        whom = Account(namespace, account, uid, "p")
        if audience is None:
            return self._tokens.issue(whom, seconds=seconds or 3600)
        return self._tokens.issue(whom, audience, seconds or 3600)


def pod(phase: str = "Running", **spec: Any) -> dict[str, Any]:
    source = {"serviceAccountToken": {"path": "token", "audience": "kagents-hub", "expirationSeconds": 1000}}
    volumes = [{"name": "hub", "projected": {"sources": [source]}}, {"name": "e", "emptyDir": {}}]
    body = {"automountServiceAccountToken": False, "volumes": volumes, "containers": [], **spec}
    return {
        "metadata": {"namespace": "ns", "name": "p", "uid": "u"},
        "spec": body,
        "status": {"phase": phase},
    }


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """The file of the token; its volume has been made."""
    path = KubeletLayout(tmp_path).pod("u").volume("hub") / "token"
    path.parent.mkdir(parents=True)
    return path


def claims(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(path.read_text(), options={"verify_signature": False})
    return found


def test_a_token_is_replaced_once_four_fifths_of_its_life_are_over(tmp_path: Path, token: Path) -> None:
    issue = Issuer()
    token.write_text(issue("ns", "default", "u", "kagents-hub", 1000))
    rotation = TokenRotation(KubeletLayout(tmp_path), issue, 1.0)
    assert rotation.rotate([pod()], NOW + 799) == 0
    issue.now = NOW + 800
    assert rotation.rotate([pod()], NOW + 800) == 1
    assert (claims(token)["iat"], claims(token)["aud"]) == (NOW + 800, ["kagents-hub"])
    assert token.stat().st_mode & 0o777 == 0o600
    assert rotation.rotate([pod()], NOW + 801) == 0


def test_every_pods_own_token_is_replaced_by_its_short_life(tmp_path: Path) -> None:
    issue = Issuer()
    own = KubeletLayout(tmp_path).pod("u").volume("kube-api-access") / "token"
    own.parent.mkdir(parents=True)
    own.write_text(issue("ns", "default", "u", None, 3607))
    rotation = TokenRotation(KubeletLayout(tmp_path), issue, 1.0)
    mounting = pod(automountServiceAccountToken=True)
    assert rotation.rotate([mounting], NOW + 2000) == 0
    assert rotation.rotate([mounting], NOW + 3000) == 1


@pytest.mark.parametrize("left", ["", "eyJhbGciOiJIUzI1NiJ9.e30.x", "a.b.c", "torn", "\x00" * 10])
def test_what_an_earlier_engine_left_is_replaced_at_once(tmp_path: Path, token: Path, left: str) -> None:
    token.write_text(left)
    issue = Issuer()
    assert TokenRotation(KubeletLayout(tmp_path), issue, 1.0).rotate([pod()], NOW) == 1
    assert claims(token)["exp"] == NOW + 1000


def test_nothing_is_made_for_pods_that_have_ended_or_have_no_volumes_yet(tmp_path: Path) -> None:
    issue = Issuer()
    rotation = TokenRotation(KubeletLayout(tmp_path), issue, 1.0)
    assert rotation.rotate([pod(), pod("Succeeded")], NOW) == 0
    assert issue.issued == 0


async def test_a_running_container_sees_the_new_token(node: Any) -> None:
    tokens = ServiceTokens(new_signing_key())
    await node.stop()
    # A token of one second: replaced over and over while the container runs.
    node.issue_token = lambda namespace, account, uid, audience, seconds: tokens.issue(
        Account(namespace, account, uid, "p"), audience, 1
    )
    await node.start()
    await node.client.create(SERVICE_ACCOUNTS, "ns", {"metadata": {"name": "default", "namespace": "ns"}})
    source = {"serviceAccountToken": {"path": "token", "audience": "kagents-hub"}}
    volumes = [{"name": "v", "projected": {"sources": [source]}}]
    mounts = [{"name": "v", "mountPath": "/v"}]
    main = {"name": "main", "image": "runner:test", "command": ["sh", "-c", LOOP], "volumeMounts": mounts}
    made = await node.create(containers=[main], volumes=volumes)
    await node.phase("Running")
    path = node.data / "pods" / made["metadata"]["uid"] / "volumes" / "v" / "token"
    first = path.read_text()
    await node.until(lambda: path.read_text() != first)
    assert claims(path)["kubernetes.io"]["pod"]["uid"] == made["metadata"]["uid"]
    assert claims(path)["exp"] >= time.time() - 1
