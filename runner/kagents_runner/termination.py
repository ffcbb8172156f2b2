"""The last sentence of a container: one plain sentence for the pod's status, and the exit code beside it."""

import sys
from pathlib import Path
from typing import Final

from kagents_core.safetext import clean

MESSAGE_LIMIT: Final = 4096
"""Bytes that Kubernetes keeps of a termination message."""


class RunnerError(Exception):
    """Ends a verb: ``sentence`` (plain, no secret) goes to the person, ``code`` to the kubelet.

    64: a person must change something. 1: anything else.
    """

    def __init__(self, sentence: str, *, code: int = 1) -> None:
        """The sentence, and the exit code."""
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


def report_failure(path: Path, sentence: str) -> None:
    """Writes the sentence to the termination log and to stderr; one that cannot be written is left alone."""
    message = clean(sentence, limit=MESSAGE_LIMIT, multiline=False)
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the container's log is for people
    data = message.encode()
    if len(data) > MESSAGE_LIMIT:
        data = data[:MESSAGE_LIMIT].decode(errors="ignore").encode()
    try:
        path.write_bytes(data)
    except OSError as error:
        print(f"The termination log {path} cannot be written: {error.strerror}.", file=sys.stderr)  # noqa: T201
