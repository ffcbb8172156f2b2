"""How each agent of the team stands, from the files of the team directory alone.

A pod knows its own supervisor's word (``agents/<agent>.json``). What only the controller knows (a denied
gate, a pod that will not be tried again) the recorder publishes in ``recorder.json``, under ``teammates``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kagents_core.teamfiles.files import read_bounded
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.documents import DocumentError, RosterEntry, TeamDocument, parse_team

_STATE_BYTES = 64 * 1024
_TEAM_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """One agent: where it is, in words for a model, and whether it is over for good."""

    entry: RosterEntry
    words: str
    ended: bool


def read_team(layout: TeamLayout) -> TeamDocument:
    """The roster. Raises ``OSError`` or ``DocumentError``."""
    return parse_team(read_bounded(layout.roster, _TEAM_BYTES))


def read_standings(layout: TeamLayout, team: TeamDocument) -> list[Standing]:
    """Every declared agent, in the order of the roster."""
    published = _mapping(_read(layout.recorder_state, _TEAM_BYTES).get("teammates"))
    states = {entry.name: _state(layout, entry.name) for entry in team.agents}
    ended = {name for name, state in states.items() if _is_over(state, _mapping(published.get(name)))}
    return [_standing(entry, states[entry.name], published, ended) for entry in team.agents]


def have_ended(layout: TeamLayout, team: TeamDocument, names: Sequence[str]) -> bool:
    """Whether all of these agents are over for good."""
    try:
        ended = {standing.entry.name for standing in read_standings(layout, team) if standing.ended}
    except (OSError, DocumentError):
        return False
    return all(name in ended for name in names)


def _standing(entry: RosterEntry, state: str, published: Mapping[str, Any], ended: set[str]) -> Standing:
    word = _mapping(published.get(entry.name))
    waiting = word.get("waitingFor")
    if entry.name in ended:
        return Standing(entry, _over(state, word), True)
    if state in ("starting", "running"):
        return Standing(entry, state, False)
    if isinstance(waiting, str) and waiting:
        return Standing(entry, f"waits for {waiting}", False)
    missing = [name for name in entry.depends_on if name not in ended]
    if missing:
        return Standing(entry, f"waits for the end of {', '.join(missing)}", False)
    if not state and entry.gate:
        return Standing(entry, f"waits for a person to approve {entry.gate}", False)
    return Standing(entry, "failed, will be started again" if state == "failed" else "not started yet", False)


def _is_over(state: str, word: Mapping[str, Any]) -> bool:
    return state == "ended" or word.get("phase") in ("Completed", "Failed") or _is_denied(word)


def _is_denied(word: Mapping[str, Any]) -> bool:
    return str(word.get("waitingFor") or "").startswith("denied")


def _over(state: str, word: Mapping[str, Any]) -> str:
    if _is_denied(word):
        return "was denied by a person and will not start"
    return "failed for good" if word.get("phase") == "Failed" else "has ended"


def _state(layout: TeamLayout, name: str) -> str:
    state = _read(layout.agent_state(name), _STATE_BYTES).get("state")
    return state if isinstance(state, str) else ""


def _read(path: Path, limit: int) -> Mapping[str, Any]:
    try:
        return _mapping(orjson.loads(read_bounded(path, limit)))
    except (OSError, orjson.JSONDecodeError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
