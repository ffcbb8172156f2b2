"""The model's Secret, as it is mounted: read anew when the kubelet has changed it."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.gateway.credentials import Amazon, ApiKey, BearerToken, Credential, Google
from kagents_runner.gateway.google import GoogleError, account_of
from kagents_runner.gateway.signing import AmazonKey

API_KEY: Final = "ANTHROPIC_API_KEY"
AUTH_TOKEN: Final = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - the name of a key
OAUTH_TOKENS: Final = ("CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_OAUTH_TOKEN")
ACCESS_KEY: Final = "AWS_ACCESS_KEY_ID"
SECRET_KEY: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a key
SESSION_TOKEN: Final = "AWS_SESSION_TOKEN"  # noqa: S105 - the name of a key
SERVICE_ACCOUNT: Final = "GOOGLE_SERVICE_ACCOUNT_JSON"

_API_KEYS: Final = re.compile(rf"{API_KEY}(?:_([1-9]\d{{0,2}}))?")
_LIMIT: Final = 64 * 1024
_State = tuple[tuple[str, int, int, int], ...]


class SecretError(Exception):
    """The Secret has not what is needed; the sentence names keys, never values."""


class ModelSecret:
    """The credentials in a folder."""

    def __init__(self, directory: Path, provider: str, region: str = "", *, oauth: bool = False) -> None:
        """``region`` is Bedrock's; ``oauth``: a subscription's token is wanted, whatever else is there."""
        self._directory = directory
        self._region = region
        self._read = _subscription if oauth else _READERS[provider]
        self._state: _State | None = None
        self._found: tuple[Credential, ...] = ()

    def credentials(self) -> tuple[Credential, ...]:
        """One or more. Raises ``SecretError``."""
        state = self._look()
        if state != self._state:
            try:
                self._found = self._read(self._directory, self._region)
                self._state = state
            except SecretError:
                if not self._found:
                    raise  # what was good a moment ago is used while the Secret is being changed
        return self._found

    def _look(self) -> _State:
        """What would differ in another Secret, without reading it."""
        try:
            with os.scandir(self._directory) as entries:
                found = [(entry.name, entry.stat()) for entry in entries]
        except OSError:
            return ()
        return tuple(sorted((name, at.st_mtime_ns, at.st_ino, at.st_size) for name, at in found))


def _anthropic(directory: Path, _: str) -> tuple[Credential, ...]:
    numbers = {
        int(found[1] or 1): found[0]
        for name in _names(directory)
        if (found := _API_KEYS.fullmatch(name)) is not None
    }
    if numbers:
        return tuple(ApiKey(name, _line(directory / name)) for _, name in sorted(numbers.items()))
    if (directory / AUTH_TOKEN).is_file():
        return (BearerToken(AUTH_TOKEN, _line(directory / AUTH_TOKEN)),)
    raise SecretError(f"The model's Secret has neither {API_KEY} nor {AUTH_TOKEN}.")


def _subscription(directory: Path, _: str) -> tuple[Credential, ...]:
    for name in OAUTH_TOKENS:
        if (directory / name).is_file():
            return (BearerToken(name, _line(directory / name), oauth=True),)
    raise SecretError(f"The model's Secret has neither {OAUTH_TOKENS[0]} nor {OAUTH_TOKENS[1]}.")


def _bedrock(directory: Path, region: str) -> tuple[Credential, ...]:
    session = directory / SESSION_TOKEN
    key = AmazonKey(
        _line(directory / ACCESS_KEY),
        _line(directory / SECRET_KEY),
        _line(session) if session.is_file() else "",
    )
    return (Amazon(ACCESS_KEY, key, region),)


def _vertex(directory: Path, _: str) -> tuple[Credential, ...]:
    try:
        account = account_of(_read(directory / SERVICE_ACCOUNT))
    except GoogleError as error:
        sentence = f"The key {SERVICE_ACCOUNT} of the model's Secret cannot be used: {error}."
        raise SecretError(sentence) from None
    return (Google(SERVICE_ACCOUNT, account, account.email, account.key_id),)


_Reader = Callable[[Path, str], tuple[Credential, ...]]
_READERS: Final[Mapping[str, _Reader]] = {
    "anthropic": _anthropic,
    "bedrock": _bedrock,
    "vertex": _vertex,
}


def _names(directory: Path) -> list[str]:
    try:
        return sorted(path.name for path in directory.iterdir())
    except OSError:
        return []


def _line(path: Path) -> str:
    """A value that is one line of text without blanks, so that it can stand in a header."""
    try:
        text = _read(path).decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable() or " " in text:
        raise SecretError(f"The key {path.name} of the model's Secret is empty or not one line of text.")
    return text


def _read(path: Path) -> bytes:
    """The files of a Secret are links, which the kubelet made."""
    try:
        return read_bounded(path.resolve(), _LIMIT)
    except OSError as error:
        raise SecretError(
            f"The key {path.name} of the model's Secret cannot be read: {error.strerror}."
        ) from None
