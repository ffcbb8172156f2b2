"""The values of variables that are named like a secret, and of mounted Secrets: no kept line shows them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET: Final = 8
_SECRET_PLACE: Final = re.compile(r"KAGENTS_\w+_(?:CREDENTIALS_DIR|TOKEN_FILE)")
_NO_SECRETS: Final = frozenset({"username", "known_hosts"})
_MOST_FILES: Final = 64
_MOST_BYTES: Final = 64 * 1024


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values, longest first."""
    found = {value.strip() for name, value in environment.items() if _SECRET_NAME.search(name)}
    return sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text with stars in their place."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def mounted_secrets(environment: Mapping[str, str]) -> list[str]:
    """What lies in the files of the Secrets that this container mounts, longest first; of a key each line."""
    found: set[str] = set()
    for name, place in environment.items():
        if place and _SECRET_PLACE.fullmatch(name):
            for text in _contents(Path(place)):
                found |= {text.strip(), *(line.strip() for line in text.splitlines())}
    return sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)


def _contents(place: Path) -> Iterator[str]:
    """The files of a folder, or the one file. They are the kubelet's, which lays them out with links."""
    files = [place]
    with suppress(OSError):
        files = sorted(place.iterdir()) if place.is_dir() else files
    for path in files[:_MOST_FILES]:
        with suppress(OSError):
            if path.name not in _NO_SECRETS and path.is_file():
                with path.open("rb") as file:
                    yield file.read(_MOST_BYTES).decode("utf-8", "replace")
