"""The last sentence of a container: one plain sentence for the pod's status, and the exit code beside it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kagents_core.safetext import clean
from kagents_core.secretshapes import masked_text
from kagents_runner.output import line
from kagents_runner.secret_values import hidden, mounted_secrets

DEFAULT_TERMINATION_LOG: Final = "/dev/termination-log"
MESSAGE_LIMIT: Final = 4096
"""Bytes that Kubernetes keeps of a termination message."""

EXIT_NEEDS_A_PERSON: Final = 64
"""A person must change something: a credential, an address, a version."""


class RunnerError(Exception):
    """Ends a verb: ``sentence`` (plain, no secret) goes to the person, ``code`` to the kubelet.

    64: a person must change something. 1: anything else.
    """

    def __init__(self, sentence: str, *, code: int = 1) -> None:
        """The sentence, and the exit code."""
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


def report_failure(sentence: str, environment: Mapping[str, str] | None) -> None:
    """Writes the sentence to stderr and, for a container's program, to the termination log.

    ``environment`` names the log in ``KAGENTS_TERMINATION_LOG``; None means that there is none. A log that
    cannot be written is left alone: the exit code says enough.
    """
    message = clean(without_secrets(sentence, environment or {}), limit=MESSAGE_LIMIT, multiline=False)
    print(line(message, "error"), file=sys.stderr, flush=True)  # noqa: T201 - stderr is where a failure is read
    if environment is None:
        return
    path = Path(environment.get("KAGENTS_TERMINATION_LOG") or DEFAULT_TERMINATION_LOG)
    data = message.encode()[:MESSAGE_LIMIT].decode(errors="ignore").encode()
    try:
        path.write_bytes(data)
    except OSError as error:
        print(f"The termination log {path} cannot be written: {error.strerror}.", file=sys.stderr)  # noqa: T201


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """The text without what this container has mounted, and without what looks like a secret.

    A sentence of ours holds none; but that of an unforeseen error, of a library, may hold what it was given.
    """
    return masked_text(hidden(text, mounted_secrets(environment)))
