"""The native list of members, ``config.json``, of a team that kagents owns.

``team-lead`` is kagents itself (the recorder reads that mailbox); the model that leads is the ordinary member
``lead``. The file is written once and read-only: agents would otherwise rewrite it in place, and a kill could
leave it torn (agent-teams protocol, sections 1.1 and P4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.nativejson import NotJsonError, indented, milliseconds, parse

CONFIG_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of ``config.json`` that are read."""

TEAM_LEAD: Final = "team-lead"
COLORS: Final = ("blue", "green", "yellow", "purple", "orange", "pink", "cyan", "red")
"""Colours of the native palette, given to agents in the order of their declaration."""


@dataclass(frozen=True, slots=True)
class Member:
    """One declared agent as the native file lists it."""

    name: str
    model: str
    prompt: str
    cwd: Path


def color_of(position: int) -> str:
    """The colour of the agent at this position (0 is the first declared)."""
    return COLORS[position % len(COLORS)]


def agent_id(name: str, team: str) -> str:
    """The native id of a member."""
    return f"{name}@{team}"


def build_config(
    team: str, session_id: str, members: Sequence[Member], *, cwd: Path, at: datetime
) -> dict[str, Any]:
    """The native document; ``session_id`` is that of kagents as ``team-lead``, ``cwd`` its directory."""
    now = milliseconds(at)
    lead: dict[str, Any] = {
        "agentId": agent_id(TEAM_LEAD, team),
        "name": TEAM_LEAD,
        "agentType": TEAM_LEAD,
        "joinedAt": now,
        "tmuxPaneId": "leader",
        "cwd": str(cwd),
        "subscriptions": [],
        "backendType": "in-process",
    }
    return {
        "name": team,
        "createdAt": now,
        "leadAgentId": agent_id(TEAM_LEAD, team),
        "leadSessionId": session_id,
        "members": [lead, *(_member(team, member, place, now) for place, member in enumerate(members))],
    }


def _member(team: str, member: Member, position: int, now: int) -> dict[str, Any]:
    return {
        "agentId": agent_id(member.name, team),
        "name": member.name,
        "color": color_of(position),
        "joinedAt": now,
        "tmuxPaneId": f"%{position + 1}",
        "subscriptions": [],
        "agentType": "general-purpose",
        "model": member.model,
        "prompt": member.prompt,
        "planModeRequired": False,
        "cwd": str(member.cwd),
        "backendType": "tmux",
        "isActive": False,
    }


def write_config(layout: TeamLayout, document: dict[str, Any]) -> None:
    """Puts the document in place, readable for everyone and writable for nobody."""
    replace_file(layout.config, indented(document), mode=0o444, durable=True)


def read_members(layout: TeamLayout) -> dict[str, dict[str, Any]]:
    """The members by name, entries without a name left out; empty when there is no readable file."""
    try:
        document = parse(read_bounded(layout.config, CONFIG_LIMIT))
    except (OSError, NotJsonError):
        return {}
    members = document.get("members") if isinstance(document, dict) else None
    if not isinstance(members, list):
        return {}
    return {
        member["name"]: member
        for member in members
        if isinstance(member, dict) and isinstance(member.get("name"), str)
    }
