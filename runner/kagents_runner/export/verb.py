"""``kagents-runner export``: a team's journal, mail, tasks, transcripts, changes, logs, outputs, artifacts.

Of an agent's home only transcripts are taken, never its settings and credentials. What agents wrote is
masked where it looks like a secret; outputs and artifacts are what people asked for, and stay as they are.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kagents_runner.diff.changes import Change, changes_of
from kagents_runner.documents import TeamDocument
from kagents_runner.export.archive import Archive
from kagents_runner.export.walk import files_below
from kagents_runner.locations import Locations, place_of
from kagents_runner.termination import RunnerError


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Writes the archive to stdout; returns 0. Raises ``RunnerError`` outside of a team's pod."""
    places = Locations(environment)
    team = places.team()
    with suppress(OSError):
        os.nice(5)
    archive = Archive(sys.stdout.buffer, arguments.limit)
    _add_team(archive, places, team)
    for agent in team.agents:
        _add(archive, f"transcripts/{agent.name}", places.homes_dir / agent.name, only=".jsonl")
    if team.mode == "coding" and team.repository is not None:
        await _add_changes(archive, places, team, environment)
    _add(archive, "setup", places.work_dir / "setup", only=".log", deep=False)
    _add(archive, "outputs", _outputs(places, team), mask=False)
    if places.artifacts_dir is not None:
        _add(archive, "artifacts", places.artifacts_dir, mask=False)
    archive.close(team=team.name, namespace=team.namespace, uid=team.uid)
    sys.stdout.flush()
    return 0


def _outputs(places: Locations, team: TeamDocument) -> Path:
    return Path(team.output_dir) if team.output_dir else places.work_dir / "output"


def _add_team(archive: Archive, places: Locations, team: TeamDocument) -> None:
    """What is in the team's folder for everybody; requests on their way are in the journal."""
    layout = places.layout(team.name)
    _add(archive, "", places.team_dir, only=("journal.jsonl", "roster.json"), deep=False)
    for name, folder in (
        ("mailboxes", layout.inboxes),
        ("tasks", layout.tasks),
        ("agents", layout.agents_dir),
        ("events", layout.events_dir),
    ):
        _add(archive, name, folder, only=(".json", ".jsonl"))


def _add(
    archive: Archive,
    name: str,
    folder: Path,
    *,
    only: str | tuple[str, ...] = "",
    deep: bool = True,
    mask: bool = True,
) -> None:
    prefix = f"{name}/" if name else ""

    def omit(path: str, reason: str) -> None:
        if deep and path.endswith(only):
            archive.omit(f"{prefix}{path}", reason)

    for path, descriptor in files_below(folder, omit, deep=deep):
        if path.endswith(only):
            archive.add_file(f"{prefix}{path}", descriptor, mask=mask)


async def _add_changes(
    archive: Archive, places: Locations, team: TeamDocument, environment: Mapping[str, str]
) -> None:
    """The changes of each worktree as a patch against where it began."""
    assert team.repository is not None
    for place in dict.fromkeys(place_of(team, agent.name) for agent in team.agents):
        path = f"changes/{place}.patch"
        try:
            branch = team.repository.branch
            found = await changes_of(places.work_dir, place, branch, environment, patches=True)
        except RunnerError as error:
            archive.omit(path, error.sentence)
            continue
        if found.files:
            archive.add_text(path, "".join(_patch(each) for each in found.files))
        if found.omitted:
            archive.omit(path, f"{found.omitted} files are too many or too large to show")


def _patch(change: Change) -> str:
    """One file as ``git diff`` would show it."""
    old = "/dev/null" if change.status in ("added", "untracked") else f"a/{change.before or change.path}"
    new = "/dev/null" if change.status == "deleted" else f"b/{change.path}"
    shown = change.patch if change.patch is not None else f"Nothing of this file is shown ({change.status})."
    cut = "More was changed than is shown.\n" if change.cut else ""
    head = f"diff --git a/{change.before or change.path} b/{change.path}\n--- {old}\n+++ {new}\n"
    return head + shown.rstrip("\n") + "\n" + cut
