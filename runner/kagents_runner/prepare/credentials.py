"""The repository's credential, given to git without ever being in an argument, an address or a file of git.

The Secret's keys are files: ``token`` (with an optional ``username``) is handed out by an ask-pass program,
``ssh-privatekey`` (with an optional ``known_hosts``) is copied to where only this process may read it.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_SECRET_LIMIT: Final = 64 * 1024
_DEFAULT_USERNAME: Final = "x-access-token"
"""What GitHub asks for with a token; other hosts ignore the name beside a token."""

_ASKING_PROGRAM: Final = """#!/bin/sh
case "$1" in
Username*) cat "$KAGENTS_GIT_USERNAME_FILE" 2>/dev/null || echo {username} ;;
*) cat "$KAGENTS_GIT_TOKEN_FILE" ;;
esac
"""


@contextmanager
def git_environment(directory: Path | None, hosts: Path) -> Iterator[Mapping[str, str]]:
    """The variables that let git use the credential in ``directory``, while the context lasts.

    ``hosts``: where the key of an SSH host is recorded when it is seen first and the Secret has no
    ``known_hosts``. Raises ``RunnerError`` (64) for a Secret without a usable key.
    """
    with TemporaryDirectory(prefix="kagents-git-") as temporary:
        private = Path(temporary)
        if directory is None:
            yield {"GIT_SSH_COMMAND": _ssh(None, None, hosts)}
        elif (directory / "ssh-privatekey").is_file():
            yield {"GIT_SSH_COMMAND": _ssh(_private_key(directory, private), _known_hosts(directory), hosts)}
        elif (directory / "token").is_file():
            yield {**_token(directory, private), "GIT_SSH_COMMAND": _ssh(None, None, hosts)}
        else:
            raise RunnerError(
                "The Secret in spec.repository.credentialsSecret has no key token and no key ssh-privatekey.",
                code=EXIT_NEEDS_A_PERSON,
            )


def _token(directory: Path, private: Path) -> Mapping[str, str]:
    if not _secret(directory / "token").strip():
        raise RunnerError("The key token of the repository's Secret is empty.", code=EXIT_NEEDS_A_PERSON)
    program = private / "ask-pass"
    program.write_text(_ASKING_PROGRAM.format(username=_DEFAULT_USERNAME))
    program.chmod(0o700)
    return {
        "GIT_ASKPASS": str(program),
        "KAGENTS_GIT_TOKEN_FILE": str(directory / "token"),
        "KAGENTS_GIT_USERNAME_FILE": str(directory / "username"),
    }


def _private_key(directory: Path, private: Path) -> Path:
    """A copy that ssh accepts: ours alone, and ending in a newline."""
    key = _secret(directory / "ssh-privatekey")
    if not key.strip():
        raise RunnerError(
            "The key ssh-privatekey of the repository's Secret is empty.", code=EXIT_NEEDS_A_PERSON
        )
    path = private / "key"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key.rstrip(b"\r\n") + b"\n")
    return path


def _known_hosts(directory: Path) -> Path | None:
    path = directory / "known_hosts"
    return path if path.is_file() else None


def _secret(path: Path) -> bytes:
    try:
        return read_bounded(path.resolve(), _SECRET_LIMIT)
    except OSError as error:
        raise RunnerError(
            f"The key {path.name} of the repository's Secret cannot be read: {error.strerror}.",
            code=EXIT_NEEDS_A_PERSON,
        ) from error


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
        f"-oUserKnownHostsFile={known or hosts}",
        "-oGlobalKnownHostsFile=/dev/null",
    ]
    if key is not None:
        options += ["-i", str(key), "-oIdentitiesOnly=yes"]
    return shlex.join(options)
