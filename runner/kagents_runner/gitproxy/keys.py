"""What agents prove themselves with to the proxy, and the proxy to them: made once a team, by ``prepare``.

An agent's token lies in its own home and is good for nothing but this team's proxy, which knows only its
hash. The proxy's key lies where no agent's pod looks; its certificate, for a name that exists nowhere else,
lies in every home.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.layout import checked_name

HOST: Final = "hub.kagents.invalid"
"""The name in the certificate: agents are told the address that it has today."""
AGENT_FOLDER: Final = "git"
"""In an agent's home."""
TOKEN: Final = "token"  # noqa: S105 - a file's name
CERTIFICATE: Final = "ca.pem"

_FOLDER: Final = "git-proxy"
_HASHES: Final = "agents.json"
_KEY: Final = "key.pem"
_LIMIT: Final = 1024 * 1024
_DAYS: Final = 3650


def proxy_folder(finish_dir: Path) -> Path:
    """Where key, certificate, hashes and the copy of the repository lie."""
    return finish_dir / _FOLDER


def make_keys(finish_dir: Path, homes: Path, agents: Sequence[str]) -> None:
    """Makes them unless they are there: agents that run already keep what they have."""
    folder = proxy_folder(finish_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / _HASHES).exists():
        return
    key, certificate = _certificate()
    replace_file(folder / _KEY, key, mode=0o600)
    replace_file(folder / CERTIFICATE, certificate, mode=0o600)
    hashes = {}
    for agent in agents:
        token = secrets.token_urlsafe(32)
        hashes[agent] = _hash(token)
        own = homes / checked_name(agent) / AGENT_FOLDER
        own.mkdir(mode=0o700, exist_ok=True)
        replace_file(own / TOKEN, token.encode(), mode=0o600)
        replace_file(own / CERTIFICATE, certificate, mode=0o600)
    # Last, so that a preparation that was killed before is done again as a whole.
    replace_file(folder / _HASHES, orjson.dumps(hashes), mode=0o600, durable=True)


class Agents:
    """Who may come in."""

    def __init__(self, folder: Path) -> None:
        """Reads the hashes. Raises ``OSError`` or ``ValueError``."""
        self._hashes: dict[str, str] = orjson.loads(read_bounded(folder / _HASHES, _LIMIT))

    def knows(self, agent: str, token: str) -> bool:
        """Whether this is that agent's token."""
        return hmac.compare_digest(self._hashes.get(agent, ""), _hash(token))


def key_files(folder: Path) -> tuple[Path, Path]:
    """Certificate and key, as a TLS context loads them."""
    return folder / CERTIFICATE, folder / _KEY


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


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
