"""The repository's credential, given to git without ever being in an argument, an address or a file of git.

The Secret's keys are files: ``token`` (with an optional ``username``), or those of a GitHub App from which a
token of one hour is made, are handed out by an ask-pass program, to the repository's own host alone;
``ssh-privatekey`` (with an optional ``known_hosts``) is copied to where only this process may read it.
"""

import os
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from kagents_runner.prepare.secret_files import is_app, secret_bytes
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_DEFAULT_USERNAME: Final = "x-access-token"
"""What GitHub asks for with a token; other hosts ignore the name beside a token."""

# A repository can name other hosts: for submodules, large files, by a redirection. They are told nothing.
_ASKING_PROGRAM: Final = """#!/bin/sh
asked=${1#*[\\'\\"]}
asked=${asked%[\\'\\"]*}
case "$asked" in *[!][A-Za-z0-9:/@.%_~+-]*) exit 1 ;; esac
place=${asked#*://}
place=${place%%/*}
[ "${asked%%://*}://${place##*@}" = "$KAGENTS_GIT_ORIGIN" ] || exit 1
case "$1" in
Username*) cat "$KAGENTS_GIT_USERNAME_FILE" 2>/dev/null || echo @USERNAME@ ;;
*) cat "$KAGENTS_GIT_TOKEN_FILE" ;;
esac
"""


@asynccontextmanager
async def git_environment(
    directory: Path | None,
    hosts: Path,
    url: str,
    environment: Mapping[str, str],
    *,
    reading: bool = False,
) -> AsyncIterator[Mapping[str, str]]:
    """The variables that let git use the credential in ``directory`` for ``url``, while the context lasts.

    ``hosts``: where the key of an SSH host is recorded when it is seen first and the Secret has no
    ``known_hosts``. ``reading``: an App's token is not to write. Raises ``RunnerError`` (64) for a Secret
    without a usable key.
    """
    with TemporaryDirectory(prefix="kagents-git-", dir=environment.get("TMPDIR") or None) as temporary:
        private = Path(temporary)
        if directory is None:
            yield {"GIT_SSH_COMMAND": _ssh(None, None, hosts)}
        elif (directory / "ssh-privatekey").is_file():
            yield {"GIT_SSH_COMMAND": _ssh(_private_key(directory, private), _known_hosts(directory), hosts)}
        elif is_app(directory):
            # Imported here: it brings the client for HTTP, which only Apps need.
            from kagents_runner.prepare.github_app import installation_token

            made = private / "token"
            _write_private(made, (await installation_token(directory, url, reading=reading)).encode())
            yield {**_asking(made, directory, private, url), "GIT_SSH_COMMAND": _ssh(None, None, hosts)}
        elif (directory / "token").is_file():
            if not secret_bytes(directory / "token").strip():
                raise RunnerError(
                    "The key token of the repository's Secret is empty.", code=EXIT_NEEDS_A_PERSON
                )
            asking = _asking(directory / "token", directory, private, url)
            yield {**asking, "GIT_SSH_COMMAND": _ssh(None, None, hosts)}
        else:
            raise RunnerError(
                "The Secret in spec.repository.credentialsSecret has no key token and no key ssh-privatekey, "
                "nor those of a GitHub App.",
                code=EXIT_NEEDS_A_PERSON,
            )


def origin_of(url: str) -> str:
    """``scheme://host:port`` as git names it when it asks; empty for an address without a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}" if place and parts.scheme in ("http", "https") else ""


def _asking(token: Path, directory: Path, private: Path, url: str) -> Mapping[str, str]:
    program = private / "ask-pass"
    program.write_text(_ASKING_PROGRAM.replace("@USERNAME@", _DEFAULT_USERNAME))
    program.chmod(0o700)
    return {
        "GIT_ASKPASS": str(program),
        "KAGENTS_GIT_ORIGIN": origin_of(url),
        "KAGENTS_GIT_TOKEN_FILE": str(token),
        "KAGENTS_GIT_USERNAME_FILE": str(directory / "username"),
    }


def _private_key(directory: Path, private: Path) -> Path:
    """A copy that ssh accepts: ours alone, and ending in a newline."""
    key = secret_bytes(directory / "ssh-privatekey")
    if not key.strip():
        raise RunnerError(
            "The key ssh-privatekey of the repository's Secret is empty.", code=EXIT_NEEDS_A_PERSON
        )
    path = private / "key"
    _write_private(path, key.rstrip(b"\r\n") + b"\n")
    return path


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)


def _known_hosts(directory: Path) -> Path | None:
    path = directory / "known_hosts"
    return path if path.is_file() else None


def _quoted(path: Path) -> str:
    """The path as a value of ssh's configuration, which splits at spaces and fills in what follows ``%``."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'


def _ssh(key: Path | None, known: Path | None, hosts: Path) -> str:
    """The ssh command line as the shell-quoted text that git wants; it holds paths only."""
    options = [
        "ssh",
        "-F",
        "/dev/null",
        "-oBatchMode=yes",
        "-oConnectTimeout=20",
        "-oServerAliveInterval=15",
        "-oServerAliveCountMax=4",
        f"-oStrictHostKeyChecking={'yes' if known else 'accept-new'}",
        f"-oUserKnownHostsFile={_quoted(known or hosts)}",
        "-oGlobalKnownHostsFile=/dev/null",
        "-oUpdateHostKeys=no",
    ]
    if key is not None:
        options += ["-i", str(key), "-oIdentitiesOnly=yes"]
    return shlex.join(options)
