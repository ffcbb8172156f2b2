"""Artifacts across all teams: one row for each that an agent declares, what is missing first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_tui.artifact_states import Artifact, artifacts_of
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Column, Scene, cell
from kagents_tui.rows.fields import line, moment
from kagents_tui.rows.leavings import state_words
from kagents_tui.rows.sizes import size
from kagents_tui.rows.teams import Team

_MARK: Final = b'"artifacts":['
"""Stands in the document of every team that declares any: the others need not be read."""
_RANKS: Final = {"missing": 0, "kept": 1, "ahead": 2}


@dataclass(frozen=True, slots=True)
class TeamArtifact:
    """One artifact and the team it belongs to."""

    key: tuple[str, str, str, str]
    """Namespace, team, agent and name, exactly as the object has them."""
    team: Team
    artifact: Artifact
    text: SafeText
    """The command that fetches it, which is what a person copies."""
    agent: SafeText
    name: SafeText
    path: SafeText
    words: SafeText
    at: datetime | None


def of_team(team: Team) -> list[TeamArtifact]:
    """Every artifact of a team. Never raises on a malformed object."""
    if _MARK not in team.document:
        return []
    return [_row(team, each) for each in artifacts_of(team.object())]


def _row(team: Team, artifact: Artifact) -> TeamArtifact:
    command = f"kagents cp -n {team.key[0]} {team.key[1]}:{artifact.source} ."
    return TeamArtifact(
        (*team.key, artifact.agent, artifact.name),
        team,
        artifact,
        line(command, 500),
        line(artifact.agent, 100),
        line(artifact.name, 100),
        line(artifact.path, 255),
        state_words(artifact),
        moment(artifact.at),
    )


def of_teams(teams: Iterable[Team]) -> list[TeamArtifact]:
    """Those of all teams."""
    return [each for team in teams for each in of_team(team)]


def order(item: TeamArtifact, now: datetime | None) -> tuple[int, tuple[str, str, str, str]]:
    """What is missing first, then what is there, then what is still to be made."""
    return (_RANKS[item.artifact.state], item.key)


def shape(item: TeamArtifact, scene: Scene) -> Cell:
    """One glyph: whether it is there."""
    symbols = scene.symbols
    state = item.artifact.state
    if state == "missing":
        return cell(symbols.failed, "bad")
    return cell(symbols.done, "good") if state == "kept" else cell(symbols.waiting, "dim")


def size_cell(item: TeamArtifact, scene: Scene) -> Cell:
    """Bytes of what is there."""
    return cell(size(item.artifact.size) if item.artifact.state == "kept" else "", "dim")


def path_cell(item: TeamArtifact, scene: Scene) -> Cell:
    """Where it was, or why it is not there."""
    if item.artifact.state == "missing":
        return cell(f"{item.artifact.problem}: {item.path}", "bad")
    return Cell(item.path, "plain" if item.artifact.state == "kept" else "dim")


COLUMNS: tuple[Column[TeamArtifact], ...] = (
    Column("", shape, 1, 1),
    Column("NAMESPACE", lambda a, s: Cell(a.team.namespace), 9, 20, drop=3, sort=lambda a: a.key),
    Column("TEAM", lambda a, s: Cell(a.team.name, "strong"), 10, 32, sort=lambda a: a.key[1:]),
    Column("AGENT", lambda a, s: Cell(a.agent), 8, 24, sort=lambda a: a.key[2:]),
    Column("ARTIFACT", lambda a, s: Cell(a.name, "accent"), 8, 32, sort=lambda a: a.key[3]),
    Column("SIZE", size_cell, 8, 8, right=True, drop=1, sort=lambda a: -a.artifact.size),
    Column("PATH", path_cell, 10, 120, grow=True, sort=lambda a: a.artifact.path),
    Column(
        "AGE",
        lambda a, s: cell(age(s.now, a.at)),
        5,
        5,
        right=True,
        drop=2,
        sort=lambda a: -(a.at.timestamp() if a.at else 0.0),
    ),
)


def search_text(item: TeamArtifact) -> str:
    """What a filter looks at."""
    return f"{item.team.namespace} {item.team.name} {item.agent} {item.name} {item.path} {item.words}"


def story(item: TeamArtifact, now: datetime) -> SafeText:
    """Everything that is known of it."""
    artifact = item.artifact
    facts: list[tuple[str, Any]] = [
        ("team", f"{item.team.key[0]}/{item.team.key[1]}"),
        ("agent", artifact.agent),
        ("artifact", artifact.name),
        ("path", artifact.path),
        ("state", item.words),
    ]
    if artifact.state == "kept":
        facts += [("bytes", artifact.size), ("files", artifact.files), ("sha256", artifact.sha256)]
        facts += [("kept", f"{artifact.at} ({age(now, item.at)} ago)"), ("fetch", item.text)]
    return clean("\n".join(f"{name:<10}{line(value, 600)}" for name, value in facts))
