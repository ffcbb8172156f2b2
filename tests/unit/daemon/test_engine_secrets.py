"""Certificates, tokens, kubeconfig: made once, private, renewed in time."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from kagents_core.kube.config import load_kubeconfig
from kagents_local.apiserver.service_tokens import Account, ServiceTokens
from kagents_local.certificates import Certificates
from kagents_local.kubeconfig import write_kubeconfig
from kagents_local.tokens import ensure_tokens

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    made = Certificates(tmp_path)
    made.ensure(START)
    return made


def test_the_server_certificate_is_signed_for_loopback(certificates: Certificates) -> None:
    authority = x509.load_pem_x509_certificate(certificates.ca.read_bytes())
    server = x509.load_pem_x509_certificate(certificates.server.read_bytes())
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert "localhost" in names.get_values_for_type(x509.DNSName)


def test_files_are_private(certificates: Certificates, tmp_path: Path) -> None:
    ensure_tokens(tmp_path)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize(("days", "server_stays"), [(0, True), (300, True), (340, False), (400, False)])
def test_the_server_certificate_is_renewed_under_the_same_authority(
    certificates: Certificates, days: int, server_stays: bool
) -> None:
    authority, server = certificates.ca.read_bytes(), certificates.server.read_bytes()
    certificates.ensure(START + timedelta(days=days))
    assert certificates.ca.read_bytes() == authority
    assert (certificates.server.read_bytes() == server) is server_stays


def test_damaged_files_are_made_anew(certificates: Certificates) -> None:
    certificates.ca.write_bytes(b"torn")
    certificates.ensure(START)
    authority = x509.load_pem_x509_certificate(certificates.ca.read_bytes())
    x509.load_pem_x509_certificate(certificates.server.read_bytes()).verify_directly_issued_by(authority)


def test_tokens_stay_and_are_not_shown(tmp_path: Path) -> None:
    tokens = ensure_tokens(tmp_path)
    assert ensure_tokens(tmp_path).admin == tokens.admin
    assert tokens.admin not in repr(tokens)
    assert ensure_tokens(tmp_path).signing_key == tokens.signing_key
    assert tokens.signing_key.decode() not in repr(tokens)
    assert stat.S_IMODE((tmp_path / "service-accounts.key").stat().st_mode) == 0o600


def test_what_an_older_engine_signed_with_is_replaced_by_a_key_whose_public_half_can_be_shown(
    tmp_path: Path,
) -> None:
    old = tmp_path / "service-accounts.key"
    old.write_bytes(b"kN3-a-shared-secret-of-an-older-engine_0123")
    tokens = ensure_tokens(tmp_path)
    token = ServiceTokens(tokens.signing_key).issue(Account("ns", "hub", "u", "p"))
    assert ServiceTokens(ensure_tokens(tmp_path).signing_key).check(token).pod_name == "p"


def test_the_kubeconfig_is_one_that_the_client_reads(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, server="https://127.0.0.1:6443", ca_certificate=b"CA", token="secret")
    config = load_kubeconfig(str(path))
    assert (config.server, config.ca_data, config.token) == ("https://127.0.0.1:6443", b"CA", "secret")
    assert config.context == "kagents-local"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
