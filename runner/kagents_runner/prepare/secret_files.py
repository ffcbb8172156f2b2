"""Reading the keys of a mounted Secret: bounded, and a failure names the key, never its value."""

from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

APP_ID: Final = "github-app-id"
INSTALLATION_ID: Final = "github-app-installation-id"
PRIVATE_KEY: Final = "github-app-private-key"

_LIMIT: Final = 64 * 1024


def is_app(directory: Path) -> bool:
    """Whether this Secret is a GitHub App's."""
    return (directory / PRIVATE_KEY).is_file()


def secret_bytes(path: Path) -> bytes:
    """The value of a key; a Secret's files are links, which the kubelet made. Raises ``RunnerError`` (64)."""
    try:
        return read_bounded(path.resolve(), _LIMIT)
    except OSError as error:
        raise RunnerError(
            f"The key {path.name} of the repository's Secret cannot be read: {error.strerror}.",
            code=EXIT_NEEDS_A_PERSON,
        ) from error


def secret_line(path: Path) -> str:
    """The value of a key that is one line of text. Raises ``RunnerError`` (64)."""
    try:
        text = secret_bytes(path).decode().strip()
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable() and " " not in text:
        return text
    raise RunnerError(
        f"The key {path.name} of the Secret is empty or not one line of text.",
        code=EXIT_NEEDS_A_PERSON,
    )
