"""What the gateway proves itself with to agents; made once a team, by ``prepare``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import replace_file
from kagents_core.teamfiles.layout import checked_name
from kagents_runner.hub_certificate import CERTIFICATE, ensure_certificate

AGENT_FOLDER: Final = "gateway"
"""In an agent's home."""


def make_certificates(folder: Path, homes: Path, agents: Iterable[str]) -> None:
    """Makes key and certificate unless they are there, and puts the certificate into the agents' homes."""
    certificate = ensure_certificate(folder)
    for agent in agents:
        own = homes / checked_name(agent) / AGENT_FOLDER
        own.mkdir(mode=0o700, exist_ok=True)
        if not (own / CERTIFICATE).exists():
            replace_file(own / CERTIFICATE, certificate, mode=0o600)
