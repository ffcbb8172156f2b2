"""JSON lines that a verb of ``kagents-runner`` prints in a team's hub: an agent's turns, its changes."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from kagents_core.kube.errors import Unreachable
from kagents_core.safetext import clean
from kagents_tui.acts import TERMINAL, ActError
from kagents_tui.hub import PROGRAM, RECORDER, hub_pod, recorder_state
from kagents_tui.journal_stream import lines, parse

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

_COMPLAINT_BYTES: Final = 4096
_USAGE: Final = 2
"""argparse's exit code: the verb is not known there."""


async def running_hub(client: "Client", team: Mapping[str, Any]) -> dict[str, Any]:
    """The hub, if a command can be run in it. Raises ActError with one plain sentence."""
    pod = await hub_pod(client, team)
    if pod is not None and recorder_state(pod) == "running":
        return pod
    name = team["metadata"]["name"]
    phase = (team.get("status") or {}).get("phase")
    if phase in TERMINAL:
        raise ActError(
            f"{name} has ended ({phase}): no pod of it runs to read its volume; logs and mail are still there"
        )
    raise ActError(f"the hub of {name} does not run, so nothing of its volume can be read now")


async def printed(
    client: "Client", team: Mapping[str, Any], arguments: Sequence[str]
) -> AsyncGenerator[dict[str, Any]]:
    """Each object as it is printed. Raises ActError with the verb's own sentence when it fails, ApiError when
    the server refuses, Unreachable when the stream breaks."""
    pod = await running_hub(client, team)
    metadata = pod["metadata"]
    complaint = bytearray()
    session = await client.exec(
        metadata["namespace"], metadata["name"], [PROGRAM, *arguments], container=RECORDER
    )
    async with session:

        async def output() -> AsyncIterator[bytes]:
            async for channel, data in session:
                if channel == 1:
                    yield data
                elif len(complaint) < _COMPLAINT_BYTES:
                    complaint.extend(data)

        async with aclosing(lines(output())) as whole:
            async for each in whole:
                entry = parse(each)
                if entry is not None:
                    yield entry
    if session.exit_code == _USAGE:
        raise ActError(f"the hub of {team['metadata']['name']} runs an older kagents-runner without this")
    if session.exit_code:
        said = complaint.decode(errors="replace").strip().splitlines()
        words = clean(said[-1], limit=400, multiline=False) if said else ""
        if not words:
            raise Unreachable(f"the stream from the hub ended (exit code {session.exit_code})")
        raise ActError(words)
