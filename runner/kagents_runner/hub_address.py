"""Where a server of the hub is today: a file with one line ``host port``, which agents read."""

import ipaddress
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded, replace_file

ADDRESS: Final = "address"
_LIMIT: Final = 200


def write_address(folder: Path, host: str, port: int) -> None:
    """Tells it."""
    replace_file(folder / ADDRESS, f"{host} {port}\n".encode())


def read_address(folder: Path) -> tuple[str, int]:
    """What is told. Raises ``OSError`` while nothing is, and ``ValueError`` for what is no address."""
    host, _, port = read_bounded(folder / ADDRESS, _LIMIT).decode("ascii").strip().partition(" ")
    number = int(port)
    if not 0 < number < 65536:
        raise ValueError("this is no port")
    return str(ipaddress.ip_address(host)), number
