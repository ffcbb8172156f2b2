"""The engine's own certificate authority and the server certificate for loopback, made once and kept
private."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kagents_local.paths import write_private

AUTHORITY_LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=365)
RENEW_BEFORE: Final = timedelta(days=30)
"""A certificate with less time left is made anew when the engine starts."""

NAMES: Final = ("localhost", "kubernetes.default.svc")
ADDRESSES: Final = ("127.0.0.1", "::1")


class Certificates:
    """``ca.crt``, ``ca.key``, ``server.crt`` and ``server.key`` in a directory (PEM, files 0600)."""

    def __init__(self, directory: Path) -> None:
        self.ca = directory / "ca.crt"
        self._ca_key = directory / "ca.key"
        self.server = directory / "server.crt"
        self.server_key = directory / "server.key"

    def ensure(self, now: datetime | None = None) -> None:
        """Make what is missing, unreadable or about to expire. A new authority makes a new server
        certificate."""
        moment = now or datetime.now(UTC)
        if not _lasts(self.ca, moment) or not self._ca_key.exists():
            self._make_authority(moment)
            self.server.unlink(missing_ok=True)
        if not _lasts(self.server, moment) or not self.server_key.exists():
            self._make_server(moment)

    def _make_authority(self, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("kagents local engine")
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(name, name, key.public_key(), now, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self._ca_key, _key_pem(key))
        write_private(self.ca, certificate.public_bytes(serialization.Encoding.PEM))

    def _make_server(self, now: datetime) -> None:
        authority = x509.load_pem_x509_certificate(self.ca.read_bytes())
        authority_key = serialization.load_pem_private_key(self._ca_key.read_bytes(), None)
        assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
        names += [x509.IPAddress(ip_address(address)) for address in ADDRESSES]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        certificate = (
            _builder(authority.subject, _name("kagents-local"), key.public_key(), now, SERVER_LIFE)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(issuer, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        write_private(self.server_key, _key_pem(key))
        write_private(self.server, certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    # An hour of slack, for a clock that is set back.
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + life)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _lasts(path: Path, now: datetime) -> bool:
    """Whether a certificate is there and good for a while."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE
