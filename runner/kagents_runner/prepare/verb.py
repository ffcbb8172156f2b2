"""The verb: prepares the team's directory and, for a coding team, its repository; then says ``ready``.

It may be run again at any time (the hub's pod is started again after a failure) and changes nothing that is
already as it should be.
"""

import argparse
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.config import Member, build_config, read_members, write_config
from kagents_core.teamfiles.files import replace_file
from kagents_core.teamfiles.formats import NewerFormatError, claim_format
from kagents_core.teamfiles.layout import FORMAT, TeamLayout, checked_name
from kagents_runner.documents import TeamDocument
from kagents_runner.gateway.certificates import make_certificates
from kagents_runner.gitproxy.keys import make_keys
from kagents_runner.locations import Locations, working_directory
from kagents_runner.output import say
from kagents_runner.prepare.repository import Places, prepare_repository
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_SESSION_NAMES: Final = uuid.UUID("6a1f5d0e-8f4b-5a3e-9a55-3d1c7c3f0f11")
"""Namespace of the session id that kagents itself has as ``team-lead``."""
_NO_MODEL: Final = "default"


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Prepares the team that ``KAGENTS_TEAM`` describes. Raises ``RunnerError``."""
    places = Locations(environment)
    team = places.team()
    layout = places.layout(team.name)
    work = places.work_dir
    try:
        layout.root.mkdir(parents=True, exist_ok=True)
        claim_format(layout.format, FORMAT)
        _make_folders(places, layout, team)
    except NewerFormatError as error:
        raise RunnerError(
            f"The team volume cannot be used: {error}. Nothing was changed: upgrade kagents again, "
            "and the team goes on, or delete it.",
            code=EXIT_NEEDS_A_PERSON,
        ) from error
    except PermissionError as error:
        raise RunnerError(
            f"The team volume cannot be written: {error.strerror} ({error.filename}). Give its root "
            f"directory to user or group {os.getuid()}, or use a storage class that honours fsGroup.",
            code=EXIT_NEEDS_A_PERSON,
        ) from error
    except OSError as error:
        raise RunnerError(
            f"The team volume cannot be written: {error.strerror} ({error.filename})."
        ) from error
    except ValueError as error:
        raise RunnerError(
            f"An agent's name cannot be a file's name: {error}.", code=EXIT_NEEDS_A_PERSON
        ) from error
    if team.mode == "coding":
        await _repository(places, team, layout)
    _write_members(layout, team, work)
    replace_file(layout.roster, places.team_text.encode(), durable=True)
    if team.repository is not None and team.repository.setup_command:
        say("prepared; the setup command comes next")  # ``setup`` says ``ready``
        return 0
    replace_file(layout.ready, b"", durable=True)
    say(f"ready: {len(team.agents)} agents")
    return 0


def _make_folders(places: Locations, layout: TeamLayout, team: TeamDocument) -> None:
    """Every folder of the volume that a container mounts or writes in, before one is mounted for an agent."""
    for directory in (*layout.directories(), places.work_dir / "output"):
        directory.mkdir(parents=True, exist_ok=True)
    for agent in team.agents:
        layout.requests(agent.name).mkdir(exist_ok=True)
        (places.homes_dir / checked_name(agent.name)).mkdir(parents=True, exist_ok=True)
        for artifact in agent.artifacts:
            if places.artifacts_dir is not None:
                made = places.artifacts_dir / agent.name / checked_name(artifact)
                made.mkdir(parents=True, exist_ok=True)
    if team.repository is not None and team.repository.agent_access != "none":
        (places.team_dir / "git").mkdir(exist_ok=True)
    if team.gateway is not None and places.gateway_dir is not None:
        places.gateway_dir.mkdir(mode=0o700, exist_ok=True)
        (places.team_dir / "gateway").mkdir(exist_ok=True)
        callers = [agent.name for agent in team.agents if agent.harness == "claude-code"]
        make_certificates(places.gateway_dir, places.homes_dir, callers)


async def _repository(places: Locations, team: TeamDocument, layout: TeamLayout) -> None:
    if team.repository is None:
        raise RunnerError("KAGENTS_TEAM.repository is missing for a coding team.", code=EXIT_NEEDS_A_PERSON)
    if layout.ready.exists():
        say("the team is prepared already")
        return
    places.finish_dir.mkdir(parents=True, exist_ok=True)
    await prepare_repository(
        team.repository,
        team.name,
        [entry.name for entry in team.agents],
        Places(places.work_dir, places.finish_dir, places.git_credentials_dir),
        environment=places.environment,
        log=say,
    )
    if team.repository.agent_access != "none":
        make_keys(places.finish_dir, places.homes_dir, [entry.name for entry in team.agents])


def _write_members(layout: TeamLayout, team: TeamDocument, work: Path) -> None:
    """Writes ``config.json`` unless it already lists exactly these agents."""
    members = [
        Member(entry.name, entry.model or _NO_MODEL, entry.prompt, working_directory(team, entry.name, work))
        for entry in team.agents
    ]
    document = build_config(
        team.name, str(uuid.uuid5(_SESSION_NAMES, team.uid)), members, cwd=work, at=datetime.now(UTC)
    )
    present = read_members(layout)
    wanted = {member["name"]: member for member in document["members"]}
    if {name: _identity(member) for name, member in present.items()} == {
        name: _identity(member) for name, member in wanted.items()
    }:
        return
    write_config(layout, document)


def _identity(member: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(member.get(field) for field in ("agentId", "cwd", "model", "prompt", "color"))
