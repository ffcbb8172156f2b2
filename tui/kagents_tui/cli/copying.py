"""``kagents cp``: an artifact of a team into a file or folder of this machine, also after the team's end."""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Final

from kagents_tui.cli import exits, options
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_tui.artifact_states import Artifact

_SLACK: Final = 64 * 1024 * 1024
"""Beyond the size that was recorded: headers of the archive, and what was compressed badly."""
TOLD_SECONDS: Final = 15.0
"""How long an agent's recorder may take to tell what the agent has left."""
_LOOK_SECONDS: Final = 0.3


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "cp",
        "copy what an agent has made from its team to this machine, checked, also after the team's end",
        (
            "kagents cp q3-report:writer/report .",
            "kagents cp q3-report:writer/site /tmp/site --force",
            "kagents cp q3-report:writer/report - | less",
        ),
    )
    parser.add_argument(
        "source", metavar="ARTIFACT", help="TEAM:AGENT/ARTIFACT, as kagents get artifacts names it"
    )
    parser.add_argument(
        "destination", metavar="DEST", help="a folder to put it into, or its new name; - for standard output"
    )
    parser.add_argument("--force", action="store_true", help="replace the file or folder that is there")
    options.add_connection(parser)
    parser.set_defaults(run=copy)


async def copy(arguments: argparse.Namespace) -> int:
    """Fetch, check, then put it in its place."""
    from kagents_tui.cli.unpacking import BrokenArtifactError, OccupiedError, target_of, unpack

    name, wanted = _parts(arguments.source)
    async with options.session(arguments) as session:
        team = await _told(session.client, session.namespace, name, wanted)
        artifact = _artifact(team, wanted)
        try:
            if arguments.destination == "-":
                return await _to_stdout(session.client, team, artifact)
            target = target_of(arguments.destination, artifact, force=arguments.force)
            with tempfile.TemporaryFile() as kept:
                await fetch(session.client, team, artifact, kept)
                unpack(kept, artifact, target)
        except OccupiedError as error:
            raise CommandError(exits.REFUSED, str(error)) from None
        except BrokenArtifactError as error:
            raise CommandError(exits.FAILED, f"{arguments.source}: {error}") from None
        except OSError as error:
            why = error.strerror or error
            raise CommandError(exits.FAILED, f"{arguments.destination} cannot be written: {why}") from None
    files = f"{artifact.files} files, " if artifact.folder else ""
    options.note(f"{target}: {files}{artifact.size} bytes, sha256 {artifact.sha256}")
    return exits.OK


async def _to_stdout(client: "Client", team: Mapping[str, Any], artifact: "Artifact") -> int:
    from kagents_tui.cli.unpacking import target_of, unpack

    if artifact.folder:
        raise CommandError(exits.USAGE, f"{artifact.source} is a folder; name a place for it")
    if sys.stdout.isatty():
        raise CommandError(exits.USAGE, "what an agent wrote is not for a terminal as it is; name a file")
    with tempfile.TemporaryFile() as kept, tempfile.TemporaryDirectory() as folder:
        await fetch(client, team, artifact, kept)
        path = target_of(f"{folder}/artifact", artifact, force=False)
        unpack(kept, artifact, path)
        with path.open("rb") as file:
            while data := file.read(1024 * 1024):
                sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return exits.OK


def _parts(source: str) -> tuple[str, str]:
    team, colon, artifact = source.partition(":")
    agent, slash, name = artifact.partition("/")
    if not (team and colon and agent and slash and name) or "/" in name:
        raise CommandError(
            exits.USAGE,
            f"{source[:100]}: an artifact is named TEAM:AGENT/ARTIFACT, such as q3-report:writer/report",
        )
    return team, artifact


async def _told(client: "Client", namespace: str, name: str, wanted: str) -> dict[str, Any]:
    """The team; of an agent that has just ended, once its recorder has had a moment to tell of it."""
    import asyncio
    import time

    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui.artifact_states import artifacts_of
    from kagents_tui.cli.tables import agents_of

    deadline = time.monotonic() + TOLD_SECONDS
    while True:
        team: dict[str, Any] = await client.get(AGENT_TEAMS, namespace, name)
        ended = {each["agent"] for each in agents_of(team) if each["phase"] == "Completed"}
        late = [each for each in artifacts_of(team) if each.source == wanted and each.state == "ahead"]
        if not late or late[0].agent not in ended or time.monotonic() >= deadline:
            return team
        await asyncio.sleep(_LOOK_SECONDS)


def _artifact(team: Mapping[str, Any], wanted: str) -> "Artifact":
    """The artifact as the team's status tells of it, if it is there."""
    from kagents_tui.artifact_states import artifacts_of

    found = artifacts_of(team)
    artifact = next((each for each in found if each.source == wanted), None)
    if artifact is None:
        known = ", ".join(each.source for each in found) or "none"
        raise CommandError(
            exits.NOT_FOUND, f"the team declares no artifact {wanted[:130]}; it declares {known}"
        )
    if artifact.state == "missing":
        raise CommandError(exits.NOT_FOUND, f"{wanted} was not kept: {artifact.path}: {artifact.problem}")
    if artifact.state == "ahead":
        raise CommandError(
            exits.NOT_FOUND, f"{wanted} is not there: {artifact.agent} has not ended as it should"
        )
    return artifact


async def fetch(client: "Client", team: Mapping[str, Any], artifact: "Artifact", kept: IO[bytes]) -> None:
    """The archive of an artifact into a file of ours: from the hub while it runs, else from a pod for this
    alone, also when the hub ends in the middle. Raises ``CommandError`` or ``KubeError``."""
    from kagents_core.api.constants import EXPORT
    from kagents_tui.cli.export_pod import export_pod
    from kagents_tui.cli.pod_output import BrokenOffError, write_output
    from kagents_tui.hub import RECORDER, hub_pod, recorder_state

    arguments, limit = ["artifact", artifact.source], artifact.size + _SLACK
    hub = await hub_pod(client, team)
    if hub is not None and recorder_state(hub) == "running":
        try:
            await write_output(client, hub, RECORDER, arguments, kept, limit=limit, what="copy")
        except BrokenOffError:
            if not await _ends(client, team):
                raise
            kept.seek(0)
            kept.truncate()
        else:
            kept.seek(0)
            return
    async with export_pod(client, dict(team)) as pod:
        await write_output(client, pod, EXPORT, arguments, kept, limit=limit, what="copy")
    kept.seek(0)


async def _ends(client: "Client", team: Mapping[str, Any]) -> bool:
    """Whether the team is at its end, and its hub so with it."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui.acts import TERMINAL

    metadata = team["metadata"]
    now = await client.get(AGENT_TEAMS, metadata["namespace"], metadata["name"])
    return now["metadata"]["uid"] == metadata["uid"] and now.get("status", {}).get("phase") in TERMINAL
