"""A reference to an OCI artifact in its parts, and the account that a docker configuration has for it."""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kagents_core.api.fields import ARTIFACT_PATTERN
from kagents_core.teamfiles.files import read_bounded
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_CONFIG_BYTES: Final = 1024 * 1024
_KEY: Final = ".dockerconfigjson"
_LOOPBACK: Final = re.compile(r"^(localhost|127(\.[0-9]{1,3}){3})(:[0-9]+)?$")
_DOCKER: Final = ("docker.io", "index.docker.io")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an artifact is, and which one of its versions is meant."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def base(self) -> str:
        """The address of the registry's API. Only on the same machine it is spoken to without TLS."""
        host = "registry-1.docker.io" if self.host in _DOCKER else self.host
        return f"{'http' if _LOOPBACK.match(host) else 'https'}://{host}/v2/{self.repository}"

    @property
    def version(self) -> str:
        """What the manifest is asked for by."""
        return self.digest or self.tag or ""


def parse_reference(text: str) -> Reference:
    """Raises ``RunnerError`` (64)."""
    if not re.fullmatch(ARTIFACT_PATTERN, text):
        raise RunnerError(f"{text[:200]!r} is no reference of an OCI artifact.", code=EXIT_NEEDS_A_PERSON)
    named, _, digest = text.partition("@")
    host, _, path = named.partition("/")
    repository, _, tag = path.partition(":")
    return Reference(host, repository, tag or None, digest or None)


def account_of(folder: Path, reference: Reference) -> tuple[str, str] | None:
    """Name and password of the mounted docker configuration for this registry. Raises ``RunnerError``."""
    try:
        found: Any = json.loads(read_bounded((folder / _KEY).resolve(), _CONFIG_BYTES))
        accounts = found.get("auths") or {}
        named = {_host(key): value for key, value in accounts.items()}
        entry = named.get("docker.io" if reference.host in _DOCKER else reference.host)
        if entry is None:
            return None
        if entry.get("auth"):
            name, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
            return name, password
        if ":" in str(entry["username"]):
            raise ValueError("HTTP has no way to send a name with a colon")
        return str(entry["username"]), str(entry["password"])
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise RunnerError(
            f"The Secret for {reference.host} has no key {_KEY} that can be used; make it with "
            "`kubectl create secret docker-registry`.",
            code=EXIT_NEEDS_A_PERSON,
        ) from error


def _host(key: str) -> str:
    host = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return "docker.io" if host in _DOCKER else host
