"""The certificate by which agents know their hub: made once, signed by itself, for a name of nobody else.

Its key lies where no agent's pod looks; the certificate lies in the home of every agent that needs it.
"""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import replace_file

HOST: Final = "hub.kagents.invalid"
"""The name in the certificate: agents are told the address that the hub has today."""
CERTIFICATE: Final = "ca.pem"
_KEY: Final = "key.pem"
_DAYS: Final = 3650


def ensure_certificate(folder: Path) -> bytes:
    """The certificate of this folder in PEM form; it and its key are made where there is none."""
    if not (folder / CERTIFICATE).exists():
        key, certificate = _certificate()
        replace_file(folder / _KEY, key, mode=0o600, durable=True)
        replace_file(folder / CERTIFICATE, certificate, mode=0o600, durable=True)
    return (folder / CERTIFICATE).read_bytes()


def serving_context(folder: Path) -> ssl.SSLContext:
    """TLS for whoever serves with the certificate of this folder. Raises ``OSError``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / CERTIFICATE, folder / _KEY)
    return context


def _certificate() -> tuple[bytes, bytes]:
    """A private key and the certificate that it has signed itself, in PEM form."""
    # Imported here: it is most of the start of a verb that does without.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    made = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, made.public_bytes(serialization.Encoding.PEM)
