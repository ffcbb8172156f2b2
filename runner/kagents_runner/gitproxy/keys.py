"""What agents prove themselves with to the proxy, and the proxy to them: made once a team, by ``prepare``.

An agent's token lies in its own home and is good for nothing but this team's proxy, which knows only its
hash. The proxy proves itself with the hub's certificate, which lies in every home.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.layout import checked_name
from kagents_runner.hub_certificate import CERTIFICATE, ensure_certificate

AGENT_FOLDER: Final = "git"
"""In an agent's home."""
TOKEN: Final = "token"  # noqa: S105 - a file's name

_FOLDER: Final = "git-proxy"
_HASHES: Final = "agents.json"
_LIMIT: Final = 1024 * 1024


def proxy_folder(finish_dir: Path) -> Path:
    """Where key, certificate, hashes and the copy of the repository lie."""
    return finish_dir / _FOLDER


def make_keys(finish_dir: Path, homes: Path, agents: Sequence[str]) -> None:
    """Makes them unless they are there: agents that run already keep what they have."""
    folder = proxy_folder(finish_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / _HASHES).exists():
        return
    certificate = ensure_certificate(folder)
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


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
