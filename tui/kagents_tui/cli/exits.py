"""Exit codes of the ``kagents`` command, and which error ends in which."""

from typing import Final

from kagents_core.kube import errors as kube

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
REFUSED: Final = 4
UNREACHABLE: Final = 5
TIMED_OUT: Final = 6
INTERRUPTED: Final = 130

MEANINGS: Final = {
    OK: "done",
    FAILED: "failed; for wait: the team ended otherwise; for attention --exit-code: something waits",
    USAGE: "the command was not understood",
    NOT_FOUND: "no such object, agent or gate",
    REFUSED: "refused: invalid, forbidden, decided already, or not confirmed",
    UNREACHABLE: "no API server could be reached",
    TIMED_OUT: "the time was over",
}


class CommandError(Exception):
    """The end of a command: one plain sentence a line for standard error, and an exit code."""

    def __init__(self, code: int, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.code = code
        self.sentences = sentences


def code_of(error: kube.KubeError) -> int:
    """The exit code for what the client raised."""
    if isinstance(error, kube.NotFound):
        return NOT_FOUND
    if isinstance(error, kube.Invalid | kube.Unauthorized | kube.Forbidden | kube.Conflict):
        return REFUSED
    if isinstance(error, kube.ConfigError | kube.Unreachable):
        return UNREACHABLE
    return FAILED
