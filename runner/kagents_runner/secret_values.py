"""The values of variables that are named like a secret: no log line and no kept output shows them."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET: Final = 8


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values, longest first."""
    found = {value.strip() for name, value in environment.items() if _SECRET_NAME.search(name)}
    return sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text with stars in their place."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
