"""What a verb of ``kagents-runner`` prints in a pod, into a file of ours: for archives and artifacts."""

from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from kagents_tui.cli import exits
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

USAGE: Final = 2
"""argparse's exit code: the verb is not known there."""
_KILLED: Final = 128
"""Exit codes above this are a signal's."""
_COMPLAINT_BYTES: Final = 4096


class BrokenOffError(CommandError):
    """The pod, or the way to it, went away before the verb had ended: another pod may still tell it all."""


async def write_output(
    client: "Client",
    pod: Mapping[str, Any],
    container: str,
    arguments: Sequence[str],
    file: IO[bytes],
    *,
    limit: int,
    what: str,
) -> None:
    """Runs the verb there; ``limit`` in bytes, ``what`` for the sentence when the verb says nothing.

    Raises ``BrokenOffError``, and ``CommandError`` with the verb's own last line when it fails.
    """
    from kagents_core.kube.errors import ApiError, Forbidden, Unauthorized, Unreachable
    from kagents_tui.hub import PROGRAM

    metadata, complaint = pod["metadata"], bytearray()
    try:
        session = await client.exec(
            metadata["namespace"], metadata["name"], [PROGRAM, *arguments], container=container
        )
        async with session:
            async for channel, data in session:
                if channel == 1:
                    file.write(data)
                elif len(complaint) < _COMPLAINT_BYTES:
                    complaint += data
                if file.tell() > limit:
                    raise CommandError(exits.FAILED, "the pod sent more than was agreed")
    except (Forbidden, Unauthorized):
        raise
    except (ApiError, Unreachable) as error:
        raise BrokenOffError(exits.code_of(error), str(error)) from error
    code = session.exit_code
    if code is None or code > _KILLED:
        raise BrokenOffError(exits.FAILED, f"the {what} was broken off (exit code {code})")
    if code:
        raise CommandError(exits.FAILED, _complaint(code, bytes(complaint), what))


def _complaint(code: int, said: bytes, what: str) -> str:
    from kagents_core.safetext import clean

    if code == USAGE:
        return f"the team's runner image is older than this command: it knows no {what}"
    lines = said.decode(errors="replace").strip().splitlines()
    words = clean(lines[-1], limit=400, multiline=False) if lines else ""
    return words or f"the {what} ended with exit code {code}"
