"""What a person does with an artifact on the screen: fetches it into the current directory, checked."""

import asyncio
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kagents_tui.acting import RefusedError, fresh, ready
from kagents_tui.actions import Action
from kagents_tui.artifact_states import Artifact, artifacts_of
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import Team

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp
    from kagents_tui.session import Connection


async def fetch(app: "KagentsApp", action: Action, team: Team, source: str) -> None:
    """Fetches ``AGENT/ARTIFACT`` of a team. Whatever goes wrong is one sentence on the message line."""
    from kagents_core.kube.errors import KubeError
    from kagents_tui.cli.exits import CommandError
    from kagents_tui.cli.unpacking import BrokenArtifactError, OccupiedError

    try:
        connection = ready(app, action)
        if refusal := await app.permissions.learn(connection.client, action, team.key[0]):
            raise RefusedError(refusal)
        now = await fresh(connection, team)
        artifact = _kept(now, source)
        app.say(line(f"fetching {source} of {team.key[1]}"), "accent")
        path = await _fetched(connection, now, artifact)
    except (BrokenArtifactError, OccupiedError) as error:
        app.say(line(f"{source}: {error}", 500), "warn")
    except OSError as error:
        app.say(line(f"{source}: {Path.cwd()}: {error.strerror or error}", 500), "warn")
    except (RefusedError, CommandError, KubeError) as error:
        app.say(line(error, 500), "warn")
    else:
        app.say(line(f"fetched {path.name}, sha256 {artifact.sha256}", 500), "good")


def _kept(team: Team, source: str) -> Artifact:
    found = next((each for each in artifacts_of(team.object()) if each.source == source), None)
    if found is None or found.state == "ahead":
        raise RefusedError(f"{source} is not there yet: its agent has not ended")
    if found.state == "missing":
        raise RefusedError(f"{source} was not kept: {found.problem}")
    return found


async def _fetched(connection: "Connection", team: Team, artifact: Artifact) -> Path:
    from kagents_tui.cli import copying
    from kagents_tui.cli.unpacking import target_of

    target = target_of(".", artifact, force=False)
    with tempfile.TemporaryFile() as kept:
        await copying.fetch(connection.client, team.object(), artifact, kept)
        await asyncio.to_thread(_unpacked, kept, artifact, target)
    return target


def _unpacked(kept: IO[bytes], artifact: Artifact, target: Path) -> None:
    from kagents_tui.cli.unpacking import unpack

    unpack(kept, artifact, target)
